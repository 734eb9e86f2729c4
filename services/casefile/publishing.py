"""What others get of each private event: the message of its row, and none where it has none."""

from __future__ import annotations

from contracts.message import CaseMessage
from services.casefile.domain.case import CaseEvent
from services.casefile.events import row_of
from services.casefile.history import occurred_at
from services.casefile.message_parts import About
from services.chassis.delivery.translation import published_actor
from services.chassis.log.metadata import Recorded


def publish(recorded: Recorded) -> tuple[str, CaseMessage] | None:
    """The case and the message of an event, or None where it concerns nobody outside this service."""
    if not recorded.stream.startswith("case-"):
        return None
    event: CaseEvent = recorded.event
    # First, since of most events nobody is told.
    if (make := row_of(event).message) is None:
        return None
    case, meta = recorded.stream.removeprefix("case-"), recorded.meta
    about: About = {
        "case": case,
        "actor": published_actor(meta.actor),
        "occurred_at": occurred_at(recorded),
        "recorded_at": meta.recorded_at,
        "digest": recorded.digest,
    }
    return case, make(event, about)
