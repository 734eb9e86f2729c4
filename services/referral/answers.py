"""The shapes that the referral service answers with, for its OpenAPI document and for those who read it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from contracts.answers import AllowedAction, BlockedAction
from contracts.message import Contract
from contracts.problem import Problem


class ReferralAnswer(Contract):
    """A referral as this caller reads it; after a consent withdrawal the organisation reads only the stop."""

    id: str
    case: str | None
    state: str
    version: int
    due_at: dict[str, datetime]
    agency: str | None = None
    programme: str | None = None
    programme_version: int | None = None
    to: str | None = None
    client: dict[str, str] | None = None
    contact_language: str | None = None
    languages: list[dict[str, Any]] = []
    occupations: list[dict[str, Any]] = []
    sectors: list[str] = []
    region: str | None = None
    goals: list[str] = []
    support_needs: list[str] = []
    availability: list[str] = []
    why_mentoring: str | None = None
    alternative_considered: str | None = None
    recommended_mentor_kind: str | None = None
    eligibility: dict[str, bool] = {}
    participation_choice: dict[str, Any] | None = None
    legal_basis: dict[str, Any] | None = None
    previous_referral: str | None = None
    overdue: list[str] = []
    coordinator: str | None = None
    asked_for: list[str] | None = None
    waiting: dict[str, Any] | None = None
    reason: str | None = None
    re_referable: bool | None = None
    proposed_action: str | None = None
    error_reported: bool | None = None
    allowed_actions: list[AllowedAction] = []
    blocked_actions: list[BlockedAction] = []
    links: dict[str, str]
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


class ReferralPage(Contract):
    """A page of referrals."""

    items: list[ReferralAnswer]
    next: str | None


class BulkAnswer(Contract):
    """A line of the bulk intake's answer: `status` as a single request would have had, with `referral` or `problem`."""

    line: int = Field(description="The number of the line that it answers, from 1; blank lines count.")
    status: int
    referral: ReferralAnswer | None = None
    problem: Problem | None = None
    replayed: bool | None = Field(
        default=None, description="True where the key and the referral came before, and this is the answer of then."
    )


class PersonAnswer(Contract):
    """The contact data of a person; personal data. The one answer that holds any."""

    contact: dict[str, str | None]


class DisclosedTo(Contract):
    """An organisation, or somebody of it who asked for the data."""

    org: str
    role: str | None
    sub: str | None


class DisclosureAnswer(Contract):
    """One disclosure. `what` is CONTACT (the contact data were read), PACKET (the offer), or INFORMATION (answers)."""

    at: datetime
    to: DisclosedTo
    what: str
    legal_basis: str | None


class DisclosurePage(Contract):
    """A page of disclosures, the oldest first."""

    items: list[DisclosureAnswer]
    next: str | None


class OrganisationAnswer(Contract):
    """An organisation; `taken` counts the accepted referrals that it carries now.

    `suspended`: it gets, or makes, no new offers; what is under way goes on.
    """

    id: str
    name: str
    kind: str
    programmes: list[str]
    suspended: bool
    languages: list[str]
    sectors: list[str]
    capacity: int | None
    contact_point: str | None
    taken: int
    version: int
    links: dict[str, str]


class OrganisationPage(Contract):
    """A page of organisations."""

    items: list[OrganisationAnswer]
    next: str | None


class ProgrammeVersionAnswer(Contract):
    """One version of a programme's parameters."""

    version: int
    valid_from: date
    kind: str
    name: str
    time_zone: str
    country: str
    criteria: list[str]
    arrangement_id: str
    contact_point: str
    terms: dict[str, dict[str, Any]]
    agreement_months_max: int
    extension_months_max: int
    meetings_per_month_min: int
    information_requests_max: int
    charter_version: str
    region: str | None
    closing_days: list[date]


class ProgrammeAnswer(Contract):
    """A programme with all its versions; `inForce` is the one that governs now."""

    id: str
    version: int
    in_force: int | None
    versions: list[ProgrammeVersionAnswer]
    links: dict[str, str]


class RelianceAnswer(Contract):
    """What was done on a legal basis, by which referral, towards whom, when."""

    referral: str
    recipient: str
    purpose: str
    at: datetime


class LegalBasisAnswer(Contract):
    """A legal basis and its interval of validity."""

    id: str
    kind: str
    recipient: str
    text_version: str
    language: str
    given_at: datetime
    client_ref: str | None
    referral: str | None
    case: str | None
    valid: bool
    withdrawn_at: datetime | None
    relied_on: list[RelianceAnswer]
    version: int
    links: dict[str, str]
