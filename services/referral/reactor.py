"""Runs the commands that follow from messages of casefile, and from deadlines that fall due."""

from __future__ import annotations

from typing import Final

from contracts.message import Envelope
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.reactions import Reactions
from services.chassis.delivery.together import ComesAlone
from services.chassis.index.index import Index
from services.chassis.index.projection import Projection
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending, instant
from services.referral.domain.case_key import CASE_KEY, CaseKey, CloseCase, ReopenCase, case_key_stream
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.deadlines import PassDeadline, RemindDeadline
from services.referral.domain.disclosure import DISCLOSURES, NoteRefusal, disclosures_stream
from services.referral.domain.ladder import EscalateDeadline
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.projection import REFERRALS
from services.referral.reactions import REACTIONS

SYSTEM: Final = Actor(sub="referral-service", role="SYSTEM", org="caserelay")
_REACTIONS: Final = Reactions(REACTIONS, SYSTEM)


class Reactor:
    """Takes in messages of casefile, and deadlines that fell due."""

    def __init__(
        self,
        streams: Streams,
        referrals: Handler[ReferralCommand, Context],
        case_keys: Handler[CloseCase | ReopenCase, CaseKey],
        disclosures: Handler[NoteRefusal, int],
        index: Index,
        projection: Projection,
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._referrals = referrals
        self._case_keys = case_keys
        self._disclosures = disclosures
        self._index = index
        self._projection = projection
        self._clock = clock

    async def react(self, event: Envelope) -> None:
        """Takes one message in; nothing follows from a message of any other type."""
        if (reaction := _REACTIONS.to(event, self._clock)) is None:
            return
        match reaction.command:
            case CloseCase() | ReopenCase() as command:
                await self._of_case(command, reaction.call)
            case NoteRefusal() as command:
                stream = disclosures_stream(command.referral_id)
                await self._disclosures.handle(command, stream, DISCLOSURES, reaction.call, must_exist=False)
            case ReferralCommand() as command:
                await self._of_referral(command, reaction.call)

    async def add(self, row: Row, event: Envelope) -> None:
        """Adds what follows from one message to what follows from those before it. Raises ComesAlone."""
        if (reaction := _REACTIONS.to(event, self._clock)) is None:
            return
        match reaction.command:
            case CloseCase() | ReopenCase():
                # The index says which cases they are about.
                raise ComesAlone
            case NoteRefusal() as command:
                stream = disclosures_stream(command.referral_id)
                await self._disclosures.add(row, command, stream, DISCLOSURES, reaction.call, must_exist=False)
            case ReferralCommand() as command:
                await self._referrals.add(row, command, referral_stream(command.referral_id), REFERRAL, reaction.call)

    async def fire(self, referral_id: str, due: Pending) -> None:
        """A deadline fell due."""
        now, due_at = self._clock.now(), instant(due.due)
        command: ReferralCommand
        if due.kind in ("REMIND", "PASS"):
            kind = RemindDeadline if due.kind == "REMIND" else PassDeadline
            command = kind(at=now, by=SYSTEM, referral_id=referral_id, name=due.name, due_at=due_at)
        else:
            command = EscalateDeadline(
                at=now, by=SYSTEM, referral_id=referral_id, name=due.name, due_at=due_at, level=due.kind
            )
        await self._of_referral(command, Call(actor=SYSTEM))

    async def _of_referral(self, command: ReferralCommand, call: Call) -> None:
        await self._referrals.handle(command, referral_stream(command.referral_id), REFERRAL, call)

    async def _of_case(self, command: CloseCase | ReopenCase, call: Call) -> None:
        await self._projection.wait_through(await self._streams.log.head())
        for row in await self._index.find(REFERRALS.name, {"case_id": command.case_id}, after=0, limit=1):
            offer = (await self._streams.fold(referral_stream(row.key), REFERRAL)).state.offer
            if offer is not None:
                await self._case_keys.handle(command, case_key_stream(offer.case_key), CASE_KEY, call)
