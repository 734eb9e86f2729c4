"""Which events and commands are reports, and what each reports.

Above the phases, whose reports it knows: a correction checks what holds instead by the rule of the report's own phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import assert_never

from contracts.staff import StaffSide
from contracts.waitlist import wrong_of_a_wait
from services.casefile.domain import correction
from services.casefile.domain.broadcast import OfferEntryTaken
from services.casefile.domain.context import Context
from services.casefile.domain.correction import Correct, CorrectionRecorded
from services.casefile.domain.guards import check_part
from services.casefile.domain.intake import (
    ContactAttempted,
    LogContactAttempt,
    NoShowReported,
    ReportNoShow,
    log_contact_attempt,
    report_no_show,
)
from services.casefile.domain.mentoring import (
    CheckInRecorded,
    MeetingRecorded,
    ProgressReported,
    PulseRecorded,
    RecordCheckIn,
    RecordMeeting,
    RecordPulse,
    ReportProgress,
    record_check_in,
    record_meeting,
    record_pulse,
    report_progress,
)
from services.casefile.domain.outcomes import (
    OutcomeRecorded,
    OutcomeWaived,
    RecordOutcome,
    WaiveOutcome,
    record_outcome,
    waive_outcome,
)
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.report_facts import WAIT, Fact, Reported, reported_wait
from services.casefile.domain.suspension import ReviewSuspension, SuspensionReviewed, review_suspension
from services.casefile.domain.tasks import RecordTask, TaskRecorded, record_task
from services.casefile.domain.terms import day_of
from services.chassis.modelling.decider import Command, Fault, Refused


class ReportWait(Command, frozen=True, kw_only=True):
    """Why and until when the person waits: the referral service's `waitlist`, which a correction only repeats."""

    reason: str
    expected_by: date
    client_agreed: bool


def report_wait(command: ReportWait, context: Context) -> Reported:
    """The report as it should have read on the day of the context, by the organisation that was offered the case."""
    check_part(StaffSide.ORGANISATION, context.case, command.by, "correct")
    today = day_of(context.terms, context.at)
    if wrong := wrong_of_a_wait(command.expected_by, client_agreed=command.client_agreed, today=today):
        raise Refused.input(*(Fault(*fault) for fault in wrong))
    return reported_wait(command.reason, command.expected_by)


ReportEvent = (
    ContactAttempted
    | NoShowReported
    | MeetingRecorded
    | CheckInRecorded
    | PulseRecorded
    | ProgressReported
    | TaskRecorded
    | SuspensionReviewed
    | OutcomeRecorded
    | OutcomeWaived
)


def report_of(event: object) -> Reported | None:
    """What an event reports; None for one that is not a report. What a rule has made of a report already stays that."""
    if isinstance(event, OfferEntryTaken):
        return None  # of an offer that is anonymous: its organisation has no part in the case that it could correct
    if isinstance(event, ReferralEntryTaken):
        return reported_wait(next(iter(event.codes), None), event.expected_by) if event.name == WAIT else None
    return _reported_by(event) if isinstance(event, ReportEvent) else None


def _reported_by(event: ReportEvent) -> Reported:
    match event:
        case ContactAttempted():
            return _report("ContactAttempted", event.happened_at, channel=event.channel, reached=event.reached)
        case NoShowReported():
            return _report("NoShowReported", event.happened_at)
        case MeetingRecorded():
            topics = list(event.topics)
            return _report("MeetingRecorded", event.happened_at, minutes=event.minutes, mode=event.mode, topics=topics)
        case CheckInRecorded():
            return _report("CheckInRecorded", event.happened_at, mode=event.mode, sides=list(event.sides))
        case PulseRecorded():
            reasons = list(event.reasons)
            return _report("PulseRecorded", event.happened_at, side=event.side, score=event.score, reasons=reasons)
        case ProgressReported():
            return _report(
                "ProgressReported",
                event.happened_at,
                progress=event.progress,
                next_step=event.next_step,
                occasion=event.occasion,
            )
        case TaskRecorded():
            by = {"role": event.role}
            return _report("TaskRecorded", event.happened_at, task=event.task, minutes=event.minutes, by=by)
        case SuspensionReviewed():
            return _report("SuspensionReviewed", event.happened_at)
        case OutcomeRecorded():
            return _report(
                "OutcomeRecorded",
                event.happened_at,
                point=event.point,
                code=event.code,
                source=event.source,
                level_match=event.level_match,
                progress=event.progress,
            )
        case OutcomeWaived():
            return _report("OutcomeWaived", None, point=event.point, reason=event.reason)
        case _:
            assert_never(event)


def _report(kind: str, happened_at: datetime | None, /, **facts: Fact) -> Reported:
    return Reported(kind=kind, happened_at=happened_at, facts=facts)


def correct(command: Correct, context: Context) -> list[CorrectionRecorded]:
    """Records a correction; what holds instead has to pass the rule of the report's own phase."""
    return correction.correct(command, context, _decided)


def _decided(command: Command, context: Context) -> Reported | None:
    """What a report would record, by the rule of its phase; None where it says what is known. Raises Refused."""
    decided: Sequence[object]
    match command:
        case LogContactAttempt():
            decided = log_contact_attempt(command, context)
        case ReportNoShow():
            decided = report_no_show(command, context)
        case RecordMeeting():
            decided = record_meeting(command, context)
        case RecordCheckIn():
            decided = record_check_in(command, context)
        case RecordPulse():
            decided = record_pulse(command, context)
        case ReportProgress():
            decided = report_progress(command, context)
        case RecordTask():
            decided = record_task(command, context)
        case ReviewSuspension():
            decided = review_suspension(command, context)
        case RecordOutcome():
            decided = record_outcome(command, context)
        case WaiveOutcome():
            decided = waive_outcome(command, context)
        case ReportWait():
            return report_wait(command, context)
        case _:
            msg = f"{type(command).__name__} is not a report"
            raise TypeError(msg)
    return report_of(decided[0]) if decided else None
