"""What a reaction to a message knows beside the message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.chassis.modelling.decider import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """When the reaction happens, and the id and the position that the message's event has in the source's log.

    `by` is in whose name a message without an actor of its own is taken in.
    """

    at: datetime
    by: Actor
    source_event_id: str
    source_position: int
