"""What the casefile service is sent: the request bodies, as strict as their standards. Guards of content are domain."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from contracts.casefile_codes import (
    AfterMatch,
    CloseReason,
    ContactChannel,
    EndReason,
    HandbackDecision,
    MatchCriterion,
    MeetingMode,
    MeetingTopic,
    MissingItem,
    NextStep,
    OnBehalfReason,
    OpenNeed,
    Outcome,
    OutcomePoint,
    OutcomeSource,
    Progress,
    RejectReason,
    ReportOccasion,
    Side,
    SuspendReason,
    WaiveReason,
)
from contracts.codes import CapitalType, CefrLevel, CefrSkill, MentorKind
from contracts.escalation_codes import RaisedReason, Resolution
from contracts.fields import (
    Body,
    CalendarDate,
    Code,
    Count,
    Flag,
    FreeText,
    Identifier,
    Instant,
    LanguageTag,
    Reference,
    Sector,
    StaffId,
    read_only,
)

Few = Field(max_length=20)
NOTICE = "Of a mentor who withdraws: when they said so. Without it, on the last day."


class ReportBody(Body):
    """A command that reports something that happened earlier may say when."""

    occurred_at: Instant | None = None


class ContactAttemptBody(ReportBody):
    """An attempt to reach the person."""

    channel: ContactChannel | None = None
    reached: Flag = True


class ConcludeIntakeBody(ReportBody):
    """The result of the intake. `expectations` go to the vault; `cefr` maps a skill to a level."""

    suitable: Flag
    goals: Annotated[list[CapitalType], Few] = []
    expectations: Annotated[list[FreeText], Few] = []
    cefr: Annotated[dict[CefrSkill, CefrLevel], Few] = {}
    reason: EndReason | None = None
    open_needs: Annotated[list[OpenNeed], Few] = []
    recommended_next_step: NextStep | None = None


class ProposeMatchBody(Body):
    """A mentor of the organisation. `sectorAbsence` justifies a match that was not made on the sector."""

    mentor_ref: Identifier
    kind: MentorKind | None = None
    criteria: Annotated[list[MatchCriterion], Few] = []
    sector_absence: FreeText | None = None
    conflict_of_interest: Flag = False


class ConfirmMatchBody(ReportBody):
    """Whose yes it is; a mentor or mentee who asks for themselves may leave it out.

    Anyone who passes on the word of a side says why that side does not give it itself: `onBehalfReason`.
    """

    by: Side | None = None
    on_behalf_reason: OnBehalfReason | None = None


class RejectMatchBody(ReportBody):
    """Whose no it is, and why; `onBehalfReason` as in a yes."""

    by: Side | None = None
    reason: RejectReason
    on_behalf_reason: OnBehalfReason | None = None


class ExpectationsBody(Body):
    """What each side expects; goes to the vault."""

    mentor: FreeText | None = None
    mentee: FreeText | None = None


class SignAgreementBody(ReportBody):
    """The agreement. Left out: it starts today, lasts as long as it may, and has the programme's norm."""

    start: CalendarDate | None = None
    end: CalendarDate | None = None
    norm: Annotated[Count, Field(ge=0, le=31)] | None = None
    charter_version: Reference | None = None
    coordinator_attends_first_meeting: Flag = False
    expectations: ExpectationsBody = ExpectationsBody()


class MeetingBody(ReportBody):
    """A meeting of mentor and mentee; `minutes` is its duration."""

    minutes: Annotated[Count, Field(ge=1, le=1440)] | None = None
    mode: MeetingMode | None = None
    topics: Annotated[list[MeetingTopic], Few] = []


class CheckInBody(ReportBody):
    """The coordinator's contact with the pair; without `sides`, with both."""

    mode: MeetingMode | None = None
    sides: Annotated[list[Side], Field(min_length=1, max_length=2)] = [Side.MENTOR, Side.MENTEE]


class PulseBody(ReportBody):
    """How a side feels, from 1 to 5; a mentor or mentee may leave out `by`."""

    by: Side | None = None
    score: Annotated[Count, Field(ge=1, le=5)]
    reasons: Annotated[list[Code], Few] = []


class ProgressBody(ReportBody):
    """How far each goal has come, and what comes next."""

    progress: Annotated[dict[CapitalType, Progress], Few] = {}
    next_step: NextStep | None = None
    occasion: ReportOccasion = ReportOccasion.SCHEDULED


class ExtendBody(Body):
    """A later end: a day, or months; without either, the longest there is."""

    end: CalendarDate | None = None
    months: Annotated[Count, Field(ge=1, le=60)] | None = None


