"""What stands in the log of who read what: an event for each reading, in a stream of its own."""

from __future__ import annotations

from typing import Final

from services.chassis.log.event_types import EventTypes
from services.chassis.modelling.decider import Event


class RecordRead(Event, frozen=True, kw_only=True):
    """Somebody, the actor of the event, was answered.

    `route` is its method and the template of its path, `read` what the answer was of, such as `case/9f3c…`, and
    `left_out` how many more there were than one record names. `purpose_ref` is the vault's reference of what they
    said that it is for.
    """

    route: str
    read: tuple[str, ...]
    left_out: int = 0
    purpose_ref: str | None = None


EVENT_TYPES: Final = EventTypes({"access.record_read.v1": RecordRead})


def read_stream(event_id: str) -> str:
    """The stream of one reading. Nothing is decided on it, so that nobody who reads waits for another."""
    return f"read-{event_id}"
