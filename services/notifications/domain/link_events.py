"""What happens to a link by which somebody without an account acts. All instants are the machine's.

Nothing here is secret: of a token and of a code a hash stands here, made under a key that is not here.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType

from services.chassis.modelling.decider import Event


class Invitation(Struct, frozen=True, kw_only=True):
    """Somebody of a match who is asked by a letter: the side, and what the letter says beside its question.

    Who that is, and where they are written to, another service knows. `asker` is the name of the organisation, and
    `url` what the link begins with.
    """

    side: str
    match: str
    asker: str
    url: str


class Answer(Struct, frozen=True, kw_only=True):
    """What somebody of a match answered: `score` and `reasons` of a pulse."""

    side: str
    match: str
    score: int | None = None
    reasons: tuple[str, ...] = ()


class LinkEvent(Event, frozen=True, kw_only=True):
    """What happens to a link happens beside what callers decide on."""

    BYSTANDER: ClassVar[bool] = True


class LinkIssued(LinkEvent, frozen=True, kw_only=True):
    """A link went out in a letter: to whom, about which referral, and for which acts.

    `event` is the id of the message that the letter is about. With `invitation` it is to be posted by who keeps the
    address, who makes the token as well: subscription, person and referral are empty, and so is its hash.
    """

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
    issued_at: datetime
    expires_at: datetime
    # Unset, it is not written at all: links of subscriptions have the bytes that they always had.
    invitation: Invitation | UnsetType = UNSET


class LetterOut(LinkEvent, frozen=True, kw_only=True):
    """What became of the letter with the link, which another service posts, and in which language it went out."""

    case: str
    event: str
    organisation: str
    side: str
    result: str
    language: str | None
    token_hash: str | None
    posted_at: datetime


class CodeSent(LinkEvent, frozen=True, kw_only=True):
    """A code goes out in a second letter; the one before is void.

    So the letter of the link was read: `event` is the id of the message that it was about, to `organisation`.
    """

    organisation: str
    case: str
    event: str
    code_hash: str
    sent_at: datetime
    expires_at: datetime


class CodeWanted(LinkEvent, frozen=True, kw_only=True):
    """Another service is to make a code and to post it; the one before is void."""

    link: str
    number: int
    case: str
    side: str
    match: str
    wanted_at: datetime
    expires_at: datetime


class CodeOut(LinkEvent, frozen=True, kw_only=True):
    """What became of the letter with a code."""

    number: int
    result: str
    code_hash: str | None
    posted_at: datetime


class CodeMistaken(LinkEvent, frozen=True, kw_only=True):
    """Somebody gave another code."""

    tried_at: datetime


class LinkUsed(LinkEvent, frozen=True, kw_only=True):
    """The person acted, with link and code. `reason` is the code that goes with a decline, or with a no to a match."""

    link: str
    subscription: str
    organisation: str
    sub: str
    role: str
    case: str
    referral: str
    action: str
    reason: str | None
    used_at: datetime
    answer: Answer | UnsetType = UNSET


class LinkAnswered(LinkEvent, frozen=True, kw_only=True):
    """What the service made of it that decides; `refusal` is the code by which it said no."""

    refusal: str | None
    answered_at: datetime


AnyLinkEvent = LinkIssued | LetterOut | CodeSent | CodeWanted | CodeOut | CodeMistaken | LinkUsed | LinkAnswered
