"""The case: what decisions about it rest on, and the context at which they are taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from contracts.codes import CaseState, Step
from services.casefile.domain.known_programme import Rules
from services.casefile.domain.mentor import Mentor
from services.casefile.domain.responsibility import Party, Steps
from services.casefile.domain.terms import Deadline, Terms
from services.chassis.modelling.growing import GrowingSet, GrowingTuple


def case_stream(case: str) -> str:
    """The stream of one case."""
    return f"case-{case}"


REMINDED = "REMINDED"
MISSED = "MISSED"
"""What has fired of a deadline, in `Case.fired`."""
BEFORE_CLOSED = frozenset(CaseState) - {CaseState.CLOSED, CaseState.FINALISED}
WITH_ORGANISATION = BEFORE_CLOSED - {CaseState.OPENED, CaseState.REFERRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReferral:
    """The offer that is open, or was accepted; `deadlines` are those that the referral service told last."""

    referral: str
    organisation: str
    legal_basis: str
    recommended_mentor_kind: str | None
    deadlines: tuple[Deadline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the pair signed; `proposed_end` waits for the agency's word."""

    start: date
    end: date
    norm: int
    signed_at: datetime
    extended: bool = False
    proposed_end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A proposed mentor, on which criteria, until when an answer is due, who has confirmed, and the agreement."""

    match: str
    mentor: str
    kind: str
    proposed_at: datetime
    criteria: tuple[str, ...] = ()
    due_at: datetime | None = None
    confirmed: frozenset[str] = frozenset()
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handback:
    """The report: an outcome per goal, the needs that want an answer, and what the agency found missing."""

    closure_reason: str
    open_needs: tuple[str, ...]
    outcomes: dict[str, str] = field(default_factory=dict)
    recommended_next_step: str | None = None
    requested_at: datetime | None = None
    returned: tuple[str, ...] | None = None
    waiting_for_report: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReport:
    """What the counsellor was told: how far each goal had come (-, =, +), and what came next."""

    happened_at: datetime
    occasion: str
    progress: dict[str, str]
    next_step: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedMatch:
    """A match that is over, and why."""

    match: Match
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """The time that the person spends with an organisation, from its acceptance to the handback.

    `reported` holds (kind of report, side, instant), so that the same report twice changes nothing. `last_day` is that
    of the first agreement, or a later one that the agency approved (`extended`): another match does not move it.
    """

    coordinator: Party
    accepted_at: datetime
    goals: tuple[str, ...] = ()
    mentee_expectations: bool = False
    no_shows: int = 0
    match: Match | None = None
    last_day: date | None = None
    extended: bool = False
    suspended_for: str | None = None
    suspended_at: datetime | None = None
    suspended_until: datetime | None = None
    resumed_at: datetime | None = None
    ended_at: datetime | None = None
    closure_reason: str | None = None
    handback: Handback | None = None
    ended_matches: GrowingTuple[EndedMatch] = GrowingTuple()
    progress_reports: GrowingTuple[ProgressReport] = GrowingTuple()
    reported: GrowingSet[tuple[str, str, datetime]] = GrowingSet()


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an organisation may still see: until `expires` once its part has `ended`, nothing once `closed`."""

    referral: str
    organisation: str
    legal_basis: str
    ended: str | None = None
    expires: Deadline | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case. `state` is None before it is opened; `steps` say who is responsible.

    `taken` are the ids of the messages taken in; `consents` those legal bases that the person can withdraw;
    `errors_reported` the referrals that somebody of the agency reported as entered in error, which another person has
    to confirm, each with who did; `fired` the (kind, deadline, due time) of reminders and breaches;
    `takes_over_by_acting` whether who is asked to coordinate does so by any command; `agreed` whether a pair has
    signed an agreement since the case was referred last; `settled` the follow-ups (point, code or reason, source)
    recorded or waived since the last closing, which are counted from `followed_from`, the person's exit.
    """

    case: str = ""
    state: CaseState | None = None
    client_ref: str = ""
    agency: str = ""
    programme: str = ""
    programme_version: int = 0
    lead: Party | None = None
    asked_to_lead: Party | None = None
    asked_to_coordinate: Party | None = None
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
    steps: Steps = ()
    fired: GrowingSet[tuple[str, str, datetime]] = GrowingSet()
    accesses: GrowingTuple[Access] = GrowingTuple()
    exit_at: datetime | None = None
    close_reason: str | None = None
    reopen_until: datetime | None = None
    followed_from: datetime | None = None
    settled: GrowingTuple[tuple[str, str, str]] = GrowingTuple()
    finalise_at: datetime | None = None
    corrected: GrowingSet[tuple[str, str | None]] = GrowingSet()

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
        # That somebody sees to a missed term comes after the step that was missed.
        order = sorted(Step, key=lambda step: step == Step.ESCALATION)
        return next((step.value for step in order if step in open_now), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A report: its event's name, when what it tells of happened, and its codes, numbers and dates (as text).

    It tells of what happens as it is recorded where the time is None: a waiver, a place on the waiting list.
    """

    kind: str
    happened_at: datetime | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRef:
    """An event that a correction may name: its id as the timeline shows it, its name, and the referral it belongs to.

    Of a report, or of a correction of one: what it `said`, as corrected last, the case `before` it, and when it was
    recorded; where it came by a message about a `referral`, the id of the event there (`source_event_id`).
    """

    event: str
    name: str
    referral: str | None = None
    said: Reported | None = None
    before: Case | None = None
    recorded_at: datetime | None = None
    source_event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """The side that may act, and the states that allow it."""

    side: str
    states: frozenset[CaseState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a decision about a case rests on, at `at`: the time of the command, or of the reader.

    `rules` and `terms` are those of the programme version in force. `mentor` is the one whom a proposal names, or
    else the one of the case's match. `named_event` is the event that a correction names, None where the case has no
    such event. `since_withdrawal` are the ids of what the organisation recorded after the withdrawal that a message
    tells of. `other_open_case` is another case of the person, in whichever programme, that their agency has open; it is
    looked for where the case itself is closed. `actions` is the table of what may be done in which state; None: the one
    in `actions.py`. Another one answers what would be possible under it. `programme_version` names what is in force.
    """

    at: datetime
    case: Case
    rules: Rules
    terms: Terms
    mentor: Mentor | None = None
    named_event: EventRef | None = None
    since_withdrawal: tuple[str, ...] = ()
    actions: Mapping[str, Rule] | None = None
    other_open_case: str | None = None
    programme_version: str | None = None
