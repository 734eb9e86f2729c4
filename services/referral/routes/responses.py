"""The answers of the referral service, for its OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from contracts.answers import AllowedAction, BlockedAction, Contract
from contracts.codes import (
    AgencyAction,
    Alternative,
    CapitalType,
    CefrLevel,
    Closure,
    DeadlineName,
    DeclineReason,
    LegalBasisKind,
    MentorKind,
    OrganisationKind,
    ProgrammeKind,
    Question,
    ReferralState,
    Reliance,
    SupportNeed,
    TermUnit,
    Unreachable,
    WaitlistReason,
    WhyMentoring,
    WithdrawReason,
)
from contracts.ladder_answers import LateAnswer, PausedAnswer
from contracts.problem import Problem
from contracts.terms import Notified


class ClientAnswer(Contract):
    """The person, by the agency's pseudonym."""

    ref: str


class LanguageAnswer(Contract):
    """A language, its CEFR level, and whether the level was declared or tested."""

    tag: str
    level: CefrLevel
    evidence: Literal["DECLARED", "TESTED"]


class OccupationAnswer(Contract):
    """An occupation wanted: ISCO-08, and the ESCO concept where it is known."""

    isco: str
    esco: str | None


class ParticipationChoiceAnswer(Contract):
    """The jobseeker's own choice to take part."""

    chosen_at: datetime
    method: Literal["IN_PERSON", "PHONE", "VIDEO", "ONLINE", "WRITTEN"]
    language: str


class LegalBasisGivenAnswer(Contract):
    """The legal basis for sharing; `id` once it is recorded, `withdrawnAt` once the person has withdrawn it."""

    kind: LegalBasisKind
    recipient: str
    text_version: str
    language: str
    given_at: datetime
    id: str | None
    withdrawn_at: datetime | None


class WaitingAnswer(Contract):
    """Why the person waits, since when, and until when it may take."""

    reason: WaitlistReason
    since: datetime
    expected_by: date


class ReferralDueAnswer(Contract):
    """When each running deadline is due; others are left out."""

    draft_lapse: datetime | None = None
    receipt: datetime | None = None
    decision: datetime | None = None
    expiry: datetime | None = None
    information: datetime | None = None
    waitlist_review: datetime | None = None
    ngo_access: datetime | None = None


class ReferralLinks(Contract):
    """Links to what belongs to it."""

    self: str
    events: str | None = None
    disclosures: str | None = None
    case: str | None = None
    timeline: str | None = None


class SelfLink(Contract):
    """Its own address."""

    self: str


class ReferralAnswer(Contract):
    """A referral as this caller reads it; once the consent is withdrawn, the organisation reads only the stop."""

    id: str
    case: str | None = Field(default=None, description="Absent for an organisation before it wins an offer to several.")
    broadcast: str | None = Field(default=None, description="Of an offer to several, till one wins.")
    state: ReferralState
    version: int
    due_at: ReferralDueAnswer
    agency: str | None = None
    programme: str | None = None
    programme_version: int | None = None
    to: str | None = None
    client: ClientAnswer | None = None
    contact_language: str | None = None
    languages: list[LanguageAnswer] = []
    occupations: list[OccupationAnswer] = []
    sectors: list[str] = []
    region: str | None = None
    goals: list[CapitalType] = []
    support_needs: list[SupportNeed] = []
    availability: list[str] = []
    why_mentoring: WhyMentoring | None = None
    alternative_considered: Alternative | None = None
    recommended_mentor_kind: MentorKind | None = None
    eligibility: dict[str, bool] = {}
    participation_choice: ParticipationChoiceAnswer | None = None
    legal_basis: LegalBasisGivenAnswer | None = None
    previous_referral: str | None = None
    overdue: list[DeadlineName] = []
    missed: list[LateAnswer] = []
    paused: list[PausedAnswer] = []
    coordinator: str | None = None
    asked_for: list[Question] | None = None
    waiting: WaitingAnswer | None = None
    reason: DeclineReason | WithdrawReason | Closure | None = None
    re_referable: bool | None = None
    proposed_action: AgencyAction | None = None
    error_reported: bool | None = None
    allowed_actions: list[AllowedAction]
    blocked_actions: list[BlockedAction]
    links: ReferralLinks
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


