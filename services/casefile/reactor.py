"""Runs the commands that follow from messages of the referral service, and from deadlines that fall due."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from contracts.message import Envelope
from services.casefile.charter_fan_out import CharterFanOut
from services.casefile.domain.case import CASE
from services.casefile.domain.context import Context
from services.casefile.domain.deadlines import PassDeadline, RemindDeadline
from services.casefile.domain.known_organisation import (
    KNOWN_ORGANISATION,
    KnownOrganisation,
    LearnOrganisation,
    decide_organisation,
)
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, KnownProgramme, LearnProgramme, decide_programme
from services.casefile.domain.ladder import EscalateDeadline
from services.casefile.domain.state import Case, case_stream
from services.casefile.projection import CHARTER
from services.casefile.reactions import REACTIONS, stream_of
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.reactions import Reactions
from services.chassis.index.index import IndexReader
from services.chassis.modelling.decider import Actor, Command, Entity
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending, instant

SYSTEM: Final = Actor(sub="casefile-service", role="SYSTEM", org="caserelay")
_REACTIONS: Final = Reactions(REACTIONS, SYSTEM)


def case_of(event: Envelope) -> tuple[str, Entity[Case]] | None:
    """The case that a message is likely to be about, which is what keeps the order of those about one."""
    return (case_stream(event.partitionkey), CASE) if _REACTIONS.knows(event) else None


class Reactor:
    """Takes in messages of the referral service, and deadlines that fell due."""

    def __init__(self, streams: Streams, cases: Handler[Command, Context], index: IndexReader, clock: Clock) -> None:
        self._cases = cases
        self._clock = clock
        self._charters = CharterFanOut(streams, cases, index, clock, SYSTEM)
        self._learning = asyncio.Lock()
        self._programmes = Handler[LearnProgramme, KnownProgramme](streams, OwnState(), decide_programme)
        self._organisations = Handler[LearnOrganisation, KnownOrganisation](streams, OwnState(), decide_organisation)

    async def react(self, event: Envelope) -> None:
        """Takes one message in; nothing follows from a message of any other type."""
        reaction = _REACTIONS.to(event, self._clock)
        if reaction is None or (stream := stream_of(reaction.message)) is None:
            return
        command, call = reaction.command, reaction.call
        match command:
            case LearnProgramme():
                async with self._learning:
                    await self._programmes.handle(command, stream, KNOWN_PROGRAMME, call, must_exist=False)
            case LearnOrganisation():
                await self._organisations.handle(command, stream, KNOWN_ORGANISATION, call, must_exist=False)
            case _:
                # Keys are handled side by side, and a case rests on the programme that was published before it.
                async with self._learning:
                    pass
                await self._cases.handle(command, stream, CASE, call, must_exist=False)

    async def add(self, row: Row, event: Envelope) -> None:
        """Adds what follows from one message to what follows from those before it."""
        reaction = _REACTIONS.to(event, self._clock)
        if reaction is None or (stream := stream_of(reaction.message)) is None:
            return
        command, call = reaction.command, reaction.call
        match command:
            case LearnProgramme():
                await self._programmes.add(row, command, stream, KNOWN_PROGRAMME, call, must_exist=False)
            case LearnOrganisation():
                await self._organisations.add(row, command, stream, KNOWN_ORGANISATION, call, must_exist=False)
            case _:
                await self._cases.add(row, command, stream, CASE, call, must_exist=False)

    async def fire(self, stream: str, due: Pending) -> Sequence[Pending]:
        """A deadline fell due, of a case or of a programme. Returns what is left of it."""
        if due.kind == CHARTER:
            return await self._charters.fire(stream, due)
        now, due_at = self._clock.now(), instant(due.due)
        command: Command
        if due.kind in ("REMIND", "PASS"):
            kind = RemindDeadline if due.kind == "REMIND" else PassDeadline
            command = kind(at=now, by=SYSTEM, name=due.name, due_at=due_at)
        else:
            command = EscalateDeadline(at=now, by=SYSTEM, name=due.name, due_at=due_at, level=due.kind)
        await self._cases.handle(command, stream, CASE, Call(actor=SYSTEM))
        return ()
