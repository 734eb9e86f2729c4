"""The state of a case: what decisions about it rest on."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from contracts.codes import CaseState, Step
from services.casefile.domain.open_matters import Gap, LateTerm, Proposal, StrandedOffer
from services.casefile.domain.steps import BESIDE, OpenStep, Party, Sent, Steps, StepsBeside
from services.casefile.domain.task_state import Approval, CharterInUse, RoleException, TaskLead
from services.chassis.modelling.deadline import Deadline, PausedDeadline
from services.chassis.modelling.decider import Refused
from services.chassis.modelling.growing import GrowingMap, GrowingSet, GrowingTuple


def case_stream(case: str) -> str:
    """The stream of one case."""
    return f"case-{case}"


REMINDED = "REMINDED"
MISSED = "MISSED"
"""What has fired of a deadline, in `Case.fired`."""
BEFORE_CLOSED = frozenset(CaseState) - {CaseState.CLOSED, CaseState.FINALISED}
WITH_ORGANISATION = BEFORE_CLOSED - {CaseState.OPENED, CaseState.REFERRED}
FROM_MATCHING = frozenset({CaseState.MATCHING, CaseState.MATCH_PROPOSED, CaseState.MENTORING, CaseState.SUSPENDED})
# What runs beside the way of the case, such as that somebody sees to a missed term, comes after the way itself.
_SEEN_FIRST = tuple(step.value for step in sorted(Step, key=lambda step: step in BESIDE))


class LiveReferral(Struct, frozen=True, kw_only=True):
    """The offer that is open, or was accepted; `deadlines` are those in the latest message of the referral service."""

    referral: str
    organisation: str
    legal_basis: str
    recommended_mentor_kind: str | None
    deadlines: tuple[Deadline, ...]
    support_needs: tuple[str, ...] = ()


class OpenBroadcast(Struct, frozen=True, kw_only=True):
    """Offers to several organisations that are open; to withdraw the `consent` to one is to withdraw it to all."""

    broadcast: str
    sent: Sent | None = None
    consent: str | None = None
    support_needs: tuple[str, ...] = ()


class Agreement(Struct, frozen=True, kw_only=True):
    """What the pair signed, under which charter; `proposed_end` waits for the agency's decision."""

    start: date
    end: date
    norm: int
    signed_at: datetime
    extended: bool = False
    proposed_end: date | None = None
    charter_version: str | None = None


class Match(Struct, frozen=True, kw_only=True):
    """A proposed mentor, on which criteria, until when an answer is due, who has confirmed, and the agreement."""

    match: str
    mentor: str
    kind: str
    proposed_at: datetime
    criteria: tuple[str, ...] = ()
    due_at: datetime | None = None
    confirmed: frozenset[str] = frozenset()
    agreement: Agreement | None = None


class Handback(Struct, frozen=True, kw_only=True):
    """The report: an outcome per goal, the needs that want an answer, and what the agency found missing."""

    closure_reason: str
    open_needs: tuple[str, ...]
    outcomes: dict[str, str] = field(default_factory=dict)
    recommended_next_step: str | None = None
    requested_at: datetime | None = None
    returned: tuple[str, ...] | None = None
    waiting_for_report: bool = False


class ProgressReport(Struct, frozen=True, kw_only=True):
    """What the counsellor got: how far each goal had come (-, =, +), and what came next."""

    happened_at: datetime
    occasion: str
    progress: dict[str, str]
    next_step: str | None


class EndedMatch(Struct, frozen=True, kw_only=True):
    """A match that is over, and why; of a mentor who withdrew, since when that was known, and whether in time."""

    match: Match
    reason: str
    notice_on: date | None = None
    short_notice: bool | None = None


class Suspension(Struct, frozen=True, kw_only=True):
    """A pause: why, since when, until when at the longest, and which terms stand still."""

    reason: str
    since: datetime | None
    until: datetime
    paused: tuple[PausedDeadline, ...] = ()


