"""The stable stored names of this service's events. A line is never edited; a new shape gets a new line."""

from __future__ import annotations

from typing import Final

from services.chassis.log.event_types import EventTypes
from services.notifications.domain.inbox import MessageTaken

TOPICS: Final[dict[str, type]] = {
    "notifications.message_taken.v1": MessageTaken,
}

REFERENCES: Final = ("legal_basis_id", "charter_version", "programme_version")
"""What the metadata of its events refer to, in the order in which they are stored."""

EVENT_TYPES: Final = EventTypes(TOPICS, references=REFERENCES)
