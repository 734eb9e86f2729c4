"""What the referral service tells the others. Topic `caserelay.referral.v1`, source `/services/referral`."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Final, Literal

from contracts.acts_by_link import ActByLinkAnswered
from contracts.broadcast import BroadcastEnded, BroadcastOpened, OfferAnswered, OfferMade, OfferMoved, OfferWon
from contracts.coded import (
    AgencyActionCode,
    AlternativeCode,
    CapitalCode,
    ClosureCode,
    DeclineCode,
    LadderLevelCode,
    MentorKindCode,
    OrganisationKindCode,
    QuestionCode,
    SupportNeedCode,
    WaitlistCode,
    WhyCode,
    WithdrawCode,
)
from contracts.letters import MenteesLetterPosted
from contracts.message import CaseMessage, Deadline, Instant, LevelDue, Message, PausedDeadline, Receiver
from contracts.packet import LanguageSkill, LegalBasisRef, Occupation, ParticipationChoice
from contracts.programme_parameters import ProgrammeParameters

SOURCE = "/services/referral"
TOPIC = "caserelay.referral.v1"
_T = "org.caserelay.referral."

OF_BROADCASTS: Final = (BroadcastOpened, OfferAnswered, OfferWon, BroadcastEnded, OfferMade, OfferMoved)
"""What else is told on this topic: of one person's offers to several organisations (`contracts/broadcast.py`)."""
BETWEEN_SERVICES: Final = (ActByLinkAnswered, MenteesLetterPosted)
"""What is told here and goes into nobody's feed."""


class ReferralMessage(CaseMessage, frozen=True, kw_only=True):
    """A message about one referral of a case; `agency` made it, `organisation` is the one it is addressed to."""

    referral: str
    agency: str
    organisation: str
    programme: str
    programme_version: int


class ReferralSubmitted(ReferralMessage, frozen=True, kw_only=True):
    """A referral was sent to an organisation, with the minimal packet and no contact data."""

    TYPE: ClassVar[str] = _T + "submitted.v1"
    NAME: ClassVar[Literal["ReferralSubmitted"]] = "ReferralSubmitted"
    client_ref: str
    previous_referral: str | None
    contact_language: str
    languages: list[LanguageSkill]
    occupations: list[Occupation]
    sectors: list[str]
    """NACE: of Rev. 2.1 as `N` or `62`, of Rev. 2 as `2.0:M`; a referral from before this rule does not say."""
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


class ReferralReceived(ReferralMessage, frozen=True, kw_only=True):
    """The organisation acknowledged receipt."""

    TYPE: ClassVar[str] = _T + "received.v1"
    NAME: ClassVar[Literal["ReferralReceived"]] = "ReferralReceived"


class InformationRequested(ReferralMessage, frozen=True, kw_only=True):
    """The organisation asked for information; the decision clock pauses."""

    TYPE: ClassVar[str] = _T + "information_requested.v1"
    NAME: ClassVar[Literal["InformationRequested"]] = "InformationRequested"
    codes: list[QuestionCode]
    deadlines: list[Deadline]
    """INFORMATION and EXPIRY."""
    paused: list[PausedDeadline] = []
    """DECISION, where it was running."""


class InformationProvided(ReferralMessage, frozen=True, kw_only=True):
    """The agency answered; the decision clock runs on. Answers themselves stay in the vault."""

    TYPE: ClassVar[str] = _T + "information_provided.v1"
    NAME: ClassVar[Literal["InformationProvided"]] = "InformationProvided"
    codes: list[QuestionCode]
    deadlines: list[Deadline]
    """DECISION and EXPIRY."""


class ReferralWaitlisted(ReferralMessage, frozen=True, kw_only=True):
    """The organisation put the referral on its waiting list."""

    TYPE: ClassVar[str] = _T + "waitlisted.v1"
    NAME: ClassVar[Literal["ReferralWaitlisted"]] = "ReferralWaitlisted"
    reason: WaitlistCode
    since: Instant
    expected_by: date
    deadlines: list[Deadline]
    """WAITLIST_REVIEW and EXPIRY."""


class ReferralAccepted(ReferralMessage, frozen=True, kw_only=True):
    """The organisation accepted and named a coordinator: who accepted, or a colleague who takes over by acting."""

    TYPE: ClassVar[str] = _T + "accepted.v1"
    NAME: ClassVar[Literal["ReferralAccepted"]] = "ReferralAccepted"
    coordinator: str


class ReferralDeclined(ReferralMessage, frozen=True, kw_only=True):
    """The organisation declined; the case returns to the agency.

    `suggestion` is a reference to what the organisation suggests, never the text itself; `agency_action` is what the
    reason's code proposes (`contracts.codes.AgencyAction`).
    """

    TYPE: ClassVar[str] = _T + "declined.v1"
    NAME: ClassVar[Literal["ReferralDeclined"]] = "ReferralDeclined"
    reason: DeclineCode
    re_referable: bool
    suggestion: str | None
    agency_action: AgencyActionCode | None = None
    access: Deadline | None = None


class ReferralWithdrawn(ReferralMessage, frozen=True, kw_only=True):
    """The agency withdrew the referral, or the person withdrew the legal basis before it was accepted."""

    TYPE: ClassVar[str] = _T + "withdrawn.v1"
    NAME: ClassVar[Literal["ReferralWithdrawn"]] = "ReferralWithdrawn"
    reason: WithdrawCode
    access: Deadline | None = None


class ReferralExpired(ReferralMessage, frozen=True, kw_only=True):
    """Nobody answered in time; the case returns visibly to the agency.

    `last_actor` is the organisation whose act was awaited when the term ended.
    """

    TYPE: ClassVar[str] = _T + "expired.v1"
    NAME: ClassVar[Literal["ReferralExpired"]] = "ReferralExpired"
    last_actor: str
    access: Deadline | None = None
    level: LadderLevelCode | None = None
    notified: list[Receiver] = []


