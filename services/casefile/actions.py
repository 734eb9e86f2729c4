"""One row for each command on a case: its route, who may give it and when, what decides it, what refuses it.

Routes, OpenAPI, the table of access, the actions that an answer offers, what moves a step of the worklist on, and the
choice of the decision derive from the rows. Commands without a row, and who sends them, are in OTHER_COMMANDS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from contracts.codes import CaseState, Step
from contracts.fields import NothingBody
from contracts.staff import COORDINATORS, COUNSELLORS, MENTORS, ORGANISATION_LEADS
from services.casefile import stamping
from services.casefile.action_rows import (
    AGENCY,
    EITHER,
    EVERY_STATE,
    FROM_MATCHING,
    MENTEES,
    ORGANISATION,
    UNTIL_FINALISED,
    Action,
    Decide,
)
from services.casefile.domain import (
    agreement,
    broadcast,
    case,
    charter_change,
    closing,
    consent_withdrawal,
    correction,
    corrections_of_reports,
    deadlines,
    escalation,
    exceptions,
    extension,
    gaps,
    handback,
    intake,
    matching,
    mentoring,
    opening,
    outcomes,
    people,
    proposals,
    referral_answers,
    suspension,
    tasks,
    trajectory_end,
)
from services.casefile.domain.case import CaseEvent
from services.casefile.domain.context import Context, Rule
from services.casefile.domain.state import WITH_ORGANISATION
from services.casefile.routes import change_shapes, gap_shapes, requests, task_shapes
from services.casefile.worklist import CHANGE_DECISION, COORDINATOR_HANDOVER, COUNSELLOR_HANDOVER, GAP_ACTION
from services.chassis.modelling.decider import Command, To

C = TypeVar("C", bound=Command)

# fmt: off
_ROWS: Final[tuple[Action[Any, Any], ...]] = (
    Action(name="log-contact-attempt", summary="Log an attempt to reach the person.",
           request=requests.ContactAttemptBody, command=intake.LogContactAttempt, decide=intake.log_contact_attempt,
           side=ORGANISATION, states={CaseState.INTAKE}, roles=COORDINATORS, steps={Step.FIRST_CONTACT},
           refuses={"IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY"}),
    Action(name="report-no-show", summary="Report that the person did not come.",
           request=requests.ReportBody, command=intake.ReportNoShow, decide=intake.report_no_show,
           side=ORGANISATION, states={CaseState.INTAKE}, roles=COORDINATORS, steps={Step.FIRST_CONTACT, Step.INTAKE},
           refuses={"IN_THE_FUTURE", "NO_REFERRAL", "NO_TRAJECTORY", "TOO_EARLY"}),
    Action(name="conclude-intake", summary="Conclude the intake.",
           request=requests.ConcludeIntakeBody, command=intake.ConcludeIntake, decide=intake.conclude_intake,
           build=stamping.conclude_intake,
           side=ORGANISATION, states={CaseState.INTAKE}, roles=COORDINATORS, steps={Step.INTAKE},
           refuses={"GOAL_REQUIRED", "IN_THE_FUTURE", "NOT_EXPECTED", "NO_REFERRAL", "NO_TRAJECTORY", "TOO_EARLY",
                    "UNKNOWN_CODE"}),
    Action(name="propose-match", summary="Propose a mentor.",
           request=requests.ProposeMatchBody, command=matching.ProposeMatch, decide=matching.propose_match,
           build=stamping.propose_match,
           side=ORGANISATION, states={CaseState.MATCHING}, roles=COORDINATORS, steps={Step.MATCHING},
           refuses={"CONFLICT_OF_INTEREST", "MENTOR_AT_CAPACITY", "MENTOR_NOT_READY", "NOT_THE_MENTORS_KIND",
                    "NO_TRAJECTORY", "PROFESSIONAL_RECOMMENDED", "SECTOR_CRITERION", "UNKNOWN_MENTOR"}),
    Action(name="confirm-match", summary="Accept a proposed match, for one side.",
           request=requests.ConfirmMatchBody, command=matching.ConfirmMatch, decide=matching.confirm_match,
           build=stamping.confirm_match,
           side=ORGANISATION, states={CaseState.MATCH_PROPOSED}, roles=COORDINATORS | MENTORS | MENTEES,
           steps={Step.MATCH_CONFIRMATION},
           refuses={"IN_THE_FUTURE", "NOT_EXPECTED", "NOT_YOUR_SIDE", "NO_TRAJECTORY", "TOO_EARLY", "UNKNOWN_CODE"}),
    Action(name="reject-match", summary="Reject a proposed match, for one side.",
           request=requests.RejectMatchBody, command=matching.RejectMatch, decide=matching.reject_match,
           build=stamping.reject_match,
           side=ORGANISATION, states={CaseState.MATCH_PROPOSED}, roles=COORDINATORS | MENTORS | MENTEES,
           steps={Step.MATCH_CONFIRMATION, Step.AGREEMENT},
           refuses={"IN_THE_FUTURE", "NOT_EXPECTED", "NOT_YOUR_SIDE", "NO_TRAJECTORY", "TOO_EARLY", "UNKNOWN_CODE"}),
    Action(name="sign-agreement", summary="Sign the mentoring agreement.",
           request=requests.SignAgreementBody, command=agreement.SignAgreement, decide=agreement.sign_agreement,
           build=stamping.sign_agreement,
           side=ORGANISATION, states={CaseState.MATCH_PROPOSED}, roles=COORDINATORS, steps={Step.AGREEMENT},
           refuses={"AFTER_LAST_DAY", "AGREEMENT_TOO_LONG", "BEFORE_START", "CHARTER_NOT_ACKNOWLEDGED",
                    "CHARTER_NOT_IN_FORCE",
                    "CHARTER_NOT_SIGNED", "COORDINATOR_ABSENT", "EXPECTATIONS_MISSING", "IN_THE_FUTURE",
                    "MENTOR_NOT_READY", "NORM_TOO_LOW", "NOT_CONFIRMED", "NO_MATCH", "NO_TRAJECTORY", "TOO_EARLY"}),
    Action(name="record-meeting", summary="Record a meeting of mentor and mentee.",
           request=requests.MeetingBody, command=mentoring.RecordMeeting, decide=mentoring.record_meeting,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS | MENTORS, steps={Step.MENTORING},
           refuses={"IN_THE_FUTURE", "NOT_POSITIVE", "NO_AGREEMENT", "NO_TRAJECTORY", "OUTSIDE_AGREEMENT",
                    "TOO_EARLY"}),
    Action(name="record-check-in", summary="Record a check-in of the coordinator.",
           request=requests.CheckInBody, command=mentoring.RecordCheckIn, decide=mentoring.record_check_in,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS, steps={Step.CHECK_IN},
           refuses={"IN_THE_FUTURE", "NO_AGREEMENT", "NO_TRAJECTORY", "TOO_EARLY"}),
    Action(name="record-pulse", summary="Record how one side of a match feels.",
           request=requests.PulseBody, command=mentoring.RecordPulse, decide=mentoring.record_pulse,
           build=stamping.record_pulse,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS | MENTORS | MENTEES,
           refuses={"IN_THE_FUTURE", "NOT_YOUR_SIDE", "NO_AGREEMENT", "NO_TRAJECTORY", "OUT_OF_RANGE", "TOO_EARLY",
                    "UNKNOWN_CODE"}),
    Action(name="report-progress", summary="Report progress to the counsellor.",
           request=requests.ProgressBody, command=mentoring.ReportProgress, decide=mentoring.report_progress,
           # A pause is a material change, and the report that fell due before it stays due.
           side=ORGANISATION, states={CaseState.MENTORING, CaseState.SUSPENDED}, roles=COORDINATORS,
           steps={Step.PROGRESS_REPORT},
           refuses={"GOAL_UNKNOWN", "IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY"}),
    Action(name="extend-agreement", summary="Propose a later end.",
           request=requests.ExtendBody, command=extension.ExtendAgreement, decide=extension.extend_agreement,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS, steps={Step.MENTORING},
           refuses={"EXTENDED_BEFORE", "EXTENSION_OUT_OF_RANGE", "NOT_EXPECTED", "NO_AGREEMENT", "NO_REFERRAL",
                    "NO_TRAJECTORY"}),
    Action(name="decide-extension", summary="Approve or refuse a later end, and say why.",
           request=requests.DecideExtensionBody, command=extension.DecideExtension, decide=extension.decide_extension,
           build=stamping.decide_extension,
           side=AGENCY, states={CaseState.MENTORING, CaseState.SUSPENDED}, roles=COUNSELLORS, steps={Step.MENTORING},
           refuses={"NOTHING_PROPOSED", "NO_AGREEMENT", "NO_TRAJECTORY"}),
    Action(name="record-task", summary="Record a task, as far as the charter of roles allows it.",
           request=task_shapes.RecordTaskBody, command=tasks.RecordTask, decide=tasks.record_task,
           build=stamping.record_task,
           side=EITHER, states={CaseState.MENTORING}, roles=COUNSELLORS | COORDINATORS | MENTORS,
           refuses={"APPROVAL_REQUIRED", "CHARTER_NOT_SIGNED", "DUPLICATE_RESPONSIBILITY", "IN_THE_FUTURE",
                    "NOT_POSITIVE", "NOT_YOUR_SIDE", "NO_AGREEMENT", "NO_MATCH", "NO_TRAJECTORY", "OUTSIDE_AGREEMENT",
                    "TASK_REFUSED_BY_CHARTER", "TOO_EARLY", "UNKNOWN_CODE"}),
    Action(name="approve-task", summary="Approve a task that a role may only support.",
           request=task_shapes.TaskBody, command=tasks.ApproveTask, decide=tasks.approve_task,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS,
           refuses={"CHARTER_NOT_SIGNED", "NOTHING_TO_APPROVE", "NO_MATCH", "NO_TRAJECTORY",
                    "TASK_REFUSED_BY_CHARTER", "UNKNOWN_CODE"}),
    Action(name="claim-task", summary="Take the lead of a kind of task.",
           request=task_shapes.ClaimTaskBody, command=tasks.ClaimTask, decide=tasks.claim_task,
           build=stamping.claim_task,
           side=EITHER, states={CaseState.MENTORING}, roles=COUNSELLORS | COORDINATORS | MENTORS,
           refuses={"CHARTER_NOT_SIGNED", "DUPLICATE_RESPONSIBILITY", "NOT_YOUR_SIDE", "NO_MATCH",
                    "TASK_REFUSED_BY_CHARTER", "UNKNOWN_CODE"}),
    Action(name="release-task", summary="Give up the lead of a kind of task.",
           request=task_shapes.TaskBody, command=tasks.ReleaseTask, decide=tasks.release_task,
           side=EITHER, states={CaseState.MENTORING}, roles=COUNSELLORS | COORDINATORS | MENTORS,
           refuses={"NOT_THE_HOLDER"}),
    Action(name="acknowledge-charter", summary="Acknowledge the charter that has come to govern the match.",
           request=task_shapes.AcknowledgeCharterBody, command=charter_change.AcknowledgeCharter,
           decide=charter_change.acknowledge_charter, build=stamping.acknowledge_charter,
           side=ORGANISATION, states={CaseState.MENTORING, CaseState.SUSPENDED}, roles=COORDINATORS | MENTORS,
           steps={Step.CHARTER_ACKNOWLEDGEMENT},
           refuses={"CHARTER_NOT_IN_FORCE", "IN_THE_FUTURE", "NOTHING_TO_ACKNOWLEDGE", "NOT_EXPECTED", "NOT_YOUR_SIDE",
                    "NO_TRAJECTORY", "TOO_EARLY", "UNKNOWN_CODE"}),
    Action(name="request-exception", summary="Ask for a one-off exception from the charter, or from a rule.",
           request=task_shapes.RequestExceptionBody, command=exceptions.RequestException,
           decide=exceptions.request_exception, build=stamping.request_exception,
           side=ORGANISATION, states=FROM_MATCHING, roles=COORDINATORS | MENTORS,
           refuses={"CHARTER_NOT_SIGNED", "NOT_EXPECTED", "UNKNOWN_CODE"}),
    Action(name="decide-exception", summary="Grant or deny an exception, as the lead of the organisation.",
           request=task_shapes.DecideExceptionBody, command=exceptions.DecideException,
           decide=exceptions.decide_exception, build=stamping.decide_exception,
           side=ORGANISATION, states=FROM_MATCHING, roles=ORGANISATION_LEADS,
           refuses={"EXCEPTION_DECIDED", "UNKNOWN_EXCEPTION"}),
    Action(name="propose-change", summary="Propose a change, on which the agency decides.",
           request=change_shapes.ProposeChangeBody, command=proposals.ProposeChange, decide=proposals.propose_change,
           side=ORGANISATION, states=WITH_ORGANISATION, roles=COORDINATORS,
           refuses={"EXTENDED_BEFORE", "EXTENSION_OUT_OF_RANGE", "NOT_EXPECTED", "NO_AGREEMENT", "NO_REFERRAL",
                    "NO_TRAJECTORY", "UNKNOWN_CODE"}),
    Action(name="decide-change", summary="Approve or reject a change, and say why.",
           request=change_shapes.DecideChangeBody, command=proposals.DecideChange, decide=proposals.decide_change,
           build=stamping.decide_change,
           side=AGENCY, states=WITH_ORGANISATION, roles=COUNSELLORS, steps={CHANGE_DECISION},
           refuses={"NOTHING_PROPOSED", "NO_AGREEMENT", "NO_TRAJECTORY", "PROPOSAL_DECIDED", "PROPOSAL_UNKNOWN"}),
    Action(name="withdraw-change", summary="Take a proposal back.",
           request=change_shapes.WithdrawChangeBody, command=proposals.WithdrawChange,
           decide=proposals.withdraw_change,
           side=ORGANISATION, states=WITH_ORGANISATION, roles=COORDINATORS,
           refuses={"NOTHING_PROPOSED", "NO_TRAJECTORY", "PROPOSAL_DECIDED", "PROPOSAL_UNKNOWN"}),
    Action(name="suspend", summary="Pause the trajectory.",
           request=requests.SuspendBody, command=suspension.Suspend, decide=suspension.suspend,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS,
           refuses={"IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY"}),
    Action(name="resume", summary="Resume the trajectory.",
           request=requests.ReportBody, command=suspension.Resume, decide=suspension.resume,
           side=ORGANISATION, states={CaseState.SUSPENDED}, roles=COORDINATORS, steps={Step.SUSPENSION_REVIEW},
           refuses={"IN_THE_FUTURE", "NO_AGREEMENT", "NO_TRAJECTORY", "SUSPENSION_TOO_LONG", "TOO_EARLY"}),
    Action(name="review-suspension", summary="Record that the pause was reviewed.",
           request=requests.ReportBody, command=suspension.ReviewSuspension, decide=suspension.review_suspension,
           side=ORGANISATION, states={CaseState.SUSPENDED}, roles=COORDINATORS, steps={Step.SUSPENSION_REVIEW},
           refuses={"IN_THE_FUTURE", "NO_TRAJECTORY", "SUSPENSION_TOO_LONG", "TOO_EARLY"}),
    Action(name="raise-escalation", summary="Ask somebody to see to the case.",
           request=requests.RaiseEscalationBody, command=escalation.RaiseEscalation,
           decide=escalation.raise_escalation,
           side=EITHER, states=WITH_ORGANISATION, roles=COUNSELLORS | COORDINATORS | MENTORS | MENTEES,
           refuses={"CASE_NOT_OPENED"}),
    Action(name="resolve-escalation", summary="Say what was done about what somebody was asked to see to.",
           request=requests.ResolveEscalationBody, command=escalation.ResolveEscalation,
           decide=escalation.resolve_escalation,
           side=EITHER, states=UNTIL_FINALISED, roles=COUNSELLORS | COORDINATORS, steps={Step.ESCALATION},
           refuses={"ESCALATION_OF_THE_OTHER_SIDE", "ESCALATION_RESOLVED", "ESCALATION_UNKNOWN",
                    "NOTHING_ESCALATED", "REQUIRED"}),
    Action(name="end-match", summary="End the match.",
           request=requests.EndMatchBody,
           command=trajectory_end.EndMatch, decide=trajectory_end.end_match, build=stamping.end_match,
           side=ORGANISATION, states={CaseState.MENTORING, CaseState.SUSPENDED}, roles=COORDINATORS,
           steps={Step.MENTORING, Step.SUSPENSION_REVIEW},
           refuses={"CLOSURE_TALK_MISSING", "IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY", "UNKNOWN_CODE"}),
    Action(name="complete-trajectory", summary="End the trajectory.",
           request=requests.CompleteBody,
           command=trajectory_end.CompleteTrajectory, decide=trajectory_end.complete_trajectory,
           side=ORGANISATION, states={CaseState.MENTORING, CaseState.SUSPENDED}, roles=COORDINATORS,
           steps={Step.MENTORING},
           refuses={"CLOSURE_TALK_MISSING", "IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY"}),
    Action(name="request-handback", summary="Hand the case back, with a report.",
           request=requests.RequestHandbackBody, command=handback.RequestHandback, decide=handback.request_handback,
           side=ORGANISATION, states=WITH_ORGANISATION, roles=COORDINATORS,
           steps={Step.MATCHING, Step.SUSPENSION_REVIEW, Step.HANDBACK_REPORT},
           refuses={"GOAL_UNKNOWN", "HANDBACK_AWAITS_AGENCY", "NO_REFERRAL", "NO_TRAJECTORY", "OUTCOME_PER_GOAL"}),
    Action(name="accept-handback", summary="Take the case back, and with it the responsibility.",
           request=requests.AcceptHandbackBody, command=handback.AcceptHandback, decide=handback.accept_handback,
           side=AGENCY, states={CaseState.HANDBACK_REQUESTED}, roles=COUNSELLORS,
           steps={Step.ESCALATION, Step.HANDBACK_ACKNOWLEDGEMENT},
           refuses={"CASE_NOT_OPENED", "NEED_UNANSWERED", "NEED_UNKNOWN", "NOT_CLOSING", "NO_REFERRAL",
                    "NO_TRAJECTORY", "UNKNOWN_CODE"}),
    Action(name="return-handback", summary="Return the report, and say what it lacks.",
           request=requests.ReturnHandbackBody, command=handback.ReturnHandback, decide=handback.return_handback,
           side=AGENCY, states={CaseState.HANDBACK_REQUESTED}, roles=COUNSELLORS,
           steps={Step.HANDBACK_ACKNOWLEDGEMENT},
           refuses={"NO_REFERRAL", "NO_TRAJECTORY", "RETURNED_BEFORE"}),
    Action(name="close", summary="Close the case.",
           request=requests.CloseBody, command=closing.Close, decide=closing.close,
           side=AGENCY, states={CaseState.OPENED}, roles=COUNSELLORS, steps={Step.NEXT_SERVICE},
           refuses={"CASE_NOT_OPENED", "REFERRAL_LIVE"}),
    Action(name="reopen", summary="Open a closed case again.",
           request=NothingBody, command=closing.Reopen, decide=closing.reopen,
           side=AGENCY, states={CaseState.CLOSED}, roles=COUNSELLORS,
           refuses={"CASE_NOT_OPENED", "CONCURRENT_PROGRAMME", "REOPEN_TERM_PASSED"}),
    Action(name="record-outcome", summary="Record what became of the person.",
           request=requests.OutcomeBody, command=outcomes.RecordOutcome, decide=outcomes.record_outcome,
           side=AGENCY, states={CaseState.CLOSED}, roles=COUNSELLORS, steps={Step.OUTCOME_FOLLOW_UP},
           refuses={"IN_THE_FUTURE", "NOT_CLOSED", "OUTCOME_NOT_DUE", "OUTCOME_SETTLED", "TOO_EARLY", "UNKNOWN_CODE"}),
    Action(name="waive-outcome", summary="Waive a follow-up.",
           request=requests.WaiveOutcomeBody, command=outcomes.WaiveOutcome, decide=outcomes.waive_outcome,
           side=AGENCY, states={CaseState.CLOSED}, roles=COUNSELLORS, steps={Step.OUTCOME_FOLLOW_UP},
           refuses={"NOT_CLOSED", "OUTCOME_NOT_DUE", "OUTCOME_SETTLED", "UNKNOWN_CODE"}),
    Action(name="report-gap", summary="Report that a public service falls short.",
           request=gap_shapes.ReportGapBody, command=gaps.ReportGap, decide=gaps.report_gap,
           build=stamping.report_gap,
           side=ORGANISATION, states=WITH_ORGANISATION, roles=COORDINATORS | MENTORS,
           refuses={"CASE_NOT_OPENED", "CHARTER_NOT_SIGNED", "IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY",
                    "UNKNOWN_CODE"}),
    Action(name="answer-gap", summary="Answer gaps in services: what is done by when, or why nothing is.",
           request=gap_shapes.AnswerGapBody, command=gaps.AnswerGap, decide=gaps.answer_gap,
           build=stamping.answer_gap,
           # Every state that can have an open gap: a case is not finalised before.
           side=AGENCY, states=UNTIL_FINALISED, roles=COUNSELLORS, steps={Step.SERVICE_GAP_ANSWER},
           refuses={"GAPS_UNLIKE", "GAP_ANSWERED", "GAP_UNKNOWN", "IN_THE_PAST", "NOT_EXPECTED",
                    "NO_GAP"}),
    Action(name="complete-gap-action", summary="Record that what was answered to a gap is done.",
           request=gap_shapes.CompleteGapActionBody, command=gaps.CompleteGapAction, decide=gaps.complete_gap_action,
           side=AGENCY, states=EVERY_STATE, roles=COUNSELLORS, steps={GAP_ACTION},
           refuses={"GAP_UNKNOWN", "IN_THE_FUTURE", "NOTHING_PROMISED", "TOO_EARLY"}),
    Action(name="reassign-counsellor", summary="Ask a counsellor to take the lead, or take it over.",
           request=requests.ReassignCounsellorBody, command=people.ReassignCounsellor,
           decide=people.reassign_counsellor,
           side=AGENCY, states=UNTIL_FINALISED, roles=COUNSELLORS, steps={COUNSELLOR_HANDOVER},
           refuses={"CASE_NOT_OPENED"}),
    Action(name="reassign-coordinator", summary="Ask a coordinator to take over, or take over the coordination.",
           request=requests.ReassignCoordinatorBody, command=people.ReassignCoordinator,
           decide=people.reassign_coordinator,
           side=ORGANISATION, states=WITH_ORGANISATION, roles=COORDINATORS, steps={COORDINATOR_HANDOVER},
           refuses={"NO_TRAJECTORY"}),
    Action(name="correct", summary="Correct an event: it stays, and the correction stands beside it.",
           request=requests.CorrectBody,
           command=correction.Correct, decide=corrections_of_reports.correct, build=stamping.correct,
           side=EITHER, states=EVERY_STATE, roles=COUNSELLORS | COORDINATORS,
           refuses={"APPROVAL_REQUIRED", "CHARTER_NOT_SIGNED", "CLIENT_MUST_AGREE", "DUPLICATE_RESPONSIBILITY",
                    "GOAL_UNKNOWN", "IN_THE_FUTURE", "IN_THE_PAST", "NOT_CLOSED", "NOT_POSITIVE", "NOT_REPORTED",
                    "NOT_YOUR_SIDE", "NO_AGREEMENT", "NO_MATCH", "NO_REFERRAL", "NO_TRAJECTORY", "OUTCOME_NOT_DUE",
                    "OUTCOME_SETTLED", "OUTSIDE_AGREEMENT", "OUT_OF_RANGE", "REPORTED_BEFORE",
                    "TASK_REFUSED_BY_CHARTER", "TOO_EARLY", "UNKNOWN_CODE", "UNKNOWN_EVENT"}),
)
# fmt: on
ACTIONS: Final[Mapping[str, Action[Any, Any]]] = {row.name: row for row in _ROWS}
"""The actions on a case, each by its name, in the order in which an answer offers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCommand(Generic[C]):
    """A command on a case that is no action of its own: who sends it, what decides it."""

    command: type[C]
    decide: Decide[C]
    sender: str


