"""What is recorded while a pair meets: meetings, check-ins, pulses, progress; and the steps that run meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from msgspec import field

from contracts.casefile_codes import MenteePulseReason, MentorPulseReason, ReportOccasion, Side
from contracts.codes import Step
from services.casefile.domain.case import Agreement, Case, Context, Trajectory
from services.casefile.domain.check_ins import check_ins
from services.casefile.domain.guards import allow, check_pair, happened
from services.casefile.domain.responsibility import Awaiting, Moves, OpenStep
from services.casefile.domain.terms import day_of, deadline, start_of, until
from services.chassis.modelling.decider import Command, Fault, Refused


class RecordMeeting(Command, frozen=True, kw_only=True):
    """Mentor and mentee met."""

    occurred_at: datetime | None = None
    minutes: int | None = None
    mode: str | None = None
    topics: tuple[str, ...] = ()


class RecordCheckIn(Command, frozen=True, kw_only=True):
    """The coordinator spoke with the pair, or with the sides named."""

    occurred_at: datetime | None = None
    mode: str | None = None
    sides: tuple[str, ...] = (Side.MENTOR.value, Side.MENTEE.value)


class RecordPulse(Command, frozen=True, kw_only=True):
    """How a side feels, 1 to 5, with what weighs on it."""

    side: str
    score: int
    reasons: tuple[str, ...] = ()
    occurred_at: datetime | None = None


class ReportProgress(Command, frozen=True, kw_only=True):
    """Tell the counsellor how far the goals have come (-, =, +) and what comes next."""

    progress: dict[str, str] = field(default_factory=dict)
    next_step: str | None = None
    occasion: str = ReportOccasion.SCHEDULED.value
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingRecorded:
    """Mentor and mentee met."""

    happened_at: datetime
    minutes: int | None
    mode: str | None
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInRecorded(Moves):
    """The coordinator spoke with the pair; the next check-in is due as renewed."""

    happened_at: datetime
    mode: str | None
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseRecorded:
    """How one side feels about the match, 1 (bad) to 5 (good), and what weighs."""

    happened_at: datetime
    side: str
    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReported(Moves):
    """Feedback to the counsellor: progress per goal (-, =, +) and the next step, as codes."""

    happened_at: datetime
    occasion: str
    progress: dict[str, str]
    next_step: str | None


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


# --- reports --------------------------------------------------------------------------------------------------------


def record_meeting(command: RecordMeeting, context: Context) -> list[Any]:
    """Records a meeting that was held within the agreement; the same instant twice is one meeting."""
    allow("record-meeting", context, command.by)
    agreement = agreement_of(context.case)
    when = happened(command.occurred_at, command.at, not_before=context.case.opened_at)
    if not agreement.start <= day_of(context.terms, when) <= agreement.end:
        raise Refused.input(
            Fault(
                "/occurredAt",
                "OUTSIDE_AGREEMENT",
                f"a mentor acts within the agreement, from {agreement.start} to {agreement.end}",
            )
        )
    if command.minutes is not None and command.minutes < 1:
        raise Refused.input(Fault("/minutes", "NOT_POSITIVE", "a meeting lasts at least a minute"))
    if ("MEETING", "", when) in trajectory_of(context.case).reported:
        return []
    return [MeetingRecorded(happened_at=when, minutes=command.minutes, mode=command.mode, topics=command.topics)]


def record_check_in(command: RecordCheckIn, context: Context) -> list[Any]:
    """Records a check-in. It settles the one that it is nearest to, and those before it; the next one stays due."""
    allow("record-check-in", context, command.by)
    agreement = agreement_of(context.case)
    when = happened(command.occurred_at, command.at, not_before=agreement.signed_at)
    if ("CHECK_IN", "", when) in trajectory_of(context.case).reported:
        return []
    trajectory = trajectory_of(context.case)
    trajectory = replace(trajectory, reported=trajectory.reported | {(Step.CHECK_IN.value, "", when)})
    moves = check_ins(context, agreement, trajectory, command.at)
    return [
        CheckInRecorded(
            happened_at=when,
            mode=command.mode,
            sides=command.sides,
            closes=moves.closes,
            opens=moves.opens,
            renews=moves.renews,
        )
    ]


def record_pulse(command: RecordPulse, context: Context) -> list[Any]:
    """Records a pulse of one side, with reasons of that side's list."""
    allow("record-pulse", context, command.by)
    check_pair(command.side, command.by)
    if not 1 <= command.score <= 5:
        raise Refused.input(Fault("/score", "OUT_OF_RANGE", "a pulse is 1, 2, 3, 4 or 5"))
    known = set(MentorPulseReason) if command.side == Side.MENTOR else set(MenteePulseReason)
    if faults := [
        Fault(
            f"/reasons/{place}", "UNKNOWN_CODE", f"not a pulse reason of the {command.side.lower()}", rests_on=("/by",)
        )
        for place, reason in enumerate(command.reasons)
        if reason not in known
    ]:
        raise Refused.input(*faults)
    when = happened(command.occurred_at, command.at, not_before=agreement_of(context.case).signed_at)
    if ("PULSE", command.side, when) in trajectory_of(context.case).reported:
        return []
    return [PulseRecorded(happened_at=when, side=command.side, score=command.score, reasons=command.reasons)]


