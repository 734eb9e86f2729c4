"""The shapes that the casefile service answers with, for its OpenAPI document and for those who read it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from contracts.answers import AllowedAction, BlockedAction
from contracts.message import Contract


class PartyAnswer(Contract):
    """A named person in a role for an organisation."""

    role: str
    org: str
    sub: str


class ActingAnswer(PartyAnswer):
    """Who acted; where somebody passed on another's word, whose it was, and why."""

    on_behalf_of: str | None = None
    on_behalf_reason: str | None = None


class AwaitingAnswer(Contract):
    """Whom the owner of a step waits for."""

    org: str
    action: str
    due_at: datetime | None


class StepAnswer(Contract):
    """An open step with its one owner."""

    step: str
    owner: PartyAnswer
    since: datetime
    due_at: datetime | None
    overdue: bool
    awaiting: AwaitingAnswer | None


class ResponsibilityAnswer(Contract):
    """The case lead, and exactly one owner for every open step."""

    case_lead: PartyAnswer | None
    steps: list[StepAnswer]


class ProposalAnswer(Contract):
    """A match that waits for the word of both sides: on which criteria, until when."""

    criteria: list[str]
    due_at: datetime | None


class CaseAnswer(Contract):
    """A case as this caller reads it; mentors, mentees and stopped organisations read less.

    Until they are bound by an agreement, mentor and mentee read of it the proposal (`match`) and nothing else.
    """

    id: str
    version: int
    due_at: dict[str, datetime] = {}
    match: ProposalAnswer | None = None
    state: str | None = None
    client_ref: str | None = None
    agency: str | None = None
    organisation: str | None = None
    programme: str | None = None
    programme_version: int | None = None
    opened_at: datetime | None = None
    referral: str | None = None
    case_lead: PartyAnswer | None = None
    steps: list[StepAnswer] = []
    overdue: bool = False
    asked_to_lead: PartyAnswer | None = None
    asked_to_coordinate: PartyAnswer | None = None
    trajectory: dict[str, Any] | None = None
    earlier: list[dict[str, Any]] = Field(
        default=[], description="Referrals of the case that are over, each with what became of its trajectory."
    )
    close_reason: str | None = None
    outcomes: list[dict[str, str]] = []
    stopped: str | None = Field(default=None, description="CONSENT_WITHDRAWN: nothing else is shown any more.")
    allowed_actions: list[AllowedAction] = []
    blocked_actions: list[BlockedAction] = []
    links: dict[str, str] = {}
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


class CasePage(Contract):
    """A page of cases."""

    items: list[CaseAnswer]
    next: str | None


class TimelineItem(Contract):
    """One event of a case; `responsible` owns `step` after it; `position` is its place in the case's own order."""

    position: int
    event: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: ActingAnswer
    responsible: PartyAnswer | None
    step: str | None
    due_at: datetime | None
    text: str
    digest: str
    corrects: str | None = Field(default=None, description="Of a correction: the event that is wrong.")
    holds: dict[str, Any] | None = Field(default=None, description="Of a correction: the report as it reads now.")
    corrected_by: list[str] | None = Field(default=None, description="The corrections of this event, in their order.")


class TimelineAnswer(Contract):
    """A page of the timeline of a case."""

    items: list[TimelineItem]
    next: str | None


class WorklistItem(Contract):
    """What the caller must act on now, with the commands that do it.

    `step` is an open step of the case, or what waits beside them for one person's act: ERROR_CONFIRMATION,
    COUNSELLOR_HANDOVER, COORDINATOR_HANDOVER. Mentors and mentees find their own case, without `clientRef`; until they
    are bound, `step` is MATCH_CONFIRMATION as long as their word is awaited, and nobody is named. The mentee finds
    `withdraw` for every consent by which an organisation still reads, bound or not; LEGAL_BASIS where no step is open.
    `organisationSuspended`: the case is offered to an organisation that the operator has suspended, or with it. The
    agency then finds the case here, also where others must act on it, with what it can do itself.
    """

    case: str
    client_ref: str | None = None
    step: str | None
    owner: PartyAnswer | None
    awaiting: AwaitingAnswer | None
    since: datetime | None
    due_at: datetime | None
    overdue: bool
    organisation_suspended: bool = False
    actions: list[AllowedAction]


class WorklistPage(Contract):
    """What must be acted on, most urgent first."""

    items: list[WorklistItem]
    next: str | None


class MentorAnswer(Contract):
    """A mentor's profile; `lacks` says what is missing before a match, `places` how many are free."""

    ref: str
    organisation: str
    kind: str
    screened_on: date | None
    trained_on: date | None
    insurance_note_on: date | None
    charter_version: str | None
    charter_acknowledged_on: date | None
    confidentiality_on: date | None
    languages: list[str]
    sectors: list[str]
    capacity: int
    places: int
    waiting_since: datetime | None
    version: int
    links: dict[str, str]
    dry_run: bool | None = None
    events: list[str] | None = None


class MentorPage(Contract):
    """A page of mentors."""

    items: list[MentorAnswer]
    next: str | None