class DecideExtensionBody(Body):
    """The agency's decision on a later end, and why; the reason goes to the vault."""

    approved: Flag
    reason: FreeText | None = None


class SuspendBody(ReportBody):
    """Why the trajectory pauses."""

    reason: SuspendReason


class RaiseEscalationBody(Body):
    """Why somebody is asked to see to the case."""

    reason: RaisedReason


class ResolveEscalationBody(Body):
    """What was done, and about which escalation; that may be left out where the caller has but one to resolve."""

    escalation: Reference | None = None
    resolution: Resolution


class EndMatchBody(ReportBody):
    """Why the match ends, whether it was talked over with the pair, and what follows."""

    reason: EndReason
    next: AfterMatch
    closure_talk: Flag = False
    by: Side | None = None
    notice_on: Annotated[CalendarDate | None, Field(description=NOTICE)] = None


class CompleteBody(ReportBody):
    """Why the trajectory has come to its end, and whether it was talked over with the pair."""

    reason: EndReason
    closure_talk: Flag = False
    notice_on: Annotated[CalendarDate | None, Field(description=NOTICE)] = None


class RequestHandbackBody(Body):
    """The report: an outcome per goal, why it ends, what stays open, what comes next."""

    closure_reason: EndReason | None = None
    outcomes: Annotated[dict[CapitalType, Progress], Few] = {}
    open_needs: Annotated[list[OpenNeed], Few] = []
    recommended_next_step: NextStep | None = None


class AcceptHandbackBody(Body):
    """The agency's decision, with an answer to every open need."""

    decision: HandbackDecision
    next_service: NextStep | None = None
    answers: Annotated[dict[OpenNeed, NextStep], Few] = {}
    close_reason: CloseReason | None = None


class ReturnHandbackBody(Body):
    """What the report lacks."""

    missing: Annotated[list[MissingItem], Field(min_length=1, max_length=10)]


class CloseBody(Body):
    """Why the case is closed."""

    reason: CloseReason


class OutcomeBody(ReportBody):
    """What became of the person, from the day of the point on; `levelMatch`: the job is at the person's level."""

    point: OutcomePoint
    code: Outcome
    source: OutcomeSource
    level_match: Flag | None = None
    progress: Annotated[dict[CapitalType, Progress], Few] = {}


class WaiveOutcomeBody(Body):
    """A follow-up that will not be taken, and why; before its day only with PERSON_DECLINED or MOVED."""

    point: OutcomePoint
    reason: WaiveReason


class ReassignCounsellorBody(Body):
    """Whom to ask; without a name the caller takes over."""

    counsellor: StaffId | None = None


class ReassignCoordinatorBody(Body):
    """Whom to ask; without a name the caller takes over."""

    coordinator: StaffId | None = None


class CorrectBody(Body):
    """The event (its id on the timeline) that is wrong, and why; the reason goes to the vault.

    Of a report `holds` has the fields as they should read, under the names and rules of the command that it came by
    (of an outcome those of `record-outcome`, of a place on the waiting list those of `waitlist`); a field that is left
    out reads as before. A waiver may become a result, and a result a waiver.
    """

    event: Reference
    reason: FreeText
    holds: Annotated[dict[str, Any], Field(min_length=1, max_length=20)] | None = None


class MentorBody(Body):
    """A mentor's profile; dates say when something was done, and are left out as long as it has not been.

    What GET has besides may be sent back as it stands.
    """

    kind: MentorKind
    screened_on: CalendarDate | None = None
    trained_on: CalendarDate | None = None
    insurance_note_on: CalendarDate | None = None
    charter_version: Reference | None = None
    charter_acknowledged_on: CalendarDate | None = None
    confidentiality_on: CalendarDate | None = None
    confidentiality_version: Reference | None = None
    languages: Annotated[list[LanguageTag], Field(max_length=50)] = []
    sectors: Annotated[list[Sector], Field(max_length=50)] = []
    capacity: Annotated[Count, Field(ge=0, le=100)] = 1
    ref: Annotated[str | None, read_only("From GET: that of the path.")] = None
    organisation: Annotated[str | None, read_only("From GET: the caller's.")] = None
    places: Annotated[Count | None, read_only("From GET, as it stands.")] = None
    waiting_since: Annotated[Instant | None, read_only("From GET, as it stands.")] = None
    version: Annotated[Count | None, read_only("From GET: the one that If-Match names.")] = None
    links: Annotated[dict[str, str] | None, read_only("From GET, as they stand.")] = None
