"""The shapes that the casefile service answers with, for its OpenAPI document and for those who read it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from contracts.answers import AllowedAction, BlockedAction, Contract
from contracts.casefile_codes import (
    CloseReason,
    EndReason,
    HandbackDecision,
    MatchCriterion,
    MissingItem,
    NextStep,
    OnBehalfReason,
    OpenNeed,
    Outcome,
    OutcomePoint,
    OutcomeSource,
    Progress,
    ReportOccasion,
    Side,
    SuspendReason,
    WaiveReason,
)
from contracts.codes import CapitalType, CaseState, MentorKind, Role, Step
from contracts.escalation_answers import EscalationAnswer
from contracts.ladder_answers import MissedTermAnswer, PausedAnswer, ReceiverAnswer
from contracts.letter_codes import LetterResult
from contracts.norm_answers import MonthMetAnswer
from contracts.telling_codes import TellingState, ToldBy
from contracts.terms import LadderLevel
from services.casefile.routes.change_shapes import ProposedChangeAnswer
from services.casefile.routes.gap_shapes import GapShown
from services.casefile.routes.task_shapes import CharterInUseAnswer, ExceptionAnswer, TaskLeadAnswer


class PartyAnswer(Contract):
    """A named person in a role for an organisation."""

    role: Role
    org: str
    sub: str


class ActingAnswer(PartyAnswer):
    """Who acted; on whose behalf, and why; and the colleague who is away (`ABSENCE`) where a substitute did.

    `method`: how they proved who they are, where it was not by a token.
    """

    on_behalf_of: str | None = None
    on_behalf_reason: OnBehalfReason | Literal["ABSENCE"] | None = None
    substitute_for: str | None = None
    method: Literal["LINK_AND_CODE"] | None = None


class AwaitingAnswer(Contract):
    """Whom the owner of a step waits for."""

    org: str
    action: str
    due_at: datetime | None


class StepAnswer(Contract):
    """An open step with its one owner."""

    step: Step
    owner: PartyAnswer
    since: datetime
    due_at: datetime | None
    overdue: bool
    awaiting: AwaitingAnswer | None
    about: str | None = Field(default=None, description="The escalation or the gap, of a step that is about one.")


class ResponsibilityAnswer(Contract):
    """The case lead, and exactly one owner for every open step."""

    case_lead: PartyAnswer | None
    steps: list[StepAnswer]


class ProposalAnswer(Contract):
    """A match that waits for the word of both sides: on which criteria, until when."""

    criteria: list[MatchCriterion]
    due_at: datetime | None


class MatchAnswer(Contract):
    """A match that is proposed or runs; `confirmed` are the sides that have said yes."""

    mentor_ref: str
    kind: MentorKind
    confirmed: list[Side]


class AgreementAnswer(Contract):
    """A signed agreement; `norm` is the number of meetings a month, `proposedEnd` a later end that awaits a word."""

    start: date
    end: date
    norm: int
    signed_at: datetime
    proposed_end: date | None
    charter_version: str | None = None


class EndedMatchAnswer(MatchAnswer):
    """A match that is over, and why."""

    agreement: AgreementAnswer | None
    reason: EndReason
    notice_on: date | None = Field(default=None, description="When a mentor who withdrew said so.")
    short_notice: bool | None = Field(default=None, description="True: less than a month before.")


class ProgressReportAnswer(Contract):
    """A report to the counsellor: how far each goal had come, and what came next."""

    happened_at: datetime
    occasion: ReportOccasion
    progress: dict[CapitalType, Progress]
    next_step: NextStep | None


class HandbackAnswer(Contract):
    """The report of the organisation, and what the agency found missing in it."""

    closure_reason: EndReason
    open_needs: list[OpenNeed]
    outcomes: dict[CapitalType, Progress]
    recommended_next_step: NextStep | None
    requested_at: datetime | None
    returned: list[MissingItem] | None
    waiting_for_report: bool


class TrajectoryAnswer(Contract):
    """The time with an organisation; mentor and mentee read of it who coordinates, the match and the agreement."""

    coordinator: PartyAnswer | None
    match: MatchAnswer | None
    agreement: AgreementAnswer | None
    task_leads: list[TaskLeadAnswer] = []
    charter: CharterInUseAnswer | None = None
    accepted_at: datetime | None = None
    goals: list[CapitalType] = []
    no_shows: int | None = None
    ended_matches: list[EndedMatchAnswer] = []
    progress_reports: list[ProgressReportAnswer] = []
    suspended_for: SuspendReason | None = None
    suspended_until: datetime | None = None
    paused: list[PausedAnswer] = []
    ended_at: datetime | None = None
    closure_reason: EndReason | None = None
    handback: HandbackAnswer | None = None


class EarlierAnswer(Contract):
    """A referral of the case that is over: by which event, why, and what the agency decided on its handback."""

    referral: str
    organisation: str
    ended_by: str
    reason: str | None
    ended_at: datetime | None
    trajectory: TrajectoryAnswer | None
    decision: HandbackDecision | None
    next_service: NextStep | None
    answers: dict[OpenNeed, NextStep]


class SettledAnswer(Contract):
    """A follow-up that was taken or waived (`source` WAIVED); `levelMatch`: the job is at the person's level."""

    point: OutcomePoint
    code: Outcome | WaiveReason
    source: OutcomeSource | Literal["WAIVED"]
    level_match: bool | None = None


