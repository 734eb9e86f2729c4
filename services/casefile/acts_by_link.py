"""Does what mentor or mentee answered by a link and a code: by the commands and the rights of HTTP."""

from __future__ import annotations

from typing import Final

from contracts.casefile_codes import Side
from contracts.codes import MentorKind, Role
from contracts.message import Envelope, read_data
from contracts.notifications import AnsweredByLink
from services.casefile.domain.by_link import ANSWERS_BY_LINK, NoteAnswer, answer_stream, note_answer
from services.casefile.domain.case import CASE
from services.casefile.domain.context import Context
from services.casefile.domain.matching import ConfirmMatch, RejectMatch
from services.casefile.domain.mentoring import RecordPulse
from services.casefile.domain.state import Case, case_stream
from services.casefile.queries import ON_PROPOSAL, Queries
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Forbidden, Hidden
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler, NotFound
from services.chassis.deciding.streams import Streams
from services.chassis.modelling.decider import Actor, Command, Refused
from services.chassis.time.clock import Clock

SYSTEM: Final = Actor(sub="casefile-service", role="SYSTEM", org="caserelay")
LINK_AND_CODE: Final = "LINK_AND_CODE"
"""How they proved who they are."""
_ROLES: Final = {
    MentorKind.VOLUNTEER.value: Role.VOLUNTEER_MENTOR,
    MentorKind.PROFESSIONAL.value: Role.PROFESSIONAL_MENTOR,
}


class ActsByLink:
    """Takes in answers by link, and says what became of each: one that is repeated changes nothing."""

    def __init__(self, streams: Streams, cases: Handler[Command, Context], queries: Queries, clock: Clock) -> None:
        self._streams, self._cases, self._queries, self._clock = streams, cases, queries, clock
        self._notes = Handler[NoteAnswer, int](streams, OwnState(), note_answer)

    async def react(self, event: Envelope) -> None:
        """Takes one answer in. Raises ValidationError for a wrong shape."""
        message = read_data(AnsweredByLink, event)
        refusal = await self._refusal(message, event)
        command = NoteAnswer(
            at=self._clock.now(),
            by=SYSTEM,
            link=message.link,
            case=message.case,
            act=message.act,
            refusal=refusal,
        )
        call = Call(actor=SYSTEM, correlation_id=event.id, traceparent=event.traceparent)
        await self._notes.handle(command, answer_stream(message.link), ANSWERS_BY_LINK, call, must_exist=False)

    async def _refusal(self, message: AnsweredByLink, event: Envelope) -> str | None:
        stream = case_stream(message.case)
        if any(recorded.meta.idempotency_key == message.link for recorded in await self._streams.log.read(stream)):
            # Done before, and this process did not come to say so.
            return None
        caller = _who(message, (await self._streams.fold(stream, CASE)).state)
        if caller is None:
            return "STATE_DOES_NOT_ALLOW"
        by = Actor(sub=caller.sub, role=caller.role.value, org=caller.org, method=LINK_AND_CODE)
        # Not by the message as its cause: notifications takes causes in first, and this one is its own.
        call = Call(actor=by, idempotency_key=message.link, correlation_id=event.id, traceparent=event.traceparent)
        try:
            found = await self._queries.find(caller, message.case, message.act)
            if message.act not in ON_PROPOSAL and not await self._queries.is_bound(found):
                # As over HTTP: until both are bound they say yes or no, and nothing else.
                return "STATE_DOES_NOT_ALLOW"
            await self._cases.handle(self._command(message, by), stream, CASE, call)
        except (Refused, Forbidden) as refusal:
            return refusal.code
        except (Hidden, NotFound):
            return "NOT_FOUND"
        return None

    def _command(self, message: AnsweredByLink, by: Actor) -> Command:
        at, side = self._clock.now(), message.side
        match message.act:
            case "confirm-match":
                return ConfirmMatch(at=at, by=by, side=side)
            case "reject-match":
                return RejectMatch(at=at, by=by, side=side, reason=message.reason or "")
            case _:
                return RecordPulse(at=at, by=by, side=side, score=message.score or 0, reasons=tuple(message.reasons))


def _who(message: AnsweredByLink, case: Case) -> Caller | None:
    """Who answers; None where the match that they were asked about is not the one of the case any more."""
    match = case.match
    if match is None or match.match != message.match or case.organisation is None:
        return None
    if message.side == Side.MENTEE:
        # The pseudonym is the agency's, and so is who is known by it.
        return Caller(sub=case.client_ref, org=case.agency, role=Role.MENTEE)
    return Caller(sub=match.mentor, org=case.organisation, role=_ROLES[match.kind])
