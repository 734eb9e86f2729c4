"""The inbox of a case: every message about it, taken once, with those who could see it when it came.

A message about no case (an organisation, a programme) goes into an inbox of its own, which everybody may read.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as with_fields
from datetime import datetime
from typing import Any, Self, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from contracts.visibility import Part, Parties, facts_of, item_of, message_place
from services.chassis.modelling.decider import Command, Entity, Event
from services.chassis.modelling.growing import GrowingMap

P = TypeVar("P", bound=Parties)
CloudEventJson = dict[str, Any]
"""A CloudEvent in structured JSON, as it is stored and handed out: its `data` is that of its type."""


class MessageTaken(Event, frozen=True, kw_only=True):
    """A published message came in.

    `source` and `sequence` are the CloudEvent's, `name` the event's name in docs/domain.md, `recorded_at` when
    its source recorded it, `case` the case it is about, or the broadcast of an anonymous offer, whose parties are its
    own (None: an organisation or a programme, which everybody may see). `audience` are the organisations that could see
    it when it came, sorted; what they may see today, today's parties decide. `message` is the CloudEvent in
    structured JSON.
    """

    source: str
    sequence: int
    type: str
    name: str
    case: str | None
    recorded_at: datetime
    audience: tuple[str, ...]
    message: CloudEventJson


InboxEvent = MessageTaken
"""The events of an inbox."""


class TakeMessage(Command, frozen=True, kw_only=True):
    """Take a message in. `occurred_at` is when the reported event happened; the rest is as in `MessageTaken`."""

    source: str
    sequence: int
    type: str
    name: str
    case: str | None
    occurred_at: datetime
    recorded_at: datetime
    message: CloudEventJson


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingParties(Parties):
    """The parties of a case; adding one costs the same however many there are."""

    by_referral: GrowingMap[str, Part] = GrowingMap()

    def with_(self, agency: str | None, part: Part) -> Self:
        """See `Parties.with_`."""
        return with_fields(self, agency=agency, by_referral=self.by_referral.insert(part.referral, part))


class Inbox(Struct, frozen=True, kw_only=True):
    """What taking a message rests on: how many came before, and the parties of the case."""

    taken: int = 0
    parties: GrowingParties = GrowingParties()


def parties_with(parties: P, event: TakeMessage | MessageTaken, taken: int) -> P:
    """The parties once a message is known, as the `taken`-th of its case."""
    place = message_place(event.recorded_at, taken)
    for fact in facts_of(event.name, event.message["data"], place):
        parties = parties.take(fact)
    return parties


def decide(command: TakeMessage, inbox: Inbox) -> list[InboxEvent]:
    """A published message is always taken: there is nothing to refuse."""
    audience: list[str] = []
    if command.case is not None:
        taken = inbox.taken + 1
        parties = parties_with(inbox.parties, command, taken)
        item = item_of(command.name, command.message["data"], message_place(command.recorded_at, taken))
        audience = [organisation for organisation in parties.organisations if parties.sees(organisation, item)]
    return [
        MessageTaken(
            source=command.source,
            sequence=command.sequence,
            type=command.type,
            name=command.name,
            case=command.case,
            recorded_at=command.recorded_at,
            audience=tuple(sorted(audience)),
            message=command.message,
        )
    ]


def evolve(inbox: Inbox, event: InboxEvent) -> Inbox:
    """See `services.chassis.modelling.decider`."""
    match event:
        case MessageTaken(case=None):
            return replace(inbox, taken=inbox.taken + 1)
        case MessageTaken():
            taken = inbox.taken + 1
            return Inbox(taken=taken, parties=parties_with(inbox.parties, event, taken))
        case _:
            assert_never(event)


INBOX: Entity[Inbox] = Entity(Inbox(), evolve)


def inbox_stream(case: str) -> str:
    """The stream of the messages about a case."""
    return f"inbox-{case}"


def notices_stream(subject: str) -> str:
    """The stream of the messages about an organisation or a programme."""
    return f"notices-{subject}"
