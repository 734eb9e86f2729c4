"""What the referral service tells of broadcasts: one person is offered to several organisations, and one may win.

Until one has won, what concerns the case is for its agency alone (`BroadcastMessage`, under the case), and what
concerns an offer is for the agency and that organisation (`OfferMessage`, under the broadcast): without the case's id,
the person's pseudonym, or any referral of before, by which an organisation would know a person that it had.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from contracts.coded import (
    AllocationCode,
    AlternativeCode,
    BroadcastCode,
    CapitalCode,
    LadderLevelCode,
    LegalBasisCode,
    MentorKindCode,
    ReferralCode,
    SupportNeedCode,
    WhyCode,
)
from contracts.message import ActorRef, CaseMessage, Deadline, Instant, Message, Published, Receiver
from contracts.packet import LanguageSkill, LegalBasisRef, Occupation, ParticipationChoice

OfferEvent = Literal[
    "ReferralSubmitted",
    "ReferralReceived",
    "InformationRequested",
    "InformationProvided",
    "ReferralWaitlisted",
    "WaitingCorrected",
    "ReferralAccepted",
    "ReferralDeclined",
    "ReferralWithdrawn",
    "ReferralExpired",
    "ErrorReported",
    "ReferralEnteredInError",
    "LegalBasisWithdrawn",
    "NgoAccessExpired",
    "DeadlineReminded",
    "DeadlineMissed",
    "DeadlineEscalated",
    "WaitlistAlerted",
]
"""What may happen to an offer, by the names that the same has of any other referral."""


class OfferedTo(Published, frozen=True, kw_only=True):
    """One of the offers: to whom, by which referral, on which legal basis."""

    organisation: str
    referral: str
    legal_basis: str


class BroadcastMessage(CaseMessage, frozen=True, kw_only=True):
    """A message for the agency about a case that is offered to several organisations."""

    broadcast: str
    agency: str
    programme: str
    programme_version: int


class BroadcastOpened(BroadcastMessage, frozen=True, kw_only=True):
    """The agency offered the person to several organisations at once."""

    TYPE: ClassVar[str] = "org.caserelay.broadcast.opened.v1"
    NAME: ClassVar[Literal["BroadcastOpened"]] = "BroadcastOpened"
    offers: list[OfferedTo]
    client_ref: str
    previous_referral: str | None
    support_needs: list[SupportNeedCode]
    why_mentoring: WhyCode
    alternative_considered: AlternativeCode
    recommended_mentor_kind: MentorKindCode | None
    eligibility: dict[str, bool]
    participation_choice: ParticipationChoice
    legal_basis: LegalBasisCode
    deadlines: list[Deadline]
    """RECEIPT, DECISION and EXPIRY, of each offer."""


class OfferAnswered(BroadcastMessage, frozen=True, kw_only=True):
    """Something happened to one of the offers: it was made, answered, or ended.

    `codes` are what was given as codes, `due_at` when the deadline is due that was missed or reminded of, and
    `notified` who hears of it at that `level`.
    """

    TYPE: ClassVar[str] = "org.caserelay.broadcast.offer_answered.v1"
    NAME: ClassVar[Literal["OfferAnswered"]] = "OfferAnswered"
    referral: str
    organisation: str
    event: OfferEvent
    state: ReferralCode
    codes: list[str] = []
    due_at: Instant | None = None
    expected_by: date | None = None
    level: LadderLevelCode | None = None
    notified: list[Receiver] = []


class OfferWon(BroadcastMessage, frozen=True, kw_only=True):
    """One organisation accepted first: the others' offers end. It learns now whose offer it was; acceptance follows."""

    TYPE: ClassVar[str] = "org.caserelay.broadcast.won.v1"
    NAME: ClassVar[Literal["OfferWon"]] = "OfferWon"
    referral: str
    organisation: str
    why: AllocationCode
    client_ref: str
    previous_referral: str | None
    recommended_mentor_kind: MentorKindCode | None
    legal_basis: LegalBasisRef
    deadlines: list[Deadline] = []


class BroadcastEnded(BroadcastMessage, frozen=True, kw_only=True):
    """The last offer ended, and nobody won; `reason` is that of a withdrawal of all."""

    TYPE: ClassVar[str] = "org.caserelay.broadcast.ended.v1"
    NAME: ClassVar[Literal["BroadcastEnded"]] = "BroadcastEnded"
    state: BroadcastCode
    reason: str | None = None


class OfferMessage(Message, frozen=True, kw_only=True):
    """A message about one offer that is anonymous; `digest` is the SHA-256 of the private event behind it.

    The actor is of the agency or of the organisation, or the system where somebody else's act ended the offer.
    """

    broadcast: str
    actor: ActorRef
    occurred_at: Instant
    recorded_at: Instant
    digest: str
    referral: str
    agency: str
    organisation: str
    programme: str
    programme_version: int


class OfferMade(OfferMessage, frozen=True, kw_only=True):
    """An offer was sent to an organisation, with the minimal packet, and nothing by which the person is known."""

    TYPE: ClassVar[str] = "org.caserelay.offer.made.v1"
    NAME: ClassVar[Literal["OfferMade"]] = "OfferMade"
    contact_language: str
    languages: list[LanguageSkill]
    occupations: list[Occupation]
    sectors: list[str]
    """NACE, as in `ReferralSubmitted`."""
    region: str
    goals: list[CapitalCode]
    support_needs: list[SupportNeedCode]
    availability: list[str]
    why_mentoring: WhyCode
    alternative_considered: AlternativeCode
    recommended_mentor_kind: MentorKindCode | None
    eligibility: dict[str, bool]
    participation_choice: ParticipationChoice
    legal_basis: LegalBasisRef
    deadlines: list[Deadline]
    """RECEIPT, DECISION and EXPIRY."""


class OfferMoved(OfferMessage, frozen=True, kw_only=True):
    """Something happened to an anonymous offer: what it would be of any other referral is its `event`.

    `state` is the offer's then, where the event moves it. `codes` are what was given as codes, `deadlines` those that
    run on, `due_at` when the deadline is due that was missed or reminded of, `awaited` whose act it waits for, and
    `notified` who hears of it at that `level`.
    """

    TYPE: ClassVar[str] = "org.caserelay.offer.moved.v1"
    NAME: ClassVar[Literal["OfferMoved"]] = "OfferMoved"
    event: OfferEvent
    state: ReferralCode | None = None
    reason: str | None = None
    codes: list[str] = []
    expected_by: date | None = None
    suggestion: str | None = None
    due_at: Instant | None = None
    awaited: str | None = None
    access: Deadline | None = None
    deadlines: list[Deadline] = []
    level: LadderLevelCode | None = None
    notified: list[Receiver] = []
