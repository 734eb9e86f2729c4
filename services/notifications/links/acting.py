"""Acts by link: makes links, sends codes, takes acts, and waits for what becomes of them."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.codes import Role
from contracts.referral import (
    InformationProvided,
    ReferralDeadlineEscalated,
    ReferralDeadlineMissed,
    ReferralDeadlineReminded,
    ReferralReceived,
    ReferralSubmitted,
    ReferralWaitlisted,
    WaitlistAlerted,
)
from contracts.staff import COORDINATORS
from contracts.subscription_codes import SubscriptionState
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler, NotFound
from services.chassis.deciding.streams import Streams
from services.chassis.http.problems.problem import ProblemError
from services.chassis.mail.post import Post
from services.chassis.mail.smtp import Result
from services.chassis.modelling.decider import Actor, Refused
from services.chassis.modelling.derived_id import derived_id
from services.chassis.time.clock import Clock, machine_now
from services.chassis.vault.tokens import Tokens, answering, hash_of, id_in
from services.chassis.vault.vault import Vault
from services.notifications.domain.link import (
    LINK,
    ActByLink,
    IssueLink,
    Link,
    LinkCommand,
    RecordAnswer,
    RequestCode,
    closed,
    decide,
    link_stream,
    mistaken,
)
from services.notifications.domain.link_events import CodeMistaken
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.domain.subscription_events import Choices
from services.notifications.email.letters import Letter, parts_of
from services.notifications.email.return_paths import ReturnPaths
from services.notifications.links.asking import Asking

LINK_AND_CODE: Final = "LINK_AND_CODE"
"""How somebody proved who they are who acts by a link, and the code that was sent to the same address."""
_NAMESPACE: Final = UUID("1f0b3a52-6a38-4c11-9d3f-5f6e0a2f8f10")
_PURPOSE: Final = "act"
_UNKNOWN: Final = "UNKNOWN"
"""The role of who has no account."""
_ANSWER_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.05
_NO_DIGIT: Final = re.compile(r"\D")

_ANY_ANSWER: Final = ("accept", "decline")
_ACTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        ReferralSubmitted.TYPE: ("receive", *_ANY_ANSWER),
        ReferralDeadlineReminded.TYPE: ("receive", *_ANY_ANSWER),
        ReferralDeadlineMissed.TYPE: ("receive", *_ANY_ANSWER),
        ReferralDeadlineEscalated.TYPE: ("receive", *_ANY_ANSWER),
        ReferralReceived.TYPE: _ANY_ANSWER,
        InformationProvided.TYPE: _ANY_ANSWER,
        ReferralWaitlisted.TYPE: _ANY_ANSWER,
        WaitlistAlerted.TYPE: _ANY_ANSWER,
    }
)
"""What an organisation may do after each of these messages about an open referral to it."""


class Act(NamedTuple):
    """What somebody gave on the page of a link; `score` and `reasons` of a pulse."""

    code: str
    action: str | None = None
    reason: str | None = None
    score: int | None = None
    reasons: tuple[str, ...] = ()


class Acting(NamedTuple):
    """What a letter's link is good for; `event` is the id of the message that the letter is about."""

    case: str
    event: str
    referral: str
    acts: tuple[str, ...]


def acting_on(message: Mapping[str, Any], subscription: Subscription) -> Acting | None:
    """What the subscriber's person may do by link about a message (a CloudEvent in JSON); None where nothing."""
    person = subscription.choices.person if subscription.choices is not None else None
    data, acts = message["data"], _ACTS.get(message["type"])
    if acts is None or person is None or Role(person.role) not in COORDINATORS:
        return None
    if {data["organisation"], data.get("awaited", data["organisation"])} != {subscription.organisation}:
        return None
    return Acting(data["case"], str(message["id"]), data["referral"], acts)


