"""Every command that a case takes, and the rule that decides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.casefile.domain import (
    answering,
    correcting,
    deadlines,
    escalation,
    follow_up,
    handback,
    intake,
    matching,
    mentoring,
    opening,
    people,
    reviews,
    trajectory,
    withdrawal,
)
from services.casefile.domain.case import Context
from services.casefile.domain.transitions import evolve
from services.chassis.modelling.decider import Command

_TAKEN_IN: dict[type[Command], Callable[[Any, Context], list[Any]]] = {
    opening.TakeSubmission: opening.take_submission,
    answering.TakeProgress: answering.take_progress,
    answering.TakeAcceptance: answering.take_acceptance,
    answering.TakeReturn: answering.take_return,
    answering.TakeNote: answering.take_note,
    answering.TakeReminder: answering.take_reminder,
    withdrawal.TakeWithdrawal: withdrawal.take_withdrawal,
    deadlines.RemindDeadline: deadlines.remind_deadline,
    deadlines.PassDeadline: deadlines.pass_deadline,
}
"""What messages and the clock bring: nobody gives it on the case, though somebody may have acted elsewhere."""

_GIVEN: dict[type[Command], Callable[[Any, Context], list[Any]]] = {
    intake.LogContactAttempt: intake.log_contact_attempt,
    intake.ReportNoShow: intake.report_no_show,
    intake.ConcludeIntake: intake.conclude_intake,
    matching.ProposeMatch: matching.propose_match,
    matching.ConfirmMatch: matching.confirm_match,
    matching.RejectMatch: matching.reject_match,
    matching.SignAgreement: matching.sign_agreement,
    mentoring.RecordMeeting: mentoring.record_meeting,
    mentoring.RecordCheckIn: mentoring.record_check_in,
    mentoring.RecordPulse: mentoring.record_pulse,
    mentoring.ReportProgress: mentoring.report_progress,
    trajectory.ExtendAgreement: trajectory.extend_agreement,
    trajectory.DecideExtension: trajectory.decide_extension,
    trajectory.Suspend: trajectory.suspend,
    trajectory.Resume: trajectory.resume,
    reviews.ReviewSuspension: reviews.review_suspension,
    escalation.ResolveEscalation: escalation.resolve_escalation,
    trajectory.EndMatch: trajectory.end_match,
    trajectory.CompleteTrajectory: trajectory.complete_trajectory,
    handback.RequestHandback: handback.request_handback,
    handback.ReturnHandback: handback.return_handback,
    handback.AcceptHandback: handback.accept_handback,
    follow_up.Close: follow_up.close,
    follow_up.Reopen: follow_up.reopen,
    follow_up.RecordOutcome: follow_up.record_outcome,
    follow_up.WaiveOutcome: follow_up.waive_outcome,
    people.ReassignCounsellor: people.reassign_counsellor,
    people.ReassignCoordinator: people.reassign_coordinator,
    people.Correct: correcting.correct,
}
"""What somebody gives on the case itself."""


def decide(command: Command, context: Context) -> list[Any]:
    """What follows from a command for the case's own stream, and for a mentor's; Refused where a rule says no."""
    decided = _decided(command, context)
    # A repeat changes nothing; a term may have been missed before there was anybody to be asked.
    if not decided and not isinstance(command, deadlines.PassDeadline):
        return decided
    return escalation.followed(decided, context, evolve)


def _decided(command: Command, context: Context) -> list[Any]:
    if (rule := _TAKEN_IN.get(type(command))) is not None:
        return rule(command, context)
    # Who takes over by acting is responsible before the act, so that what it begins is theirs.
    first = people.takes_over(command.by, command.at, context.case)
    if first is None:
        return _GIVEN[type(command)](command, context)
    return [first, *_GIVEN[type(command)](command, replace(context, case=evolve(context.case, first)))]