_MESSAGE: Final = "a reaction to a message of the referral service"
OTHER_COMMANDS: Final[tuple[OtherCommand[Any], ...]] = (
    OtherCommand(command=opening.TakeSubmission, decide=opening.take_submission, sender=_MESSAGE),
    OtherCommand(command=broadcast.TakeBroadcast, decide=broadcast.take_broadcast, sender=_MESSAGE),
    OtherCommand(command=broadcast.TakeOfferAnswer, decide=broadcast.take_offer_answer, sender=_MESSAGE),
    OtherCommand(command=broadcast.TakeOfferWon, decide=broadcast.take_offer_won, sender=_MESSAGE),
    OtherCommand(command=broadcast.TakeBroadcastEnd, decide=broadcast.take_broadcast_end, sender=_MESSAGE),
    OtherCommand(command=referral_answers.TakeProgress, decide=referral_answers.take_progress, sender=_MESSAGE),
    OtherCommand(command=referral_answers.TakeAcceptance, decide=referral_answers.take_acceptance, sender=_MESSAGE),
    OtherCommand(command=referral_answers.TakeReturn, decide=referral_answers.take_return, sender=_MESSAGE),
    OtherCommand(command=referral_answers.TakeNote, decide=referral_answers.take_note, sender=_MESSAGE),
    OtherCommand(command=referral_answers.TakeReminder, decide=referral_answers.take_reminder, sender=_MESSAGE),
    OtherCommand(command=consent_withdrawal.TakeWithdrawal, decide=consent_withdrawal.take_withdrawal, sender=_MESSAGE),
    OtherCommand(command=deadlines.RemindDeadline, decide=deadlines.remind_deadline, sender="the scheduler"),
    OtherCommand(command=deadlines.PassDeadline, decide=deadlines.pass_deadline, sender="the scheduler"),
    OtherCommand(command=charter_change.NoticeCharter, decide=charter_change.notice_charter, sender="the scheduler"),
)
"""The commands on a case that no caller gives. That a mentor is described is a command on the mentor."""

RULES: Final[Mapping[str, Rule]] = {action.name: action.rule for action in ACTIONS.values()}
"""When each is possible, for the domain's context."""
_DECISIONS: Final[Mapping[type[Command], Decide[Any]]] = {action.command: action.decide for action in ACTIONS.values()}
_TAKEN_IN: Final[Mapping[type[Command], Decide[Any]]] = {other.command: other.decide for other in OTHER_COMMANDS}


def decide(command: Command, context: Context) -> list[CaseEvent | To]:
    """What follows from a command on a case; nothing where it is so already. Raises Refused."""
    if (rule := _TAKEN_IN.get(type(command))) is not None:
        return case.take_in(rule, command, context)
    return case.decide(_DECISIONS[type(command)], command, context)


def moving_on(step: str) -> tuple[str, ...]:
    """The actions that move a step of the worklist on.

    None for a step that waits for a referral's answer: it names the referral's command itself.
    """
    return tuple(action.name for action in ACTIONS.values() if step in action.steps)
