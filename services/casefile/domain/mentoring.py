"""What is recorded while a pair meets: meetings, check-ins, pulses and progress."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec import UNSET, UnsetType, field
from msgspec.structs import replace

from contracts.casefile_codes import MenteePulseReason, MentorPulseReason, ReportOccasion, Side
from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_pair, happened
from services.casefile.domain.recurring import check_ins
from services.casefile.domain.silence import met, talked
from services.casefile.domain.state import (
    Case,
    ProgressReport,
    agreement_of,
    trajectory_of,
    with_reported,
    with_silence,
)
from services.casefile.domain.steps import Moves
from services.casefile.domain.terms import day_of
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Event, Fault, Refused


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


class MeetingRecorded(Moves, frozen=True, kw_only=True):
    """Mentor and mentee met; `silence` is until when they are to meet again."""

    happened_at: datetime
    minutes: int | None
    mode: str | None
    topics: tuple[str, ...]
    silence: Deadline | UnsetType = UNSET


class CheckInRecorded(Moves, frozen=True, kw_only=True):
    """The coordinator spoke with the pair; the next check-in is due as renewed."""

    happened_at: datetime
    mode: str | None
    sides: tuple[str, ...]
    silence: Deadline | UnsetType = UNSET


class PulseRecorded(Event, frozen=True, kw_only=True):
    """How one side feels about the match, 1 (bad) to 5 (good), and what weighs."""

    happened_at: datetime
    side: str
    score: int
    reasons: tuple[str, ...]


class ProgressReported(Moves, frozen=True, kw_only=True):
    """Feedback to the counsellor: progress per goal (-, =, +) and the next step, as codes."""

    happened_at: datetime
    occasion: str
    progress: dict[str, str]
    next_step: str | None


def record_meeting(command: RecordMeeting, context: Context) -> list[MeetingRecorded]:
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
    silence, closes = met(context, when)
    return [
        MeetingRecorded(
            happened_at=when,
            minutes=command.minutes,
            mode=command.mode,
            topics=command.topics,
            silence=silence,
            closes=closes,
        )
    ]


def record_check_in(command: RecordCheckIn, context: Context) -> list[CheckInRecorded]:
    """Records a check-in. It settles the one that it is nearest to, and those before it; the next one stays due."""
    allow("record-check-in", context, command.by)
    agreement = agreement_of(context.case)
    when = happened(command.occurred_at, command.at, not_before=agreement.signed_at)
    if ("CHECK_IN", "", when) in trajectory_of(context.case).reported:
        return []
    trajectory = trajectory_of(context.case)
    trajectory = replace(trajectory, reported=trajectory.reported | {(Step.CHECK_IN.value, "", when)})
    moves = check_ins(context, agreement, trajectory, command.at)
    silence, answered = talked(context, when)
    return [
        CheckInRecorded(
            happened_at=when,
            mode=command.mode,
            sides=command.sides,
            silence=silence,
            closes=(*moves.closes, *answered),
            opens=moves.opens,
            renews=moves.renews,
        )
    ]


def record_pulse(command: RecordPulse, context: Context) -> list[PulseRecorded]:
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


def report_progress(command: ReportProgress, context: Context) -> list[ProgressReported]:
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


MentoringEvent = MeetingRecorded | CheckInRecorded | PulseRecorded | ProgressReported


def evolve(case: Case, event: MentoringEvent) -> Case:
    """The case after an event of mentoring."""
    match event:
        case MeetingRecorded():
            return with_silence(with_reported(case, ("MEETING", "", event.happened_at)), event.silence)
        case CheckInRecorded():
            return with_silence(with_reported(case, ("CHECK_IN", "", event.happened_at)), event.silence)
        case PulseRecorded():
            return with_reported(case, ("PULSE", event.side, event.happened_at))
        case ProgressReported():
            if (now := case.trajectory) is None:
                return case
            report = ProgressReport(
                happened_at=event.happened_at,
                occasion=event.occasion,
                progress=event.progress,
                next_step=event.next_step,
            )
            reported = now.reported | {("PROGRESS", event.occasion, event.happened_at)}
            reports = now.progress_reports.plus(report)
            return replace(case, trajectory=replace(now, progress_reports=reports, reported=reported))
        case _:
            assert_never(event)