class Trajectory(Struct, frozen=True, kw_only=True):
    """The time that the person spends with an organisation, from its acceptance to the handback.

    `reported` holds (kind of report, side, instant), so that the same report twice changes nothing. `last_day` is that
    of the first agreement, or a later one that the agency approved (`extended`): another match does not move it.
    `rejections` are counted from the latest agreement; `silence` is when a pair that has not met is asked why.
    """

    coordinator: Party
    accepted_at: datetime
    goals: tuple[str, ...] = ()
    mentee_expectations: bool = False
    no_shows: int = 0
    match: Match | None = None
    last_day: date | None = None
    extended: bool = False
    suspension: Suspension | None = None
    resumed_at: datetime | None = None
    ended_at: datetime | None = None
    closure_reason: str | None = None
    handback: Handback | None = None
    rejections: int = 0
    silence: Deadline | None = None
    ended_matches: GrowingTuple[EndedMatch] = GrowingTuple()
    progress_reports: GrowingTuple[ProgressReport] = GrowingTuple()
    reported: GrowingSet[tuple[str, str, datetime]] = GrowingSet()
    leads: tuple[TaskLead, ...] = ()
    approvals: GrowingSet[Approval] = GrowingSet()
    charter: CharterInUse | None = None


class Earlier(Struct, frozen=True, kw_only=True):
    """A referral of the case that is over: by which event (`ended_by`), why, and the trajectory that it led to.

    `decision`, `next_service` and `answers` are the agency's, where it accepted a handback.
    """

    referral: str
    organisation: str
    ended_by: str
    reason: str | None
    ended_at: datetime | None
    trajectory: Trajectory | None
    decision: str | None = None
    next_service: str | None = None
    answers: dict[str, str] = field(default_factory=dict)


class Access(Struct, frozen=True, kw_only=True):
    """What an organisation may still see: until `expires` once its part has `ended`, nothing once `closed`."""

    referral: str
    organisation: str
    legal_basis: str
    ended: str | None = None
    expires: Deadline | None = None
    closed: bool = False


class MentorAccess(Struct, frozen=True, kw_only=True):
    """What the mentor of an ended match may still read of it: until it `expires`, or the organisation's access does."""

    match: str
    mentor: str
    referral: str
    organisation: str
    expires: Deadline


class Escalation(Struct, frozen=True, kw_only=True):
    """Something that somebody is asked to see to: why, about which match, at which level, and until when.

    `organisation` had the case when it was raised, and `raised_by` is that of the person who raised it, if one did;
    `joined` are the reasons of further signs. `unreached` is an organisation that could not be told, since when and
    why it could not. What is asked about a missed term has no `own_step`.
    """

    id: str
    reason: str
    level: str
    opened_at: datetime
    organisation: str | None = None
    raised_by: str | None = None
    match: str | None = None
    contact_due_at: datetime | None = None
    resolution_due_at: datetime | None = None
    joined: GrowingTuple[str] = GrowingTuple()
    resolution: str | None = None
    own_step: bool = True
    unreached: str | None = None
    unreached_since: datetime | None = None
    why_unreached: str | None = None


