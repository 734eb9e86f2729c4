"""What the notifications service tells others. Topic `caserelay.notifications.v1`, source `/services/notifications`.

It tells whether an organisation was told of what happened in a case, and what somebody without an account asked for by
a link in an e-mail. It names no address, no endpoint, and no person but the one who acts, and goes into nobody's feed:
that an event was read must not be an event that is to be read.
"""

from __future__ import annotations

from typing import ClassVar, Final

from contracts.coded import (
    DeclineCode,
    LetterResultCode,
    NotToldCode,
    PulseCode,
    RejectCode,
    SideCode,
    TellingStateCode,
    ToldByCode,
)
from contracts.letters import LetterToPost
from contracts.message import ActorRef, Instant, Message

SOURCE: Final = "/services/notifications"
TOPIC: Final = "caserelay.notifications.v1"
_T: Final = "org.caserelay.notifications."


class ActedByLink(Message, frozen=True, kw_only=True):
    """Somebody without an account acted by a link, and a code that was sent to the same address.

    `act` is a command on the referral, `reason` the code that goes with a decline. `actor` is the person whom the link
    was sent to; the referral service has the last word, and answers with `ActByLinkAnswered`. `at` is the machine's.
    """

    TYPE: ClassVar[str] = _T + "act_by_link.v1"
    NAME: ClassVar[str] = "ActedByLink"
    FED: ClassVar[bool] = False
    link: str
    case: str
    referral: str
    act: str
    reason: DeclineCode | None = None
    actor: ActorRef
    at: Instant


BETWEEN_SERVICES: Final = (LetterToPost,)
"""Written elsewhere, and published by this service."""


class AnsweredByLink(Message, frozen=True, kw_only=True):
    """Mentor or mentee of a match, without an account, answered by a link and a code sent to the same address.

    `act` is a command on the case: `record-pulse`, with `score` and `reasons`, or `confirm-match`, or `reject-match`
    with `reason`. Who the person is the casefile service knows; it has the last word, and answers with
    `AnswerByLinkTaken`. `at` is the machine's.
    """

    TYPE: ClassVar[str] = _T + "answer_by_link.v1"
    NAME: ClassVar[str] = "AnsweredByLink"
    FED: ClassVar[bool] = False
    link: str
    case: str
    match: str
    side: SideCode
    act: str
    reason: RejectCode | None = None
    score: int | None = None
    reasons: list[PulseCode] = []
    at: Instant


class PersonAsked(Message, frozen=True, kw_only=True):
    """Mentor or mentee of a match was asked by a letter, or could not be; `event` is the id of what it was about."""

    TYPE: ClassVar[str] = _T + "person_asked.v1"
    NAME: ClassVar[str] = "PersonAsked"
    FED: ClassVar[bool] = False
    case: str
    event: str
    organisation: str
    side: SideCode
    result: LetterResultCode
    at: Instant


class OrganisationTold(Message, frozen=True, kw_only=True):
    """An organisation was told of these events of a case by a channel; a later message says how it stands now."""

    TYPE: ClassVar[str] = _T + "told.v1"
    NAME: ClassVar[str] = "OrganisationTold"
    FED: ClassVar[bool] = False
    case: str
    events: list[str]
    """The ids of their messages: several, where they were read or handed over together."""
    organisation: str
    channel: ToldByCode
    state: TellingStateCode
    at: Instant


class OrganisationNotTold(Message, frozen=True, kw_only=True):
    """An organisation could not be told for 24 hours, by any channel that it set up, of an event that waits for it.

    `event` is the first of them and `since` when that one came.
    """

    TYPE: ClassVar[str] = _T + "not_told.v1"
    NAME: ClassVar[str] = "OrganisationNotTold"
    FED: ClassVar[bool] = False
    case: str
    event: str
    organisation: str
    since: Instant
    reason: NotToldCode
    at: Instant
