"""This service's events, a row each. A row is never edited; a new shape gets a new row."""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts.references import REFERENCES
from services.chassis.log.event_types import EventTypes
from services.notifications.domain.inbox import InboxEvent, MessageTaken
from services.notifications.domain.reading import CaseEventsRead, ReadingEvent, ReadingMoved
from services.notifications.domain.waiting import OrganisationUnreached, WaitingEvent

NotificationsEvent = InboxEvent | ReadingEvent | WaitingEvent
"""Every event in the service's log."""


class EventRow(NamedTuple):
    """An event: its class, and the name that it is stored under. What others get of it `publishing.py` says."""

    event: type
    stored: str


EVENTS: Final = (
    EventRow(MessageTaken, "notifications.message_taken.v1"),
    EventRow(ReadingMoved, "notifications.reading_moved.v1"),
    EventRow(CaseEventsRead, "notifications.case_events_read.v1"),
    EventRow(OrganisationUnreached, "notifications.organisation_unreached.v1"),
)
EVENT_TYPES: Final = EventTypes(EVENTS, references=REFERENCES)
