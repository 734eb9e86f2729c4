"""Decided events with their metadata, by stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from services.chassis.deciding.event_ids import new_ids
from services.chassis.deciding.folded import Folded
from services.chassis.deciding.idempotency import KeyUsed
from services.chassis.log.metadata import Metadata
from services.chassis.modelling.decider import Actor, To

if TYPE_CHECKING:
    from services.chassis.deciding.handler import Call


def _actor_of(event: Any, actor: Actor) -> Actor:
    if actor.on_behalf_reason is None or event.PASSED_ON:
        return actor
    return actor.in_own_name()


def stamped(
    metadata: type[Metadata],
    decided: Sequence[Any],
    own_stream: str,
    at: datetime,
    own: Folded[Any],
    references: Mapping[str, str | None],
    call: Call,
) -> dict[str, list[tuple[Any, Metadata]]]:
    """The events that a command on `own_stream` decided, each with its metadata, by the stream that it goes to."""
    written: dict[str, list[tuple[Any, Metadata]]] = {}
    made: dict[tuple[bool, bool], Metadata] = {}
    correlation = call.correlation_id or own.correlation_id
    for event_id, decision in zip(new_ids(len(decided)), decided, strict=True):
        stream, event = (decision.stream, decision.event) if isinstance(decision, To) else (own_stream, decision)
        if event.BESIDE and stream == own_stream:
            msg = f"{type(event).__name__} happens beside a command, and its own stream would not know a repeat by it"
            raise TypeError(msg)
        correlation = correlation or event_id
        answers = stream == own_stream or isinstance(event, KeyUsed)
        # But for their ids, most events of a decision have the same.
        alike = answers, event.PASSED_ON
        if (known := made.get(alike)) is not None and event.act is None:
            written.setdefault(stream, []).append((event, replace(known, event_id=event_id)))
            continue
        meta = metadata(
            event_id=event_id,
            actor=_actor_of(event, call.actor),
            occurred_at=call.occurred_at or at,
            recorded_at=at,
            correlation_id=correlation,
            causation_id=call.causation_id,
            # Only the command's own stream and the key's answer a repeat; elsewhere keys would only pile up.
            idempotency_key=call.idempotency_key if answers else None,
            fingerprint=call.fingerprint if answers else None,
            traceparent=call.traceparent,
            causation_sequence=call.causation_sequence,
            **references,
        )
        if (act := event.act) is None:
            made[alike] = meta
        else:
            meta = replace(meta, actor=act.by, occurred_at=act.at)
        written.setdefault(stream, []).append((event, meta))
    if own_stream in written:
        # Last, so that the command's position is that of its own stream's last event, as a replay will find it.
        written[own_stream] = written.pop(own_stream)
    return written


def stamped_beside(
    metadata: type[Metadata],
    records: Sequence[Any],
    own_stream: str,
    at: datetime,
    own: Folded[Any],
    references: Mapping[str, str | None],
    call: Call,
) -> dict[str, list[tuple[Any, Metadata]]]:
    """What is to stand of a refusal, as `stamped` has it, but without what a repeat is known by.

    Nothing was done, so a repeat is decided again. Raises TypeError for an event that would move an ETag.
    """
    for record in records:
        event = record.event if isinstance(record, To) else record
        if not event.BYSTANDER:
            message = f"{type(event).__name__} would move an ETag, and nothing was done"
            raise TypeError(message)
    call = replace(call, idempotency_key=None, fingerprint=None, causation_id=None, causation_sequence=None)
    return stamped(metadata, records, own_stream, at, own, references, call)
