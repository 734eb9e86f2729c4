"""Plain data of a domain as JSON, and the raw record of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final

from msgspec import UNSET

from services.chassis.log.metadata import Recorded
from services.chassis.modelling.plain import members

Json = dict[str, Any]

_PLAIN: Final = frozenset({str, int, bool, float, type(None), datetime, date})


@cache
def camel(name: str) -> str:
    """A field's name as JSON has it; names in capitals (`WAITLIST_REVIEW`) too."""
    first, *others = name.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


def as_json(value: Any) -> Any:
    """Plain data in its JSON shape: camelCase members, without those unset, sets sorted; times are the serialiser's."""
    kind: type = type(value)
    if kind in _PLAIN:
        return value
    if (members := _members(kind)) is not None:
        names, read = members
        made = dict(zip(names, read(value), strict=True))
        unset = []
        for name, held in made.items():
            if held is UNSET:
                unset.append(name)
            elif type(held) not in _PLAIN:
                made[name] = as_json(held)
        for name in unset:
            del made[name]
        return made
    if isinstance(value, tuple | list):
        return [item if type(item) in _PLAIN else as_json(item) for item in value]
    if isinstance(value, frozenset | set):
        return sorted(as_json(item) for item in value)
    # The keys of a mapping are codes, and stay as they are.
    if isinstance(value, dict):
        return {name: as_json(member) for name, member in value.items()}
    return value


@cache
def _members(kind: type) -> tuple[tuple[str, ...], Callable[[Any], Iterable[Any]]] | None:
    """The names of plain data in JSON, and what reads their values; None for anything else."""
    names = members(kind)
    if names is None:
        return None
    if len(names) > 1:
        read: Callable[[Any], Iterable[Any]] = attrgetter(*names)
    else:
        # For one name it would answer the bare value.
        def read(value: Any) -> Iterable[Any]:
            return [getattr(value, name) for name in names]

    return tuple(map(camel, names)), read


def recorded_view(recorded: Recorded) -> Json:
    """An event with its metadata."""
    meta = recorded.meta
    return {
        "event": meta.event_id,
        "type": type(recorded.event).__name__,
        "topic": recorded.topic,
        "version": recorded.version,
        "position": recorded.position,
        "occurredAt": meta.occurred_at,
        "recordedAt": meta.recorded_at,
        "actor": as_json(meta.actor),
        **{camel(name): value for name, value in meta.references.items()},
        "correlationId": meta.correlation_id,
        "causationId": meta.causation_id,
        "traceparent": meta.traceparent,
        "digest": recorded.digest,
        "data": as_json(recorded.event),
    }
