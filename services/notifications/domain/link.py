"""A link by which somebody without an account acts, once: whose it is, what for, and the codes that prove it.

A wrong code is an event, so that tries are counted whatever process takes them. All instants are the machine's: a link
lives by its reader's clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final, assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Because, Command, Entity, Fault, Refused
from services.notifications.domain.link_events import (
    Answer,
    AnyLinkEvent,
    CodeMistaken,
    CodeOut,
    CodeSent,
    CodeWanted,
    Invitation,
    LetterOut,
    LinkAnswered,
    LinkIssued,
    LinkUsed,
)

LIFE: Final = timedelta(hours=72)
CODE_LIFE: Final = timedelta(minutes=10)
MOST_TRIES: Final = 5
"""Of one code."""
MOST_CODES: Final = 5
"""Of one link: with `MOST_TRIES`, 25 guesses at 10^8 codes."""
BETWEEN_CODES: Final = timedelta(minutes=1)
_WITH_REASON: Final = frozenset({"decline", "reject-match"})


class IssueLink(Command, frozen=True, kw_only=True):
    """Make a link; `now` is the machine's time. The same one again changes nothing."""

    link: str
    token_hash: str
    subscription: str
    organisation: str
    sub: str
    role: str
    case: str
    event: str
    referral: str
    acts: tuple[str, ...]
    now: datetime
    invitation: Invitation | UnsetType = UNSET


class RecordLetter(Command, frozen=True, kw_only=True):
    """Note what became of a letter that another service posts; `number` 0 is the one with the link."""

    number: int
    result: str
    language: str | None
    secret: str | None
    now: datetime


class RequestCode(Command, frozen=True, kw_only=True):
    """Send a code; where another service makes and posts it, its hash is not known yet."""

    code_hash: str
    now: datetime


class ActByLink(Command, frozen=True, kw_only=True):
    """Act, with a code. `act` may be left out where the link is good for one alone."""

    code_hash: str
    act: str | None
    reason: str | None = None
    score: int | None = None
    reasons: tuple[str, ...] = ()
    now: datetime


class RecordAnswer(Command, frozen=True, kw_only=True):
    """Note what became of the act."""

    refusal: str | None
    now: datetime


LinkCommand = IssueLink | RecordLetter | RequestCode | ActByLink | RecordAnswer


class Code(Struct, frozen=True, kw_only=True):
    """The code that was sent last; `hash` is empty as long as it is not known whether it was, `result` how it went."""

    hash: str
    sent_at: datetime
    expires_at: datetime
    tries: int = 0
    result: str | None = None


class Link(Struct, frozen=True, kw_only=True):
    """A link as it stands; `used` and `answered` once they are, `out` once another service has posted its letter."""

    issued: LinkIssued | None = None
    out: LetterOut | None = None
    code: Code | None = None
    codes: int = 0
    used: LinkUsed | None = None
    answered: LinkAnswered | None = None

    def is_of(self, token_hash: str) -> bool:
        """Whether the token is this link's; it takes as long whether there is one or not."""
        known = self.out.token_hash if self.out is not None else self.issued.token_hash if self.issued else None
        return compare_digest(known or "0" * len(token_hash), token_hash) and bool(known)

    @property
    def invitation(self) -> Invitation | None:
        """The side of a match that the link was sent to; None for one of a subscription."""
        return (self.issued.invitation or None) if self.issued is not None else None


def decide(command: LinkCommand, link: Link) -> list[AnyLinkEvent]:
    """What follows from a command. Raises Refused, which says why nothing was done."""
    match command:
        case IssueLink():
            return _issued(command, link)
        case RecordLetter():
            return _letter_out(command, link)
        case RequestCode():
            return _code_sent(command, link)
        case ActByLink():
            return _acted(command, link)
        case RecordAnswer():
            if link.used is None or link.answered is not None:
                return []
            return [LinkAnswered(refusal=command.refusal, answered_at=command.now)]
        case _:
            assert_never(command)


def _issued(command: IssueLink, link: Link) -> list[AnyLinkEvent]:
    if link.issued is not None:
        return []
    return [
        LinkIssued(
            link=command.link,
            token_hash=command.token_hash,
            subscription=command.subscription,
            organisation=command.organisation,
            sub=command.sub,
            role=command.role,
            case=command.case,
            event=command.event,
            referral=command.referral,
            acts=command.acts,
            issued_at=command.now,
            expires_at=command.now + LIFE,
            invitation=command.invitation,
        )
    ]


def _letter_out(command: RecordLetter, link: Link) -> list[AnyLinkEvent]:
    issued, invitation = link.issued, link.invitation
    if issued is None or invitation is None:
        return []
    if command.number:
        known = link.code is not None and link.code.result is not None
        if command.number != link.codes or known:
            return []
        result, kept = command.result, command.secret
        return [CodeOut(number=command.number, result=result, code_hash=kept, posted_at=command.now)]
    if link.out is not None:
        return []
    return [
        LetterOut(
            case=issued.case,
            event=issued.event,
            organisation=issued.organisation,
            side=invitation.side,
            result=command.result,
            language=command.language,
            token_hash=command.secret,
            posted_at=command.now,
        )
    ]


