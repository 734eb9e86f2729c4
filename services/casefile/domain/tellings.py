"""Who was told of what in a case, and who could not be.

It is a stream beside the case, so that neither its version nor its ETag moves by it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from contracts.telling_codes import REACHED
from services.chassis.modelling.decider import Command, Entity, Event


class NoteTold(Command, frozen=True, kw_only=True):
    """An organisation was told of events of the case (`contracts.notifications.OrganisationTold`)."""

    organisation: str
    channel: str
    state: str
    events: tuple[str, ...]


class NoteNotTold(Command, frozen=True, kw_only=True):
    """An organisation was not told of what waits for it (`contracts.notifications.OrganisationNotTold`)."""

    organisation: str
    event: str
    since: datetime
    reason: str


class NotePersonAsked(Command, frozen=True, kw_only=True):
    """Mentor or mentee was asked by a letter, or could not be (`contracts.notifications.PersonAsked`)."""

    organisation: str
    side: str
    event: str
    result: str


class ToldNoted(Event, frozen=True, kw_only=True):
    """An organisation was told of these events of the case by a channel, as far as the state says."""

    BYSTANDER: ClassVar[bool] = True
    organisation: str
    channel: str
    state: str
    events: tuple[str, ...]


class NotToldNoted(Event, frozen=True, kw_only=True):
    """An organisation could not be told of an event of the case since it came, and why."""

    BYSTANDER: ClassVar[bool] = True
    organisation: str
    event: str
    since: datetime
    reason: str


class PersonAskedNoted(Event, frozen=True, kw_only=True):
    """A side of a match was asked by a letter about an event of the case, or the result says why not."""

    BYSTANDER: ClassVar[bool] = True
    organisation: str
    side: str
    event: str
    result: str


TellingEvent = ToldNoted | NotToldNoted | PersonAskedNoted
TellingCommand = NoteTold | NoteNotTold | NotePersonAsked


class Tellings(Struct, frozen=True, kw_only=True):
    """Which organisations could not be told, and were not told of anything since."""

    unreached: frozenset[str] = frozenset()


def decide_telling(command: TellingCommand, _record: Tellings) -> list[TellingEvent]:
    """Everything that was told is noted: there is nothing to refuse."""
    match command:
        case NoteTold():
            return [
                ToldNoted(
                    organisation=command.organisation,
                    channel=command.channel,
                    state=command.state,
                    events=command.events,
                )
            ]
        case NoteNotTold():
            return [
                NotToldNoted(
                    organisation=command.organisation,
                    event=command.event,
                    since=command.since,
                    reason=command.reason,
                )
            ]
        case NotePersonAsked():
            return [
                PersonAskedNoted(
                    organisation=command.organisation, side=command.side, event=command.event, result=command.result
                )
            ]
        case _:
            assert_never(command)


def evolve_tellings(record: Tellings, event: TellingEvent) -> Tellings:
    """The record after one more event."""
    match event:
        case ToldNoted():
            if event.state not in REACHED or event.organisation not in record.unreached:
                return record
            return replace(record, unreached=record.unreached - {event.organisation})
        case NotToldNoted():
            return replace(record, unreached=record.unreached | {event.organisation})
        case PersonAskedNoted():
            # It reaches a person; whether their organisation is told is another thing.
            return record
        case _:
            assert_never(event)


TELLINGS: Entity[Tellings] = Entity(Tellings(), evolve_tellings)


def tellings_stream(case: str) -> str:
    """The stream of who was told of what in a case."""
    return f"told-{case}"
