"""What is known of every recorded event beside its payload."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import SerializerFunctionWrapHandler, WrapSerializer

from services.chassis.modelling.decider import Actor


def _written(actor: Actor, write: SerializerFunctionWrapHandler) -> Any:
    # Anyone who acts in their own name is written in the bytes that it always had.
    written = write(actor)
    if actor.on_behalf_reason is None:
        del written["on_behalf_reason"]
    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Who, when, under which rules, and why an event was recorded. No personal data, ever.

    `occurred_at` is when it happened, `recorded_at` the service's clock; `causation_id` is the id of the message
    or event that led to it, `causation_sequence` the position of a message in the log that it came from, and
    `correlation_id` the id of the first one in the chain.
    """

    event_id: str
    actor: Annotated[Actor, WrapSerializer(_written)]
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str
    causation_id: str | None = None
    legal_basis_id: str | None = None
    charter_version: str | None = None
    programme_version: str | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None
    traceparent: str | None = None
    causation_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log holds it.

    `position` is its place in the whole log, `version` its place in its stream (the first is 1), `topic` its stable
    stored name, `state` the bytes as they are stored.
    """

    position: int
    stream: str
    version: int
    topic: str
    event: Any
    meta: Metadata
    state: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the stored bytes in hexadecimal."""
        return hashlib.sha256(self.state).hexdigest()