class ReferralCompleted(ReferralMessage, frozen=True, kw_only=True):
    """The loop is closed: handback accepted, or the consent was withdrawn after acceptance."""

    TYPE: ClassVar[str] = _T + "completed.v1"
    NAME: ClassVar[Literal["ReferralCompleted"]] = "ReferralCompleted"
    closure: ClosureCode
    loop_closed_at: Instant


class ErrorReported(ReferralMessage, frozen=True, kw_only=True):
    """Somebody of the agency says that the referral was entered in error; a second person has to confirm."""

    TYPE: ClassVar[str] = _T + "error_reported.v1"
    NAME: ClassVar[Literal["ErrorReported"]] = "ErrorReported"


class ReferralEnteredInError(ReferralMessage, frozen=True, kw_only=True):
    """A second person confirmed that the referral was entered in error."""

    TYPE: ClassVar[str] = _T + "entered_in_error.v1"
    NAME: ClassVar[Literal["ReferralEnteredInError"]] = "ReferralEnteredInError"
    access: Deadline | None = None


class LegalBasisWithdrawn(ReferralMessage, frozen=True, kw_only=True):
    """The person withdrew the legal basis of a referral: nothing more may be shared from `withdrawn_at` on."""

    TYPE: ClassVar[str] = "org.caserelay.legal_basis.withdrawn.v1"
    NAME: ClassVar[Literal["LegalBasisWithdrawn"]] = "LegalBasisWithdrawn"
    legal_basis: str
    withdrawn_at: Instant


class ReferralDisclosureRefused(ReferralMessage, frozen=True, kw_only=True):
    """Somebody tried to read or use what the person shares with the organisation no more; nothing was done.

    `attempt` is the name of the action.
    """

    TYPE: ClassVar[str] = _T + "disclosure_refused.v1"
    NAME: ClassVar[Literal["DisclosureRefused"]] = "DisclosureRefused"
    legal_basis: str | None
    attempt: str


class IdentityRevealed(ReferralMessage, frozen=True, kw_only=True):
    """Somebody who oversees the record, the actor, had the identity of the person shown; for the agency alone.

    Why they did stands with the disclosures of the referral.
    """

    TYPE: ClassVar[str] = _T + "identity_revealed.v1"
    NAME: ClassVar[Literal["IdentityRevealed"]] = "IdentityRevealed"
    legal_basis: str | None


class ReferralDeadlineReminded(ReferralMessage, frozen=True, kw_only=True):
    """80 % of a term has passed: the awaited party is reminded."""

    TYPE: ClassVar[str] = _T + "deadline_reminded.v1"
    NAME: ClassVar[Literal["DeadlineReminded"]] = "DeadlineReminded"
    deadline: str
    due_at: Instant
    awaited: str
    """The organisation that is reminded."""
    level: LadderLevelCode | None = None
    """L0; None in what was told before there was a ladder."""
    notified: list[Receiver] = []


class ReferralDeadlineMissed(ReferralMessage, frozen=True, kw_only=True):
    """A term has passed without the act that it waited for; `deadlines` are those that run on."""

    TYPE: ClassVar[str] = _T + "deadline_missed.v1"
    NAME: ClassVar[Literal["DeadlineMissed"]] = "DeadlineMissed"
    deadline: str
    due_at: Instant
    awaited: str
    deadlines: list[Deadline] = []
    level: LadderLevelCode | None = None
    """L1; None in what was told before there was a ladder."""
    notified: list[Receiver] = []
    to_come: list[LevelDue] = []
    """The levels that the term comes to, as long as nobody does what it waits for."""


class ReferralDeadlineEscalated(ReferralMessage, frozen=True, kw_only=True):
    """What a missed term waits for is still not done: the leads are told (L2), and later the programme's board (L3)."""

    TYPE: ClassVar[str] = _T + "deadline_escalated.v1"
    NAME: ClassVar[Literal["DeadlineEscalated"]] = "DeadlineEscalated"
    deadline: str
    due_at: Instant
    awaited: str
    level: LadderLevelCode
    notified: list[Receiver]


class WaitlistAlerted(ReferralMessage, frozen=True, kw_only=True):
    """Somebody has waited long for a place; `alternative_offered`: other offers are open at the same time."""

    TYPE: ClassVar[str] = _T + "waitlist_alerted.v1"
    NAME: ClassVar[Literal["WaitlistAlerted"]] = "WaitlistAlerted"
    since: Instant
    expected_by: date
    considered: AlternativeCode | None
    """What the agency considered beside mentoring."""
    alternative_offered: bool
    level: LadderLevelCode
    notified: list[Receiver]


class OrganisationDescribed(Message, frozen=True, kw_only=True):
    """What an organisation offers, as it stands now."""

    TYPE: ClassVar[str] = "org.caserelay.organisation.described.v1"
    NAME: ClassVar[str] = "OrganisationDescribed"
    organisation: str
    name: str
    kind: OrganisationKindCode
    programmes: list[str]
    languages: list[str]
    sectors: list[str]
    """NACE, as in `ReferralSubmitted`."""
    suspended: bool = False
    """The operator has suspended it: no new offers, and what is under way goes on."""


class ProgrammeVersionPublished(Message, frozen=True, kw_only=True):
    """The parameters of a programme, in force from the first second of `valid_from` in their own time zone."""

    TYPE: ClassVar[str] = "org.caserelay.programme.version_published.v1"
    NAME: ClassVar[str] = "ProgrammeVersionPublished"
    programme: str
    version: int
    valid_from: date
    parameters: ProgrammeParameters
