"""The parameters of a programme, as messages have them."""

from __future__ import annotations

from datetime import date

from contracts.coded import LadderLevelCode, NotifiedCode, ProgrammeKindCode, SupportNeedCode, TermUnitCode
from contracts.message import Published


class Term(Published, frozen=True, kw_only=True):
    """A length of time: `n` calendar days, or `n` working days of the programme's calendar."""

    n: int
    unit: TermUnitCode
    """DAYS or WORKING_DAYS."""


class ProgrammeParameters(Published, frozen=True, kw_only=True):
    """Everything that may differ between programmes, as data; the version in force when an event occurred governs it.

    `terms` maps a deadline's name to its length: RECEIPT, DECISION, EXPIRY, INFORMATION, WAITLIST_REVIEW,
    WAITLIST_EXPIRY, DRAFT_LAPSE, NEXT_SERVICE, FIRST_CONTACT, INTAKE, MATCHING, MATCH_CONFIRMATION, CHECK_IN_FIRST,
    CHECK_IN_SECOND, PROGRESS_REPORT, SUSPENSION_REVIEW, SUSPENSION_MAX, HANDBACK_REPORT, HANDBACK_ACKNOWLEDGEMENT,
    OUTCOME_EXIT, NGO_ACCESS, REOPEN, WAITLIST_ALERT, SILENCE, SILENCE_CHECK_IN, CHARTER_ACKNOWLEDGEMENT,
    ESCALATION_CONTACT, ESCALATION_CONTACT_SAFETY, ESCALATION_RESOLUTION, CHANGE_DECISION, SERVICE_GAP, LEADS_TOLD,
    BOARD_TOLD, MENTOR_ACCESS.
    """

    kind: ProgrammeKindCode
    name: str
    time_zone: str
    country: str
    """ISO 3166-1 alpha-2: its weekends and public holidays are no working days."""
    criteria: list[str]
    """Codes of the eligibility criteria; each has to be answered with true."""
    terms: dict[str, Term]
    agreement_months_max: int
    extension_months_max: int
    meetings_per_month_min: int
    information_requests_max: int
    charter_version: str
    arrangement_id: str
    """The joint controllers' arrangement (GDPR Art. 26)."""
    contact_point: str
    region: str | None = None
    """ISO 3166-2, where a part of the country has public holidays of its own; None for those of the country alone."""
    closing_days: list[date] = []
    """Days on which nobody works for a reason of the programme's own: no working days either."""
    ladder: dict[LadderLevelCode, list[NotifiedCode]] = {}
    """Who is told of a term at each level: L0 by the reminder, L1 at the breach, L2 and L3 after LEADS_TOLD and
    BOARD_TOLD; {} in what was published before there was a choice."""
    check_in_every_days: dict[SupportNeedCode, int] = {}
    """How many days apart the check-ins are at most, of a person with that need; the shortest holds."""
    professional_for: list[SupportNeedCode] = []
    """The needs that ask for a professional mentor, as a recommendation of the referral does."""
    substitution_in_case: int = 2
    """So many exceptions for one kind of task in a case are a signal that a public service is being replaced."""
    substitution_in_month: int = 5
    """The same for a kind of task in all cases of the programme, in a calendar month."""
    confidentiality_version: str | None = None
    """The declaration of confidentiality that mentors sign; None where the date of signing is enough."""