class Links:
    """Acts by link. `now` is the machine's time, by which links live."""

    def __init__(
        self,
        streams: Streams,
        vault: Vault,
        post: Post,
        clock: Clock,
        asking: Asking,
        returns: ReturnPaths,
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        self._streams, self._vault, self._post, self._clock, self._now = streams, vault, post, clock, now
        self._tokens = Tokens(vault)
        self._asking = asking
        self._returns = returns
        self._handler = Handler[LinkCommand, Link](streams, OwnState(), decide)

    async def issue(self, delivery: str, subscription: Subscription, acting: Acting, by: Actor) -> str:
        """The address of the link of a delivery: the same one however often the letter is sent."""
        link = derived_id(_NAMESPACE, delivery)
        token = self._tokens.make(_PURPOSE, link)
        person = subscription.choices.person if subscription.choices is not None else None
        if person is None:
            msg = "a link is for a person"
            raise ValueError(msg)
        command = IssueLink(
            at=self._clock.now(),
            by=by,
            link=link,
            token_hash=hash_of(token),
            subscription=subscription.subscription,
            organisation=subscription.organisation,
            sub=person.sub,
            role=person.role,
            case=acting.case,
            event=acting.event,
            referral=acting.referral,
            acts=acting.acts,
            now=self._now(),
        )
        await self._handler.handle(command, link_stream(link), LINK, Call(actor=by), must_exist=False)
        return f"{self._post.url}/act/{token}"

    async def find(self, token: str) -> Link:
        """The link of a token. Raises NotFound, which says the same of all that are no token of ours."""
        link_id = id_in(token)
        state = Link() if link_id is None else (await self._streams.fold(link_stream(link_id), LINK)).state
        if link_id is not None and state.invitation is not None and state.out is None:
            # A letter may be read before it is known here that it was sent.
            state = await self._once(link_id, lambda link: link.out is not None)
        if not state.is_of(hash_of(token)):
            raise NotFound(_PURPOSE)
        return state

    async def choices_of(self, link: Link) -> Choices | None:
        """How its reader wants to be written to, whatever has become of the subscription; None of one without."""
        if link.issued is None or link.invitation is not None:
            return None
        stream = subscription_stream(link.issued.subscription)
        return (await self._streams.fold(stream, SUBSCRIPTION)).state.choices

    async def require_open(self, link: Link) -> None:
        """Raises Refused where a link does nothing any more, with the reason: of itself, or of what it was sent for."""
        if (refusal := closed(link, self._now())) is not None:
            raise refusal
        if link.invitation is not None:
            await self._asking.require_open(link)
        else:
            await self.subscription_of(link)

    async def subscription_of(self, link: Link) -> Subscription:
        """The subscription that a link was sent for. Raises Refused where it is not the same person's any more."""
        issued = link.issued
        if issued is None:
            raise NotFound(_PURPOSE)
        stream = subscription_stream(issued.subscription)
        subscription = (await self._streams.fold(stream, SUBSCRIPTION)).state
        choices, there = subscription.choices, (SubscriptionState.ACTIVE, SubscriptionState.PAUSED)
        person = choices.person if choices is not None else None
        if person is None or (person.sub, person.role) != (issued.sub, issued.role) or subscription.state not in there:
            raise Refused(
                "LINK_ENDED",
                "the link was sent for a subscription that has ended, or that is another person's now: sign in",
            )
        return subscription

    async def send_code(self, token: str, traceparent: str) -> Link:
        """Sends a code to the address that the link was sent to. Raises NotFound, Refused, ProblemError."""
        link = await self.find(token)
        issued = link.issued
        if link.invitation is not None:
            return await self._have_code_sent(link, traceparent)
        subscription = await self.subscription_of(link)
        address = await self._address(subscription)
        if issued is None or subscription.choices is None or address is None:
            raise NotFound(_PURPOSE)
        code = f"{secrets.randbelow(10**8):08d}"
        command = RequestCode(
            at=self._clock.now(),
            by=self._actor(link),
            code_hash=self._tokens.hidden("code", issued.link, code),
            now=self._now(),
        )
        call = Call(actor=command.by, traceparent=traceparent)
        outcome = await self._handler.handle(command, link_stream(issued.link), LINK, call)
        letter = Letter("code", subscription.choices.language, {}, code=f"{code[:4]} {code[4:]}")
        identity = f"{issued.link}.{outcome.state.codes}"
        returns = self._returns.for_letter(subscription, identity)
        answer = await self._post.send(address, parts_of(letter), identity, returns)
        if answer.result is not Result.ACCEPTED:
            raise _not_sent()
        return outcome.state

    async def _have_code_sent(self, link: Link, traceparent: str) -> Link:
        """Has a code made and posted by who keeps the address, and waits five seconds for word of it."""
        await self.require_open(link)
        if (issued := link.issued) is None:
            raise NotFound(_PURPOSE)
        command = RequestCode(at=self._clock.now(), by=self._actor(link), code_hash="", now=self._now())
        call = Call(actor=command.by, traceparent=traceparent)
        number = (await self._handler.handle(command, link_stream(issued.link), LINK, call)).state.codes
        sent = await self._once(issued.link, lambda state: state.codes > number or _posted(state) is not None)
        if _posted(sent) not in (None, "SENT"):
            raise _not_sent()
        return sent

    async def act(self, token: str, act: Act, traceparent: str) -> Link:
        """Takes an act. Raises NotFound, and Refused, which says why nothing was done."""
        link = await self.find(token)
        await self.require_open(link)
        issued = link.issued
        if issued is None:
            raise NotFound(_PURPOSE)
        if link.invitation is not None and link.code is not None and link.code.result is None:
            # The same of a code.
            await self._once(issued.link, lambda state: _posted(state) is not None)
        # As people copy it: with blanks, or a dash between its halves.
        code = _NO_DIGIT.sub("", act.code)
        command = ActByLink(
            at=self._clock.now(),
            by=self._actor(link),
            code_hash=answering(token, code) if link.invitation else self._tokens.hidden("code", issued.link, code),
            act=act.action,
            reason=act.reason,
            score=act.score,
            reasons=act.reasons,
            now=self._now(),
        )
        call = Call(actor=command.by, traceparent=traceparent)
        outcome = await self._handler.handle(command, link_stream(issued.link), LINK, call)
        if any(isinstance(event, CodeMistaken) for event in outcome.events):
            raise mistaken(outcome.state.code.tries if outcome.state.code is not None else 0)
        return await self._once(issued.link, lambda state: state.answered is not None)

    async def answer(self, link: str, refusal: str | None, call: Call) -> None:
        """Notes what the referral service made of an act. A link that nobody knows is passed over."""
        command = RecordAnswer(at=self._clock.now(), by=call.actor, refusal=refusal, now=self._now())
        await self._handler.handle(command, link_stream(link), LINK, call, must_exist=False)

    async def _once(self, link: str, true: Callable[[Link], bool]) -> Link:
        """The link once something is true of it, or as it is after five seconds."""
        deadline = asyncio.get_running_loop().time() + _ANSWER_SECONDS
        while True:
            state = (await self._streams.fold(link_stream(link), LINK)).state
            if true(state) or asyncio.get_running_loop().time() >= deadline:
                return state
            await asyncio.sleep(_LOOK_SECONDS)

    async def _address(self, subscription: Subscription) -> str | None:
        ref = subscription.choices.address_ref if subscription.choices is not None else None
        record = await self._vault.read(ref) if ref is not None else None
        return None if record is None else str(record["address"])

    @staticmethod
    def _actor(link: Link) -> Actor:
        issued = link.issued
        if issued is None:
            raise NotFound(_PURPOSE)
        if link.invitation is not None:
            # Who it is the service knows that decides.
            return Actor(sub=link.invitation.side, role=_UNKNOWN, org=issued.organisation, method=LINK_AND_CODE)
        return Actor(sub=issued.sub, role=issued.role, org=issued.organisation, method=LINK_AND_CODE)


def _posted(link: Link) -> str | None:
    """What became of the letter with the latest code; None as long as nobody knows."""
    return link.code.result if link.code is not None else None


def _not_sent() -> ProblemError:
    return ProblemError(
        503,
        "CODE_NOT_SENT",
        "the mail server did not take the e-mail with the code; ask for another one in a minute",
        headers={"Retry-After": "60"},
    )