class ReferralSummary(Contract):
    """What a list shows of a referral; the rest is behind `links.self`.

    Once the consent is withdrawn, the organisation reads only the stop.
    """

    id: str
    case: str | None = Field(default=None, description="As in the referral itself.")
    broadcast: str | None = Field(default=None, description="As in the referral itself.")
    state: ReferralState
    version: int
    agency: str | None = None
    organisation: str | None = Field(default=None, description="Nobody's as long as it is a draft.")
    client_ref: str | None = None
    due_at: ReferralDueAnswer
    overdue: list[DeadlineName] = []
    reason: Literal["CONSENT_WITHDRAWN"] | None = Field(default=None, description="Only of a stop.")
    links: ReferralLinks


class ReferralPage(Contract):
    """A page of referrals: summaries, or with `expand=full` whole ones."""

    items: list[ReferralAnswer | ReferralSummary]
    next: str | None


class BulkAnswer(Contract):
    """A line of the bulk intake's answer: `status` as a single request would have had, with `referral` or `problem`."""

    line: int = Field(description="The number of the line that it answers, from 1; blank lines count.")
    status: int
    referral: ReferralAnswer | None = None
    problem: Problem | None = None
    replayed: bool | None = Field(
        default=None, description="True where the key was used before for this referral, and this repeats its answer."
    )


class ContactAnswer(Contract):
    """How to reach the person."""

    name: str | None
    phone: str | None
    email: str | None
    unreachable: Unreachable | None = None


class PersonAnswer(Contract):
    """The contact data of a person: the only answer with personal data."""

    contact: ContactAnswer


class OrganisationAnswer(Contract):
    """An organisation; `taken` counts the accepted referrals that it carries now.

    `suspended`: it gets, or makes, no new offers; those under way continue.
    """

    id: str
    name: str
    kind: OrganisationKind
    programmes: list[str]
    suspended: bool
    languages: list[str]
    sectors: list[str]
    capacity: int | None
    contact_point: str | None
    taken: int
    version: int
    links: SelfLink
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


class OrganisationPage(Contract):
    """A page of organisations."""

    items: list[OrganisationAnswer]
    next: str | None


class TermAnswer(Contract):
    """A length of time."""

    n: int
    unit: TermUnit


class ProgrammeVersionAnswer(Contract):
    """One version of a programme's parameters."""

    version: int
    valid_from: date
    kind: ProgrammeKind
    name: str
    time_zone: str
    country: str
    criteria: list[str]
    arrangement_id: str
    contact_point: str
    terms: dict[str, TermAnswer]
    agreement_months_max: int
    extension_months_max: int
    meetings_per_month_min: int
    information_requests_max: int
    charter_version: str
    region: str | None
    closing_days: list[date]
    ladder: dict[str, list[Notified]] = {}
    check_in_every_days: dict[SupportNeed, int] = {}
    professional_for: list[SupportNeed] = []
    substitution_in_case: int = 2
    substitution_in_month: int = 5
    confidentiality_version: str | None = None


class ProgrammeAnswer(Contract):
    """A programme with all its versions; `inForce` is the one that governs now."""

    id: str
    version: int
    in_force: int | None
    versions: list[ProgrammeVersionAnswer]
    links: SelfLink
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


class RelianceAnswer(Contract):
    """An act that relied on a legal basis: by which referral, towards whom, when."""

    referral: str
    recipient: str
    purpose: Reliance
    at: datetime


class LegalBasisAnswer(Contract):
    """A legal basis and its interval of validity."""

    id: str
    kind: LegalBasisKind
    recipient: str
    text_version: str
    language: str
    given_at: datetime
    client_ref: str | None = Field(default=None, description="Absent as `case` of the referral is.")
    referral: str | None
    case: str | None = Field(default=None, description="As in the referral itself.")
    broadcast: str | None = Field(default=None, description="As in the referral itself.")
    valid: bool
    withdrawn_at: datetime | None
    relied_on: list[RelianceAnswer]
    version: int
    links: SelfLink
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")