def report_progress(command: ReportProgress, context: Context) -> list[Any]:
    """Reports progress; a report of a material change leaves the scheduled one due."""
    allow("report-progress", context, command.by)
    trajectory = trajectory_of(context.case)
    if faults := [
        Fault(f"/progress/{goal}", "GOAL_UNKNOWN", "not a goal of the intake")
        for goal in command.progress
        if goal not in trajectory.goals
    ]:
        raise Refused.input(*faults)
    when = happened(command.occurred_at, command.at, not_before=trajectory.accepted_at)
    if ("PROGRESS", command.occasion, when) in trajectory.reported:
        return []
    return [
        ProgressReported(
            happened_at=when,
            occasion=command.occasion,
            progress=command.progress,
            next_step=command.next_step,
            closes=(Step.PROGRESS_REPORT.value,) if command.occasion == ReportOccasion.SCHEDULED else (),
        )
    ]


# --- the steps of mentoring -----------------------------------------------------------------------------------------


def mentoring_steps(context: Context, agreement: Agreement, since: datetime) -> tuple[OpenStep, ...]:
    """The steps that run from the signature, or again after a pause: the pair's work, and the next check-in."""
    trajectory = replace(trajectory_of(context.case), resumed_at=since)
    return (mentoring_step(context, agreement, since), *check_ins(context, agreement, trajectory, since).opens)


def mentoring_step(context: Context, agreement: Agreement, since: datetime) -> OpenStep:
    """The step that the coordinator answers for until the agreement ends."""
    end = until(context.terms, "AGREEMENT_END", since, agreement.end)
    waits = Awaiting(org=context.case.agency, action="decide-extension") if agreement.proposed_end is not None else None
    owner = trajectory_of(context.case).coordinator
    return OpenStep(step=Step.MENTORING.value, owner=owner, since=since, deadlines=(end,), awaiting=waits)


def progress_step(context: Context, agreement: Agreement, since: datetime) -> OpenStep:
    """The coordinator's step to report progress: in month three, or at the end of an agreement that ends before."""
    due = deadline(context.terms, Step.PROGRESS_REPORT, start_of(context.terms, agreement.start))
    if day_of(context.terms, due.due_at) > agreement.end:
        due = until(context.terms, Step.PROGRESS_REPORT, since, agreement.end)
    owner = trajectory_of(context.case).coordinator
    return OpenStep(step=Step.PROGRESS_REPORT.value, owner=owner, since=since, deadlines=(due,))