class Case(Struct, frozen=True, kw_only=True):
    """A case. `state` is None before it is opened; `steps` say who is responsible.

    `proposed_lead` and `proposed_coordinator` are asked to take over; with `takes_over_by_acting` the latter does so by
    any command. `taken` are the ids of the messages taken in; `consents` those legal bases that the person can
    withdraw; `errors_reported` the referrals that a person of the agency reported as entered in error, each with that
    person, until another one confirms it; `fired` the (kind, deadline, due time) of reminders and breaches; `agreed`
    whether a pair has signed an agreement since the latest referral; `settled` the follow-ups (point, code or reason,
    source) recorded or waived since the last closing, which are counted from `followed_from`, the person's exit, and
    `level_match` by point whether the job is at the person's level, where that was said;
    `substitution_signals` the kinds of exceptions that were so many in this case that it was told.

    It is one class and not one for each state: what stands in the log is folded as it is, also where an old rule let
    an event into a state that no longer has it, and the fields that go with a state (`referral`, `trajectory`, the
    match and its agreement, `suspension`) are None outside it. Which state allows what is the guards' business.
    """

    case: str = ""
    state: CaseState | None = None
    client_ref: str = ""
    agency: str = ""
    programme: str = ""
    programme_version: int = 0
    lead: Party | None = None
    proposed_lead: Party | None = None
    proposed_coordinator: Party | None = None
    takes_over_by_acting: bool = False
    opened_at: datetime | None = None
    eligibility: dict[str, bool] | None = None
    participation_chosen_at: datetime | None = None
    legal_bases: GrowingSet[str] = GrowingSet()
    consents: GrowingSet[str] = GrowingSet()
    errors_reported: GrowingTuple[tuple[str, Party]] = GrowingTuple()
    taken: GrowingSet[str] = GrowingSet()
    referral: LiveReferral | None = None
    trajectory: Trajectory | None = None
    earlier: GrowingTuple[Earlier] = GrowingTuple()
    agreed: bool = False
    way: Steps = ()
    beside: StepsBeside = StepsBeside()
    fired: GrowingSet[tuple[str, str, datetime]] = GrowingSet()
    accesses: GrowingTuple[Access] = GrowingTuple()
    exit_at: datetime | None = None
    close_reason: str | None = None
    reopen_until: datetime | None = None
    followed_from: datetime | None = None
    settled: GrowingTuple[tuple[str, str, str]] = GrowingTuple()
    level_match: GrowingMap[str, bool] = GrowingMap()
    finalise_at: datetime | None = None
    corrected: GrowingSet[tuple[str, str | None]] = GrowingSet()
    exceptions: GrowingTuple[RoleException] = GrowingTuple()
    substitution_signals: GrowingSet[str] = GrowingSet()
    broadcast: OpenBroadcast | None = None
    gaps: GrowingTuple[Gap] = GrowingTuple()
    proposals: GrowingTuple[Proposal] = GrowingTuple()
    escalations: GrowingTuple[Escalation] = GrowingTuple()
    mentor_accesses: GrowingTuple[MentorAccess] = GrowingTuple()
    late: tuple[LateTerm, ...] = ()
    stranded: StrandedOffer | None = None

    @property
    def steps(self) -> Steps:
        """Every open step."""
        return self.way if not self.beside else (*self.way, *sorted(self.beside.values(), key=_opened))

    @property
    def organisation(self) -> str | None:
        """The organisation that the case is offered to, or is with."""
        return self.referral.organisation if self.referral is not None else None

    @property
    def organisation_reads(self) -> bool:
        """Whether the organisation that the case is with has access to it: that ends weeks after its trajectory."""
        return any(access.organisation == self.organisation and not access.closed for access in self.accesses)

    @property
    def match(self) -> Match | None:
        """The match that is proposed or runs."""
        return self.trajectory.match if self.trajectory is not None else None

    @property
    def current_step(self) -> str | None:
        """The step that a reader wants to see first."""
        open_now = {step.step for step in self.steps}
        return next((step for step in _SEEN_FIRST if step in open_now), None)


def _opened(step: OpenStep) -> tuple[datetime, str]:
    return step.since, step.key


def lead_of(case: Case) -> Party:
    """The case lead. Every opened case has one."""
    if case.lead is None:
        raise Refused("CASE_NOT_OPENED", "the case has no lead before it is opened")
    return case.lead


def trajectory_of(case: Case) -> Trajectory:
    """What runs with the organisation. The guards of the state come first."""
    if case.trajectory is None:
        raise Refused("NO_TRAJECTORY", "no organisation has accepted the case")
    return case.trajectory


def agreement_of(case: Case) -> Agreement:
    """The agreement in force. The guards of the state come first."""
    if case.match is None or case.match.agreement is None:
        raise Refused("NO_AGREEMENT", "no agreement is in force")
    return case.match.agreement


def referral_of(case: Case) -> str:
    """The referral that the case is with an organisation by. The guards of the state come first."""
    if case.referral is None:
        raise Refused("NO_REFERRAL", "no referral is with an organisation")
    return case.referral.referral


def with_reported(case: Case, *keys: tuple[str, str, datetime]) -> Case:
    """The case whose trajectory remembers more reports; the same where no trajectory runs."""
    if (now := case.trajectory) is None:
        return case
    return replace(case, trajectory=replace(now, reported=now.reported | keys))


def with_silence(case: Case, due: Deadline | UnsetType | None) -> Case:
    """The case whose pair is to meet by then, None: by no day; the same where nothing is said of it."""
    if due is UNSET or (now := case.trajectory) is None:
        return case
    return replace(case, trajectory=replace(now, silence=due))
