"""This service's events, a row each. A row is never edited; a new shape gets a new row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.chassis.log.event_types import EventTypes
from services.notifications.domain.inbox import MessageTaken


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event: its class, and the name that it is stored under. Nothing is published: the feed is read."""

    event: type
    stored: str


EVENTS: Final = (EventRow(MessageTaken, "notifications.message_taken.v1"),)
TOPICS: Final[dict[str, type]] = {row.stored: row.event for row in EVENTS}
"""The classes by their stored names."""

REFERENCES: Final = ("legal_basis_id", "charter_version", "programme_version")
"""What the metadata of its events refer to, in the order in which they are stored."""

EVENT_TYPES: Final = EventTypes(TOPICS, references=REFERENCES)
