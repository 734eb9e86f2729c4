"""What an organisation was told by what it fetches itself: its feed, its stream, its topic.

One stream for each organisation, channel and choice of types. It says how far the organisation has come, and of each
case which events that were.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.modelling.decider import Command, Entity, Event


class OfCase(Struct, frozen=True, kw_only=True):
    """Events of a case, by their ids."""

    case: str
    events: tuple[str, ...]


class NoteReading(Command, frozen=True, kw_only=True):
    """The organisation has come from position `after` to `through`, past these events.

    `channel` and `state` are those of `contracts.telling_codes`; `types` is None for all. `more`: they are only the
    first of those up to where it has come.
    """

    organisation: str
    channel: str
    state: str
    types: tuple[str, ...] | None
    after: int
    through: int
    events: tuple[OfCase, ...]
    more: bool


class ReadingMoved(Event, frozen=True, kw_only=True):
    """The organisation has come to position `through` of the log."""

    organisation: str
    channel: str
    state: str
    types: tuple[str, ...] | None
    through: int
    at: datetime


class CaseEventsRead(Event, frozen=True, kw_only=True):
    """These events of a case were on the way there."""

    organisation: str
    channel: str
    state: str
    case: str
    events: tuple[str, ...]


ReadingEvent = ReadingMoved | CaseEventsRead


class Reading(Struct, frozen=True, kw_only=True):
    """How far the organisation has come, and when that was known last."""

    through: int = 0
    at: datetime | None = None


def decide_reading(command: NoteReading, reading: Reading) -> list[ReadingEvent]:
    """Notes what was read; that nothing new was there is worth an event once a day, to know that it is still read."""
    if command.after != reading.through:
        # Another process has noted some of it: what is left is looked up again.
        return []
    same_day = reading.at is not None and reading.at.date() == command.at.date()
    if not command.events and not command.more and same_day:
        return []
    organisation, channel, state = command.organisation, command.channel, command.state
    return [
        ReadingMoved(
            organisation=organisation,
            channel=channel,
            state=state,
            types=command.types,
            through=command.through,
            at=command.at,
        ),
        *(
            CaseEventsRead(
                organisation=organisation, channel=channel, state=state, case=about.case, events=about.events
            )
            for about in command.events
        ),
    ]


def evolve_reading(reading: Reading, event: ReadingEvent) -> Reading:
    """See `services.chassis.modelling.decider`."""
    match event:
        case ReadingMoved():
            return replace(reading, through=event.through, at=event.at)
        case CaseEventsRead():
            return reading
        case _:
            assert_never(event)


READING: Entity[Reading] = Entity(Reading(), evolve_reading)


def reading_stream(organisation: str, channel: str, state: str, types: tuple[str, ...] | None) -> str:
    """The stream of how far an organisation has come by a channel, with a choice of types."""
    way = f"{channel.lower()}-{state.lower()}"
    if types is None:
        return f"reading-{way}-{organisation}"
    chosen = blake2b("\n".join(types).encode(), digest_size=8).hexdigest()
    return f"reading-{way}-of-{chosen}-{organisation}"
