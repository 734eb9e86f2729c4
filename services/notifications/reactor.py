"""Runs the commands that follow from messages: each message is taken in once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contracts.acts_by_link import ActByLinkAnswered
from contracts.casefile.by_link import AnswerByLinkTaken
from contracts.message import Envelope, Message, read_data
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.reactions import delivery_of
from services.chassis.delivery.together import ComesAlone
from services.chassis.modelling.decider import Actor, Entity
from services.chassis.time.clock import Clock
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.inbox import INBOX, Inbox, TakeMessage, decide, inbox_stream
from services.notifications.links.acting import Links
from services.notifications.links.asking import POSTED, Asking
from services.notifications.reactions import stream_of, when_something_is_published_take_it_in

_ANSWERS: Final[dict[str, type[ActByLinkAnswered | AnswerByLinkTaken]]] = {
    kind.TYPE: kind for kind in (ActByLinkAnswered, AnswerByLinkTaken)
}
SYSTEM: Final = Actor(sub="notifications", role="SYSTEM", org="caserelay")


def inbox_of(event: Envelope) -> tuple[str, Entity[Inbox]]:
    """Where a message is likely to be taken in: what keeps the order of messages about a case is the case."""
    return inbox_stream(event.partitionkey), INBOX


class Reactor:
    """Takes in messages of the other services; a repeat finds the message's id in the inbox and changes nothing."""

    def __init__(
        self,
        streams: Streams,
        clock: Clock,
        known: Mapping[str, type[Message]] = MESSAGES,
        links: Links | None = None,
        asking: Asking | None = None,
    ) -> None:
        """`known` are the messages that this version takes in, by type; `links` are told what became of their acts.

        `asking` is told what became of its letters.
        """
        self._links, self._asking = links, asking
        self._handler = Handler[TakeMessage, Inbox](streams, OwnState(), decide)
        self._clock = clock
        self._known = known

    def _reaction(self, event: Envelope) -> tuple[TakeMessage, str, Call]:
        delivery = delivery_of(event, SYSTEM, self._clock)
        command = when_something_is_published_take_it_in(event, delivery, self._known)
        call = Call(actor=SYSTEM, causation_id=event.id, occurred_at=command.occurred_at, traceparent=event.traceparent)
        return command, stream_of(event, command), call

    async def react(self, event: Envelope) -> None:
        """Takes one message in. Raises UnknownMessage, and ValidationError for data of a wrong shape."""
        if (kind := _ANSWERS.get(event.type)) is not None and self._links is not None:
            answered = read_data(kind, event)
            call = Call(actor=SYSTEM, causation_id=event.id, traceparent=event.traceparent)
            await self._links.answer(answered.link, answered.refusal, call)
            return
        if event.type in POSTED and self._asking is not None:
            await self._asking.note(event)
            return
        command, stream, call = self._reaction(event)
        await self._handler.handle(command, stream, INBOX, call, must_exist=False)

    async def add(self, row: Row, event: Envelope) -> None:
        """Adds one message to what is taken in together. Raises as `react` does, and ComesAlone."""
        if event.type in _ANSWERS or event.type in POSTED:
            raise ComesAlone
        command, stream, call = self._reaction(event)
        await self._handler.add(row, command, stream, INBOX, call, must_exist=False)
