"""Does what somebody without an account asked for by a link and a code: by the commands and the rights of HTTP."""

from __future__ import annotations

from typing import Final

from contracts.codes import DeclineReason, ReferralState, Role
from contracts.message import Envelope, read_data
from contracts.notifications import ActedByLink
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Forbidden, Hidden
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler, NotFound
from services.chassis.deciding.streams import Streams
from services.chassis.modelling.decider import Actor, Refused
from services.chassis.time.clock import Clock
from services.referral.domain.answering import Accept, Decline, Receive
from services.referral.domain.by_link import ACTS_BY_LINK, NoteActByLink, act_by_link_stream, note_act
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.offer import referral_stream
from services.referral.domain.referral import REFERRAL
from services.referral.queries import Queries

SYSTEM: Final = Actor(sub="referral-service", role="SYSTEM", org="caserelay")


class ActsByLink:
    """Takes in acts by link, and says what became of each: one that is repeated changes nothing."""

    def __init__(
        self, streams: Streams, referrals: Handler[ReferralCommand, Context], queries: Queries, clock: Clock
    ) -> None:
        self._streams, self._referrals, self._queries, self._clock = streams, referrals, queries, clock
        self._notes = Handler[NoteActByLink, int](streams, OwnState(), note_act)

    async def react(self, event: Envelope) -> None:
        """Takes one message in; nothing follows from one of another type. Raises ValidationError for a wrong shape."""
        if event.type != ActedByLink.TYPE:
            return
        message = read_data(ActedByLink, event)
        refusal = await self._refusal(message, event)
        command = NoteActByLink(
            at=self._clock.now(),
            by=SYSTEM,
            link=message.link,
            case=message.case,
            referral=message.referral,
            act=message.act,
            refusal=refusal,
        )
        call = Call(
            actor=SYSTEM,
            causation_id=event.id,
            causation_sequence=int(event.sequence),
            correlation_id=event.id,
            traceparent=event.traceparent,
        )
        await self._notes.handle(command, act_by_link_stream(message.link), ACTS_BY_LINK, call, must_exist=False)

    async def _refusal(self, message: ActedByLink, event: Envelope) -> str | None:
        stream = referral_stream(message.referral)
        if event.id in (await self._streams.fold(stream, REFERRAL)).causes:
            # Done before, and this process did not come to say so.
            return None
        ref = message.actor
        actor = Actor(sub=ref.sub, role=ref.role, org=ref.org, method=ref.method)
        try:
            caller = Caller(sub=ref.sub, org=ref.org, role=Role(ref.role))
            found = await self._queries.find(caller, message.referral, message.act)
            received = found.folded.state.state is not ReferralState.SUBMITTED
            if message.act == "accept" and not received:
                # Who accepts has received: over HTTP the two are said one after the other.
                receive = Receive(at=self._clock.now(), by=actor, referral_id=message.referral)
                follows = Call(actor=actor, correlation_id=event.id, traceparent=event.traceparent)
                await self._referrals.handle(receive, stream, REFERRAL, follows)
            call = Call(
                actor=actor,
                causation_id=event.id,
                causation_sequence=int(event.sequence),
                correlation_id=event.id,
                traceparent=event.traceparent,
            )
            await self._referrals.handle(self._command(message, actor), stream, REFERRAL, call)
        except Refused as refused:
            return refused.code
        except Forbidden as forbidden:
            return forbidden.code
        except (Hidden, NotFound):
            return "NOT_FOUND"
        return None

    def _command(self, message: ActedByLink, actor: Actor) -> ReferralCommand:
        at, referral = self._clock.now(), message.referral
        match message.act:
            case "receive":
                return Receive(at=at, by=actor, referral_id=referral)
            case "accept":
                return Accept(at=at, by=actor, referral_id=referral, coordinator=actor.sub)
            case _:
                return Decline(at=at, by=actor, referral_id=referral, reason=DeclineReason(message.reason or ""))
