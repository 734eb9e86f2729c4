"""Asks mentor and mentee of a match by letters with a link, where they may have no account.

A proposed match asks both sides for their yes or no; a check-in that is soon due asks both how it goes. Who they are,
and whether there is an address at all, the services know that keep the addresses: here is known which match, and which
side. Nobody is asked at night: their 72 hours begin in the morning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from contracts.casefile.deadlines import DeadlineReminded
from contracts.casefile.matching import MatchProposed
from contracts.casefile_codes import Side
from contracts.letters import LetterPosted, MenteesLetterPosted, MentorsLetterPosted
from contracts.message import Envelope, decode_data, read_data
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.mail.post import Post
from services.chassis.modelling.decider import Actor, Refused
from services.chassis.modelling.derived_id import derived_id
from services.chassis.time.clock import Clock, machine_now
from services.chassis.time.scheduler import Pending, instant
from services.notifications.domain.inbox import MessageTaken, inbox_stream
from services.notifications.domain.link import (
    LIFE,
    LINK,
    IssueLink,
    Link,
    LinkCommand,
    RecordLetter,
    decide,
    link_stream,
)
from services.notifications.domain.link_events import Invitation
from services.notifications.lists import taken_at

PULSE: Final = ("record-pulse",)
MATCH: Final = ("confirm-match", "reject-match")
POSTED: Final[dict[str, type[LetterPosted]]] = {kind.TYPE: kind for kind in (MenteesLetterPosted, MentorsLetterPosted)}
_NAMESPACE: Final = UUID("6c0a7f0f-7d0b-4f0c-8a43-0f4d1b7f3a52")
_STOPS: Final = frozenset({"LegalBasisWithdrawn", "DisclosureStopped"})
_ENDS: Final = frozenset({"MatchRejected", "MatchEnded", "TrajectoryCompleted", "CaseReturned", "ReferralReturned"})


class Question(NamedTuple):
    """What both sides of a match are asked, by whom; `event` is the id of the message that it follows from."""

    case: str
    event: str
    match: str
    organisation: str
    acts: tuple[str, ...]


class Asking:
    """Asks, and knows which questions are settled. `name_of` gives the name that people know an organisation by."""

    def __init__(
        self,
        streams: Streams,
        post: Post,
        clock: Clock,
        name_of: Callable[[str], Awaitable[str]],
        system: Actor,
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        self._streams, self._post, self._clock, self._name_of = streams, post, clock, name_of
        self._system, self._now = system, now
        self._handler = Handler[LinkCommand, Link](streams, OwnState(), decide)

    async def fire(self, _stream: str, due: Pending) -> Sequence[Pending]:
        """A question is due: asks both sides, but for who needs no asking any more. Nothing is left of it afterwards.

        One that is repeated asks nobody again. One that could not be put within the life of its link is put no more.
        """
        if not self._post.set_up or self._clock.now() > instant(due.due) + LIFE:
            return ()
        (message,) = await taken_at(self._streams.log, [int(due.name)])
        if (question := await self._question(message)) is None:
            return ()
        asker = await self._name_of(question.organisation)
        for side in Side:
            invitation = Invitation(side=side.value, match=question.match, asker=asker, url=self._post.url)
            if await self._settled_by(question.case, question.event, invitation, question.acts) is None:
                await self._issue(question, invitation, message.message.get("traceparent"))
        return ()

    async def _issue(self, question: Question, invitation: Invitation, traceparent: str | None) -> None:
        link = derived_id(_NAMESPACE, f"{question.event} {invitation.side}")
        command = IssueLink(
            at=self._clock.now(),
            by=self._system,
            link=link,
            token_hash="",
            subscription="",
            organisation=question.organisation,
            sub="",
            role="",
            case=question.case,
            event=question.event,
            referral="",
            acts=question.acts,
            now=self._now(),
            invitation=invitation,
        )
        call = Call(actor=self._system, traceparent=traceparent)
        await self._handler.handle(command, link_stream(link), LINK, call, must_exist=False)

    async def note(self, event: Envelope) -> None:
        """Notes what became of a letter. One that nobody knows is passed over."""
        posted = read_data(POSTED[event.type], event)
        command = RecordLetter(
            at=self._clock.now(),
            by=self._system,
            number=posted.number,
            result=posted.result,
            language=posted.language,
            secret=posted.secret,
            now=self._now(),
        )
        call = Call(actor=self._system, causation_id=event.id, traceparent=event.traceparent)
        await self._handler.handle(command, link_stream(posted.letter), LINK, call, must_exist=False)

    async def require_open(self, link: Link) -> None:
        """Raises Refused, with the reason, where the question of a link is settled without it."""
        if (issued := link.issued) is None or (invitation := link.invitation) is None:
            return
        settled = await self._settled_by(issued.case, issued.event, invitation, issued.acts)
        if settled is not None:
            raise settled

    async def _settled_by(self, case: str, event: str, invitation: Invitation, acts: tuple[str, ...]) -> Refused | None:
        """What has settled a question since the message that it follows from; None where nothing has."""
        taken = await self._taken(case)
        ids = [each.message["id"] for each in taken]
        later = taken[ids.index(event) + 1 :] if event in ids else ()
        return next((settled for each in later if (settled := _settled(each, invitation, acts)) is not None), None)

    async def _question(self, message: MessageTaken) -> Question | None:
        event, data = str(message.message["id"]), message.message["data"]
        if message.type == MatchProposed.TYPE:
            proposed = decode_data(MatchProposed, data)
            return Question(proposed.case, event, proposed.match, proposed.actor.org, MATCH)
        reminded = decode_data(DeadlineReminded, data)
        match = _running(await self._taken(reminded.case))
        return None if match is None else Question(reminded.case, event, match, reminded.awaited, PULSE)

    async def _taken(self, case: str) -> list[MessageTaken]:
        return [recorded.event for recorded in await self._streams.log.read(inbox_stream(case))]


def _running(taken: Iterable[MessageTaken]) -> str | None:
    """The match that was proposed last, if it has not ended."""
    match: str | None = None
    for message in taken:
        if message.type == MatchProposed.TYPE:
            match = str(message.message["data"]["match"])
        elif message.name in _ENDS | _STOPS:
            match = None
    return match


def _settled(message: MessageTaken, invitation: Invitation, acts: tuple[str, ...]) -> Refused | None:
    """Why a later message leaves nothing to answer; None where it does not."""
    if message.name in _STOPS:
        return Refused("LINK_CONSENT_WITHDRAWN", "the person withdrew the consent: there is nothing left to answer")
    if message.name in _ENDS:
        return Refused("LINK_MATCH_OVER", "the match is over: there is nothing left to answer")
    own = message.message["data"].get("side") == invitation.side
    given = (message.name == "PulseRecorded" and acts == PULSE) or (message.name == "MatchConfirmed" and acts == MATCH)
    if (own and given) or (message.name == "AgreementSigned" and acts == MATCH):
        return Refused("LINK_ANSWERED", "the question was answered already, in another way")
    return None
