"""Plain data of a domain as JSON, and the raw record as auditors and parties read it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from services.chassis.metadata import Recorded

Json = dict[str, Any]

_PLAIN: Final = frozenset({str, int, bool, float, type(None), datetime, date})


@cache
def camel(name: str) -> str:
    """A field's name as JSON has it; names in capitals (`WAITLIST_REVIEW`) too."""
    first, *others = name.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


def as_json(value: Any) -> Any:
    """Plain data in its JSON shape: camelCase members, sets sorted; times and dates are left to the serialiser."""
    kind: type = type(value)
    if kind in _PLAIN:
        return value
    if (members := _members(kind)) is not None:
        given = ((member, getattr(value, name)) for name, member in members)
        return {member: held if type(held) in _PLAIN else as_json(held) for member, held in given}
    if isinstance(value, tuple | list):
        return [one if type(one) in _PLAIN else as_json(one) for one in value]
    if isinstance(value, frozenset | set):
        return sorted(as_json(one) for one in value)
    # The keys of a mapping are codes, and stay as they are.
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    return value


@cache
def _members(kind: type) -> tuple[tuple[str, str], ...] | None:
    return tuple((field.name, camel(field.name)) for field in fields(kind)) if is_dataclass(kind) else None


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
        "legalBasisId": meta.legal_basis_id,
        "charterVersion": meta.charter_version,
        "programmeVersion": meta.programme_version,
        "correlationId": meta.correlation_id,
        "causationId": meta.causation_id,
        "traceparent": meta.traceparent,
        "digest": recorded.digest,
        "data": as_json(recorded.event),
    }
