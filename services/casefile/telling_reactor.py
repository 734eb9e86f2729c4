"""Takes in what the notifications service says of who was told, and who was not.

It goes into the stream beside the case. Where somebody could not be told, the other side of the case is asked to see to
it, until that one was told after all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from contracts.message import Envelope, read_data
from contracts.notifications import OrganisationNotTold, OrganisationTold, PersonAsked
from contracts.telling_codes import REACHED
from services.casefile.domain.case import CASE
from services.casefile.domain.context import Context
from services.casefile.domain.escalation import RaiseUnreached, SettleUnreached
from services.casefile.domain.state import case_stream
from services.casefile.domain.tellings import (
    TELLINGS,
    NoteNotTold,
    NotePersonAsked,
    NoteTold,
    TellingCommand,
    Tellings,
    decide_telling,
    tellings_stream,
)
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer import React
from services.chassis.delivery.together import ComesAlone
from services.chassis.modelling.decider import Actor, Command, Entity
from services.chassis.time.clock import Clock

_Telling = OrganisationTold | OrganisationNotTold | PersonAsked
SYSTEM: Final = Actor(sub="casefile-service", role="SYSTEM", org="caserelay")


def record_of(event: Envelope) -> tuple[str, Entity[Tellings]]:
    """The stream that a message of the topic is taken into."""
    return tellings_stream(event.partitionkey), TELLINGS


class TellingReactor:
    """Takes in messages of the notifications service; one that is repeated changes nothing."""

    def __init__(
        self,
        streams: Streams,
        cases: Handler[Command, Context],
        clock: Clock,
        alone: Mapping[str, React] = MappingProxyType({}),
    ) -> None:
        """`alone` take in what comes on the same topic and tells of nobody who was told, by the type of the message."""
        self._streams = streams
        self._cases = cases
        self._records = Handler[TellingCommand, Tellings](streams, OwnState(), decide_telling)
        self._clock, self._alone = clock, alone

    async def react(self, event: Envelope) -> None:
        """Takes one message in; nothing follows from one of another type. Raises ValidationError for a wrong shape."""
        if (take := self._alone.get(event.type)) is not None:
            await take(event)
            return
        match self._read(event):
            case OrganisationTold() as telling:
                if telling.state in REACHED and telling.organisation in (await self._of(telling.case)).unreached:
                    # First: if it fails, the word that it waited for comes again.
                    settle = SettleUnreached(at=self._clock.now(), by=SYSTEM, organisation=telling.organisation)
                    await self._on_case(settle, telling.case, event)
                await self._note(self._noting(telling), telling, event)
            case OrganisationNotTold() as missed:
                noted = NoteNotTold(
                    at=self._clock.now(),
                    by=SYSTEM,
                    organisation=missed.organisation,
                    event=missed.event,
                    since=missed.since,
                    reason=missed.reason,
                )
                await self._note(noted, missed, event)
                raised = RaiseUnreached(
                    at=self._clock.now(),
                    by=SYSTEM,
                    organisation=missed.organisation,
                    since=missed.since,
                    why=missed.reason,
                )
                await self._on_case(raised, missed.case, event)
            case PersonAsked() as letter:
                await self._note(self._of_letter(letter), letter, event)
            case None:
                pass

    async def add(self, row: Row, event: Envelope) -> None:
        """Adds what follows from one message to the row. Raises ComesAlone, and as `react`."""
        if event.type in self._alone:
            raise ComesAlone
        match self._read(event):
            case OrganisationTold() as telling:
                command, stream = self._noting(telling), tellings_stream(telling.case)
                # The row has read it together with those of the other messages.
                known = await row.state(stream, TELLINGS)
                if telling.state in REACHED and telling.organisation in known.unreached:
                    raise ComesAlone
                await self._records.add(row, command, stream, TELLINGS, _call(event, telling), must_exist=False)
            case OrganisationNotTold() | PersonAsked():
                raise ComesAlone
            case None:
                pass

    def _read(self, event: Envelope) -> OrganisationTold | OrganisationNotTold | PersonAsked | None:
        if event.type == OrganisationTold.TYPE:
            return read_data(OrganisationTold, event)
        if event.type == PersonAsked.TYPE:
            return read_data(PersonAsked, event)
        return read_data(OrganisationNotTold, event) if event.type == OrganisationNotTold.TYPE else None

    async def _of(self, case: str) -> Tellings:
        return (await self._streams.fold(tellings_stream(case), TELLINGS)).state

    def _noting(self, telling: OrganisationTold) -> NoteTold:
        return NoteTold(
            at=self._clock.now(),
            by=SYSTEM,
            organisation=telling.organisation,
            channel=telling.channel,
            state=telling.state,
            events=tuple(telling.events),
        )

    def _of_letter(self, letter: PersonAsked) -> NotePersonAsked:
        return NotePersonAsked(
            at=self._clock.now(),
            by=SYSTEM,
            organisation=letter.organisation,
            side=letter.side,
            event=letter.event,
            result=letter.result,
        )

    async def _note(self, command: TellingCommand, message: _Telling, event: Envelope) -> None:
        stream, call = tellings_stream(message.case), _call(event, message)
        await self._records.handle(command, stream, TELLINGS, call, must_exist=False)

    async def _on_case(self, command: RaiseUnreached | SettleUnreached, case: str, event: Envelope) -> None:
        stream = case_stream(case)
        if (await self._streams.fold(stream, CASE)).version:
            # Without the message as its cause: who takes in what follows would wait for it.
            await self._cases.handle(command, stream, CASE, Call(actor=SYSTEM, traceparent=event.traceparent))


def _call(event: Envelope, message: _Telling) -> Call:
    return Call(
        actor=SYSTEM,
        causation_id=event.id,
        causation_sequence=int(event.sequence),
        correlation_id=event.id,
        occurred_at=message.at,
        traceparent=event.traceparent,
    )