def closed(link: Link, now: datetime) -> Refused | None:
    """Why a link does nothing any more; None where it still does."""
    if link.used is not None:
        return Refused(
            "LINK_USED",
            f"the link was used at {in_utc(link.used.used_at)}, and works once: sign in, or await another e-mail",
        )
    if link.issued is not None and now >= link.issued.expires_at:
        return Refused(
            "LINK_EXPIRED",
            f"the link ended at {in_utc(link.issued.expires_at)}, 72 hours after it was sent: sign in, or ask a "
            "colleague who can",
        )
    return None


def _code_sent(command: RequestCode, link: Link) -> list[AnyLinkEvent]:
    if (refusal := closed(link, command.now)) is not None:
        raise refusal
    if link.codes >= MOST_CODES:
        raise Refused("TOO_MANY_CODES", f"{MOST_CODES} codes were sent for this link, which is the most: sign in")
    if link.code is not None and command.now < (again := link.code.sent_at + BETWEEN_CODES):
        raise Refused("CODE_JUST_SENT", f"a code was sent less than a minute ago; ask again at {in_utc(again)}")
    issued = link.issued
    if issued is None:
        return []
    if (invitation := link.invitation) is not None:
        return [
            CodeWanted(
                link=issued.link,
                number=link.codes + 1,
                case=issued.case,
                side=invitation.side,
                match=invitation.match,
                wanted_at=command.now,
                expires_at=command.now + CODE_LIFE,
            )
        ]
    return [
        CodeSent(
            organisation=issued.organisation,
            case=issued.case,
            event=issued.event,
            code_hash=command.code_hash,
            sent_at=command.now,
            expires_at=command.now + CODE_LIFE,
        )
    ]


def _acted(command: ActByLink, link: Link) -> list[AnyLinkEvent]:
    if (refusal := closed(link, command.now)) is not None:
        raise refusal
    issued, code = link.issued, link.code
    if issued is None or code is None or not code.hash:
        raise Refused("CODE_MISSING", "no code was sent yet: ask for one first")
    if command.now >= code.expires_at:
        raise Refused("CODE_EXPIRED", "the code has ended, 10 minutes after it was sent: ask for another one")
    if code.tries >= MOST_TRIES:
        raise Refused("CODE_SPENT", f"the code was mistaken {MOST_TRIES} times: ask for another one")
    # Before anything else is looked at: who does not know the code learns nothing of what would be accepted.
    if not compare_digest(code.hash, command.code_hash):
        return [CodeMistaken(tried_at=command.now)]
    act = command.act if command.act is not None or len(issued.acts) != 1 else issued.acts[0]
    if act not in issued.acts:
        raise Refused.input(
            Fault("/action", "ACT_NOT_OFFERED", f"the link is good for one of: {', '.join(issued.acts)}")
        )
    if (act in _WITH_REASON) != (command.reason is not None):
        fault = Fault("/reason", "REASON_WITH_DECLINE", "a reason goes with a no, and with nothing else")
        raise Refused.input(fault)
    if (act == "record-pulse") != (command.score is not None) or (command.score is None and command.reasons):
        fault = Fault("/score", "SCORE_WITH_PULSE", "a number from 1 to 5 goes with a pulse, and with nothing else")
        raise Refused.input(fault)
    invitation = link.invitation
    answer = (
        Answer(side=invitation.side, match=invitation.match, score=command.score, reasons=command.reasons)
        if invitation
        else UNSET
    )
    return [
        LinkUsed(
            link=issued.link,
            subscription=issued.subscription,
            organisation=issued.organisation,
            sub=issued.sub,
            role=issued.role,
            case=issued.case,
            referral=issued.referral,
            action=act,
            reason=command.reason,
            used_at=command.now,
            answer=answer,
        )
    ]


def mistaken(tries: int) -> Refused:
    """What is said of a wrong code, after so many tries."""
    left = MOST_TRIES - tries
    more = f"{left} more" if left > 0 else "no more: ask for another code"
    detail = f"that is not the code of the latest e-mail; tries left: {more}"
    return Refused("CODE_WRONG", detail, because=Because.RIGHTS)


def evolve(link: Link, event: AnyLinkEvent) -> Link:
    """The link after one more event."""
    match event:
        case LinkIssued():
            return replace(link, issued=event)
        case LetterOut():
            return replace(link, out=event)
        case CodeWanted():
            wanted = Code(hash="", sent_at=event.wanted_at, expires_at=event.expires_at)
            return replace(link, code=wanted, codes=event.number)
        case CodeOut():
            if link.code is None or event.number != link.codes:
                return link
            return replace(link, code=replace(link.code, hash=event.code_hash or "", result=event.result))
        case CodeSent():
            code = Code(hash=event.code_hash, sent_at=event.sent_at, expires_at=event.expires_at)
            return replace(link, code=code, codes=link.codes + 1)
        case CodeMistaken():
            return link if link.code is None else replace(link, code=replace(link.code, tries=link.code.tries + 1))
        case LinkUsed():
            return replace(link, used=event)
        case LinkAnswered():
            return replace(link, answered=event)
        case _:
            assert_never(event)


LINK: Entity[Link] = Entity(Link(), evolve)


def link_stream(link: str) -> str:
    """The stream of one link."""
    return f"link-{link}"
