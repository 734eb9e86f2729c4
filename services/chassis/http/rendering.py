"""Plain data of a domain as JSON, and the raw record as auditors and parties read it."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any

from services.chassis.metadata import Recorded

Json = dict[str, Any]


def camel(name: str) -> str:
    """A field's name as JSON has it; names in capitals (`WAITLIST_REVIEW`) too."""
    first, *others = name.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


def as_json(value: Any) -> Any:
    """Plain data in its JSON shape: camelCase members, sets sorted; times and dates are left to the serialiser."""
    if is_dataclass(value) and not isinstance(value, type):
        return {camel(name): as_json(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple | list):
        return [as_json(one) for one in value]
    if isinstance(value, frozenset | set):
        return sorted(as_json(one) for one in value)
    # The keys of a mapping are codes, and stay as they are.
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    return value


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
