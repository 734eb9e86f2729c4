"""This service's events, a row each. A row is never edited; a new shape gets a new row."""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts.references import REFERENCES
from services.chassis.log.event_types import EventTypes
from services.notifications.domain.inbox import MessageTaken


class EventRow(NamedTuple):
    """An event: its class, and the name that it is stored under. None is published: the feed is read instead."""

    event: type
    stored: str


EVENTS: Final = (EventRow(MessageTaken, "notifications.message_taken.v1"),)
EVENT_TYPES: Final = EventTypes(EVENTS, references=REFERENCES)