class CaseLinks(Contract):
    """Where to go on."""

    self: str
    timeline: str | None = None
    responsibility: str | None = None
    events: str | None = None
    legal_basis: str | None = None


class SelfLink(Contract):
    """Its own address."""

    self: str


class CaseAnswer(Contract):
    """A case as this caller reads it; mentors, mentees and stopped organisations read less.

    Until they are bound by an agreement, mentor and mentee read of it the proposal (`match`) and nothing else.
    """

    id: str
    version: int
    due_at: dict[str, datetime] = {}
    match: ProposalAnswer | None = None
    state: CaseState | None = None
    client_ref: str | None = None
    agency: str | None = None
    organisation: str | None = None
    programme: str | None = None
    programme_version: int | None = None
    opened_at: datetime | None = None
    referral: str | None = None
    broadcast: str | None = Field(default=None, description="Whose offers to several organisations are open.")
    case_lead: PartyAnswer | None = None
    steps: list[StepAnswer] = []
    overdue: bool = False
    asked_to_lead: PartyAnswer | None = None
    asked_to_coordinate: PartyAnswer | None = None
    trajectory: TrajectoryAnswer | None = None
    earlier: list[EarlierAnswer] = Field(
        default=[], description="Referrals of the case that are over, each with what became of its trajectory."
    )
    close_reason: CloseReason | None = None
    outcomes: list[SettledAnswer] = []
    exceptions: list[ExceptionAnswer] = []
    escalations: list[EscalationAnswer] = []
    missed: list[MissedTermAnswer] = []
    contact_norm: list[MonthMetAnswer] = []
    gaps: list[GapShown] = []
    proposals: list[ProposedChangeAnswer] = []
    stopped: Literal["CONSENT_WITHDRAWN"] | None = Field(
        default=None, description="CONSENT_WITHDRAWN: nothing else is shown any more."
    )
    allowed_actions: list[AllowedAction]
    blocked_actions: list[BlockedAction]
    links: CaseLinks | None = None
    dry_run: bool | None = Field(default=None, description="Only in the answer to a dry run.")
    events: list[str] | None = Field(default=None, description="Only in the answer to a dry run: what it would write.")


class CaseSummary(Contract):
    """What a list shows of a case; the rest is behind `links.self`. `step` is the present one, which `owner` has.

    After the person withdrew the legal basis, an organisation reads only the stop.
    """

    id: str
    case: str | None = None
    version: int
    state: CaseState | None = None
    agency: str | None = None
    organisation: str | None = None
    client_ref: str | None = None
    case_lead: PartyAnswer | None = None
    step: Step | None = None
    owner: PartyAnswer | None = None
    due_at: dict[str, datetime] = {}
    overdue: bool = False
    stopped: Literal["CONSENT_WITHDRAWN"] | None = None
    links: CaseLinks


class CasePage(Contract):
    """A page of cases: summaries, or with `expand=full` whole ones."""

    items: list[CaseAnswer | CaseSummary]
    next: str | None


class TellingAnswer(Contract):
    """An organisation was told by a channel: how far that came, and when.

    With `side` it is the mentor or the mentee who was asked by a letter, or could not be, for the `reason`.
    """

    organisation: str
    channel: ToldBy
    state: TellingState
    at: datetime
    side: Side | None = None
    reason: LetterResult | None = None


class TimelineItem(Contract):
    """One event of a case; `responsible` owns `step` after it; `position` is its place in the case's own order."""

    position: int
    event: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: ActingAnswer
    responsible: PartyAnswer | None
    step: Step | None
    due_at: datetime | None
    text: str
    digest: str
    corrects: str | None = Field(default=None, description="Of a correction: the event that is wrong.")
    holds: dict[str, Any] | None = Field(default=None, description="Of a correction: the report as it reads now.")
    count: int | None = Field(default=None, description="How often, where the same was refused again in an hour.")
    level: LadderLevel | None = Field(default=None, description="The level that a term comes to.")
    notified: list[ReceiverAnswer] | None = Field(default=None, description="Who hears of it at that level.")
    corrected_by: list[str] | None = Field(default=None, description="The corrections of this event, in their order.")
    tellings: list[TellingAnswer] | None = Field(
        alias="told",
        default=None,
        description="The organisations that were informed of it, none as yet where it is empty: all for the agency, "
        "else the own and the agency. Absent after the person withdrew the consent, for the organisation.",
    )


class TimelineAnswer(Contract):
    """A page of the timeline of a case."""

    items: list[TimelineItem]
    next: str | None


class DifferenceAnswer(Contract):
    """What changed in a case from one moment to another: sentence by sentence, and what happened in between.

    `from` is null for the beginning, and `to` for now.
    """

    case: str
    from_: datetime | None = Field(alias="from")
    to: datetime | None
    answer: str
    changes: list[str]
    events: list[TimelineItem]
