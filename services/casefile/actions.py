"""One row for each command on a case: its route, who may give it and when, what decides it, what refuses it.

Routes, the OpenAPI document, the table of access, the actions that an answer offers, the worklist's and the choice of
the rule that decides all derive from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from contracts.bodies import WaitlistBody
from contracts.codes import CaseState, Role, Step
from contracts.fields import Body
from services.casefile import stamping
from services.casefile.domain import (
    agreement,
    answering,
    case,
    correction,
    deadlines,
    ending,
    escalation,
    extension,
    follow_up,
    handback,
    intake,
    matching,
    mentoring,
    opening,
    people,
    reports,
    suspension,
    withdrawal,
)
from services.casefile.domain.case import CaseDecision, CaseEvent
from services.casefile.domain.context import Context, Rule
from services.casefile.domain.guards import AGENCY, EITHER, ORGANISATION
from services.casefile.domain.reported import CORRECTED_BY, Reported
from services.casefile.domain.state import BEFORE_CLOSED, WITH_ORGANISATION
from services.casefile.routes import requests as bodies
from services.casefile.stamping import Stamp
from services.casefile.worklist import COORDINATOR_HANDOVER, COUNSELLOR_HANDOVER
from services.chassis.http.problems.translation import from_validation
from services.chassis.http.response.rendering import camel
from services.chassis.modelling.decider import Command, Refused, To

B = TypeVar("B", bound=Body)
C = TypeVar("C", bound=Command)

COUNSELLORS: Final = frozenset({Role.AGENCY_COUNSELLOR, Role.AGENCY_TEAM_LEAD})
COORDINATORS: Final = frozenset({Role.NGO_COORDINATOR, Role.NGO_LEAD})
MENTORS: Final = frozenset({Role.VOLUNTEER_MENTOR, Role.PROFESSIONAL_MENTOR})
MENTEES: Final = frozenset({Role.MENTEE})
UNTIL_FINALISED: Final = BEFORE_CLOSED | {CaseState.CLOSED}
EVERY_STATE: Final = frozenset(CaseState)


@dataclass(frozen=True, slots=True)
class Action(Generic[B, C]):
    """A command on a case. `name` is the last segment of its route, `summary` what the OpenAPI document says of it.

    `build` makes the command of a body, and without it the command has the fields of the body. `side` and `states`
    are the rule that the domain enforces, `roles` those that may give it. `steps` are the steps on the worklist that
    it moves on. `refuses` are the codes that it may be refused with, beside those that every command shares.
    """

    name: str
    summary: str
    request: type[B]
    command: type[C]
    decide: Callable[[C, Context], CaseDecision]
    side: str
    states: AbstractSet[CaseState]
    roles: frozenset[Role]
    steps: tuple[str, ...]
    refuses: tuple[str, ...]
    build: Callable[[B, Stamp], C] | None = None

    def built(self, body: B, stamp: Stamp) -> C:
        """The command of a body. Raises Refused."""
        return (self.build or stamping.same_fields(self.command))(body, stamp)


def _correct(body: bodies.CorrectBody, stamp: Stamp) -> correction.Correct:
    holds = None
    if body.holds is not None and stamp.reported is not None:
        holds = _report(body.holds, stamp.reported, stamp)
    return correction.Correct(
        at=stamp.at,
        by=stamp.by,
        event=body.event,
        reason_ref=stamp.ref("correction", body.reason),
        with_holds=body.holds is not None,
        holds=holds,
    )


def _report(holds: Mapping[str, Any], reported: Reported, stamp: Stamp) -> Command:
    """The command that a report would have come by, had it read like this."""
    name, stands = CORRECTED_BY[reported.kind], _as_sent(reported)
    # A result may turn up after its point was waived, or one that was recorded turn out to be none.
    for kind, sign, other in (
        ("OutcomeWaived", "code", "record-outcome"),
        ("OutcomeRecorded", "reason", "waive-outcome"),
    ):
        if reported.kind == kind and sign in holds:
            name, stands = other, {"point": reported.facts["point"]}
    request, build = _REPORTED_ELSEWHERE.get(name) or (ACTIONS[name].request, ACTIONS[name].built)
    try:
        return build(request.model_validate({**stands, **holds}), stamp)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", "holds", *fault["loc"])} for fault in error.errors()]
        raise from_validation(RequestValidationError(faults)) from None
    except Refused as refused:
        raise Refused.input(*(fault.under("/holds") for fault in refused.faults)) from None


def _as_sent(reported: Reported) -> dict[str, Any]:
    """The body of a report that reads as it does."""
    # What an old event does not know has to be sent.
    facts = {_SENT_AS.get(name, camel(name)): value for name, value in reported.facts.items() if value is not None}
    if reported.happened_at is not None:
        facts["occurredAt"] = reported.happened_at.isoformat()
    return facts


_SENT_AS: Final[Mapping[str, str]] = {"side": "by"}
_REPORTED_ELSEWHERE: Final[Mapping[str, tuple[type[Body], Callable[[Any, Stamp], Command]]]] = {
    "waitlist": (WaitlistBody, stamping.same_fields(reports.ReportWait)),
}
"""Reports that another service takes, and this one corrects."""

# fmt: off
_ROWS: Final = (
    Action("log-contact-attempt", "Log an attempt to reach the person.",
           bodies.ContactAttemptBody, intake.LogContactAttempt, intake.log_contact_attempt,
           side=ORGANISATION, states={CaseState.INTAKE},
           roles=COORDINATORS, steps=(Step.FIRST_CONTACT,),
           refuses=("IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY")),
    Action("report-no-show", "Report that the person did not come.",
           bodies.ReportBody, intake.ReportNoShow, intake.report_no_show,
           side=ORGANISATION, states={CaseState.INTAKE},
           roles=COORDINATORS, steps=(Step.FIRST_CONTACT, Step.INTAKE),
           refuses=("IN_THE_FUTURE", "NO_REFERRAL", "NO_TRAJECTORY", "TOO_EARLY")),
    Action("conclude-intake", "Conclude the intake.",
           bodies.ConcludeIntakeBody, intake.ConcludeIntake, intake.conclude_intake, build=stamping.conclude_intake,
           side=ORGANISATION, states={CaseState.INTAKE}, roles=COORDINATORS, steps=(Step.INTAKE,),
           refuses=("GOAL_REQUIRED", "IN_THE_FUTURE", "NOT_EXPECTED", "NO_REFERRAL", "NO_TRAJECTORY", "TOO_EARLY",
                    "UNKNOWN_CODE")),
    Action("propose-match", "Propose a mentor.",
           bodies.ProposeMatchBody, matching.ProposeMatch, matching.propose_match, build=stamping.propose_match,
           side=ORGANISATION, states={CaseState.MATCHING}, roles=COORDINATORS, steps=(Step.MATCHING,),
           refuses=("CONFLICT_OF_INTEREST", "MENTOR_AT_CAPACITY", "MENTOR_NOT_READY", "NOT_THE_MENTORS_KIND",
                    "NO_TRAJECTORY", "PROFESSIONAL_RECOMMENDED", "SECTOR_CRITERION", "UNKNOWN_MENTOR")),
    Action("confirm-match", "Accept a proposed match, for one side.",
           bodies.ConfirmMatchBody, matching.ConfirmMatch, matching.confirm_match, build=stamping.confirm_match,
           side=ORGANISATION, states={CaseState.MATCH_PROPOSED},
           roles=COORDINATORS | MENTORS | MENTEES, steps=(Step.MATCH_CONFIRMATION,),
           refuses=("IN_THE_FUTURE", "NOT_EXPECTED", "NOT_YOUR_SIDE", "NO_TRAJECTORY", "TOO_EARLY",
                    "UNKNOWN_CODE")),
    Action("reject-match", "Reject a proposed match, for one side.",
           bodies.RejectMatchBody, matching.RejectMatch, matching.reject_match, build=stamping.reject_match,
           side=ORGANISATION, states={CaseState.MATCH_PROPOSED},
           roles=COORDINATORS | MENTORS | MENTEES, steps=(Step.MATCH_CONFIRMATION, Step.AGREEMENT),
           refuses=("IN_THE_FUTURE", "NOT_EXPECTED", "NOT_YOUR_SIDE", "NO_TRAJECTORY", "TOO_EARLY",
                    "UNKNOWN_CODE")),
    Action("sign-agreement", "Sign the mentoring agreement.",
           bodies.SignAgreementBody, agreement.SignAgreement, agreement.sign_agreement, build=stamping.sign_agreement,
           side=ORGANISATION, states={CaseState.MATCH_PROPOSED},
           roles=COORDINATORS, steps=(Step.AGREEMENT,),
           refuses=("AFTER_LAST_DAY", "AGREEMENT_TOO_LONG", "BEFORE_START", "CHARTER_NOT_IN_FORCE",
                    "COORDINATOR_ABSENT", "EXPECTATIONS_MISSING", "IN_THE_FUTURE", "MENTOR_NOT_READY", "NORM_TOO_LOW",
                    "NOT_CONFIRMED", "NO_MATCH", "NO_TRAJECTORY", "TOO_EARLY")),
    Action("record-meeting", "Record a meeting of mentor and mentee.",
           bodies.MeetingBody, mentoring.RecordMeeting, mentoring.record_meeting,
           side=ORGANISATION, states={CaseState.MENTORING},
           roles=COORDINATORS | MENTORS, steps=(Step.MENTORING,),
           refuses=("IN_THE_FUTURE", "NOT_POSITIVE", "NO_AGREEMENT", "NO_TRAJECTORY", "OUTSIDE_AGREEMENT",
                    "TOO_EARLY")),
    Action("record-check-in", "Record a check-in of the coordinator.",
           bodies.CheckInBody, mentoring.RecordCheckIn, mentoring.record_check_in,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS, steps=(Step.CHECK_IN,),
           refuses=("IN_THE_FUTURE", "NO_AGREEMENT", "NO_TRAJECTORY", "TOO_EARLY")),
    Action("record-pulse", "Record how one side of a match feels.",
           bodies.PulseBody, mentoring.RecordPulse, mentoring.record_pulse, build=stamping.record_pulse,
           side=ORGANISATION, states={CaseState.MENTORING},
           roles=COORDINATORS | MENTORS | MENTEES, steps=(),
           refuses=("IN_THE_FUTURE", "NOT_YOUR_SIDE", "NO_AGREEMENT", "NO_TRAJECTORY", "OUT_OF_RANGE", "TOO_EARLY",
                    "UNKNOWN_CODE")),
    Action("report-progress", "Report progress to the counsellor.",
           bodies.ProgressBody, mentoring.ReportProgress, mentoring.report_progress,
           # A pause is a material change, and the report that fell due before it stays due.
           side=ORGANISATION, states={CaseState.MENTORING, CaseState.SUSPENDED},
           roles=COORDINATORS, steps=(Step.PROGRESS_REPORT,),
           refuses=("GOAL_UNKNOWN", "IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY")),
    Action("extend-agreement", "Propose a later end.",
           bodies.ExtendBody, extension.ExtendAgreement, extension.extend_agreement,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS, steps=(Step.MENTORING,),
           refuses=("EXTENDED_BEFORE", "EXTENSION_OUT_OF_RANGE", "NO_AGREEMENT", "NO_TRAJECTORY")),
    Action("decide-extension", "Approve or refuse a later end, and say why.",
           bodies.DecideExtensionBody, extension.DecideExtension, extension.decide_extension,
           build=stamping.decide_extension,
           side=AGENCY, states={CaseState.MENTORING, CaseState.SUSPENDED},
           roles=COUNSELLORS, steps=(Step.MENTORING,),
           refuses=("NOTHING_PROPOSED", "NO_AGREEMENT", "NO_TRAJECTORY")),
    Action("suspend", "Pause the trajectory.",
           bodies.SuspendBody, suspension.Suspend, suspension.suspend,
           side=ORGANISATION, states={CaseState.MENTORING}, roles=COORDINATORS, steps=(),
           refuses=("IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY")),
    Action("resume", "Resume the trajectory.",
           bodies.ReportBody, suspension.Resume, suspension.resume,
           side=ORGANISATION, states={CaseState.SUSPENDED},
           roles=COORDINATORS, steps=(Step.SUSPENSION_REVIEW,),
           refuses=("IN_THE_FUTURE", "NO_AGREEMENT", "NO_TRAJECTORY", "SUSPENSION_TOO_LONG", "TOO_EARLY")),
    Action("review-suspension", "Record that the pause was reviewed.",
           bodies.ReportBody, suspension.ReviewSuspension, suspension.review_suspension,
           side=ORGANISATION, states={CaseState.SUSPENDED},
           roles=COORDINATORS, steps=(Step.SUSPENSION_REVIEW,),
           refuses=("IN_THE_FUTURE", "NO_TRAJECTORY", "SUSPENSION_TOO_LONG", "TOO_EARLY")),
    Action("resolve-escalation", "Say what was done about a term that the other side missed.",
           bodies.ResolveEscalationBody, escalation.ResolveEscalation, escalation.resolve_escalation,
           side=EITHER, states=WITH_ORGANISATION,
           roles=COUNSELLORS | COORDINATORS, steps=(Step.ESCALATION,),
           refuses=("ESCALATION_OF_THE_OTHER_SIDE", "NOTHING_ESCALATED")),
    Action("end-match", "End the match.",
           bodies.EndMatchBody, ending.EndMatch, ending.end_match, build=stamping.end_match,
           side=ORGANISATION, states={CaseState.MENTORING, CaseState.SUSPENDED},
           roles=COORDINATORS, steps=(Step.MENTORING, Step.SUSPENSION_REVIEW),
           refuses=("CLOSURE_TALK_MISSING", "IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY", "UNKNOWN_CODE")),
    Action("complete-trajectory", "End the trajectory.",
           bodies.CompleteBody, ending.CompleteTrajectory, ending.complete_trajectory,
           side=ORGANISATION, states={CaseState.MENTORING, CaseState.SUSPENDED},
           roles=COORDINATORS, steps=(Step.MENTORING,),
           refuses=("CLOSURE_TALK_MISSING", "IN_THE_FUTURE", "NO_TRAJECTORY", "TOO_EARLY")),
    Action("request-handback", "Hand the case back, with a report.",
           bodies.RequestHandbackBody, handback.RequestHandback, handback.request_handback,
           side=ORGANISATION, states=WITH_ORGANISATION,
           roles=COORDINATORS, steps=(Step.MATCHING, Step.SUSPENSION_REVIEW, Step.HANDBACK_REPORT),
           refuses=("GOAL_UNKNOWN", "HANDBACK_AWAITS_AGENCY", "NO_REFERRAL", "NO_TRAJECTORY", "OUTCOME_PER_GOAL")),
    Action("accept-handback", "Take the case back, and with it the responsibility.",
           bodies.AcceptHandbackBody, handback.AcceptHandback, handback.accept_handback,
           side=AGENCY, states={CaseState.HANDBACK_REQUESTED},
           roles=COUNSELLORS, steps=(Step.ESCALATION, Step.HANDBACK_ACKNOWLEDGEMENT),
           refuses=("CASE_NOT_OPENED", "NEED_UNANSWERED", "NEED_UNKNOWN", "NOT_CLOSING", "NO_REFERRAL",
                    "NO_TRAJECTORY", "UNKNOWN_CODE")),
    Action("return-handback", "Return the report, and say what it lacks.",
           bodies.ReturnHandbackBody, handback.ReturnHandback, handback.return_handback,
           side=AGENCY, states={CaseState.HANDBACK_REQUESTED},
           roles=COUNSELLORS, steps=(Step.HANDBACK_ACKNOWLEDGEMENT,),
           refuses=("NO_REFERRAL", "NO_TRAJECTORY", "RETURNED_BEFORE")),
    Action("close", "Close the case.",
           bodies.CloseBody, follow_up.Close, follow_up.close,
           side=AGENCY, states={CaseState.OPENED}, roles=COUNSELLORS, steps=(Step.NEXT_SERVICE,),
           refuses=("CASE_NOT_OPENED", "REFERRAL_LIVE")),
    Action("reopen", "Open a closed case again.",
           bodies.NothingBody, follow_up.Reopen, follow_up.reopen,
           side=AGENCY, states={CaseState.CLOSED}, roles=COUNSELLORS, steps=(),
           refuses=("CASE_NOT_OPENED", "CONCURRENT_PROGRAMME", "REOPEN_TERM_PASSED")),
    Action("record-outcome", "Record what became of the person.",
           bodies.OutcomeBody, follow_up.RecordOutcome, follow_up.record_outcome,
           side=AGENCY, states={CaseState.CLOSED}, roles=COUNSELLORS, steps=(Step.OUTCOME_FOLLOW_UP,),
           refuses=("IN_THE_FUTURE", "NOT_CLOSED", "OUTCOME_NOT_DUE", "OUTCOME_SETTLED", "TOO_EARLY",
                    "UNKNOWN_CODE")),
    Action("waive-outcome", "Waive a follow-up.",
           bodies.WaiveOutcomeBody, follow_up.WaiveOutcome, follow_up.waive_outcome,
           side=AGENCY, states={CaseState.CLOSED}, roles=COUNSELLORS, steps=(Step.OUTCOME_FOLLOW_UP,),
           refuses=("NOT_CLOSED", "OUTCOME_NOT_DUE", "OUTCOME_SETTLED", "UNKNOWN_CODE")),
    Action("reassign-counsellor", "Ask a counsellor to take the lead, or take it over.",
           bodies.ReassignCounsellorBody, people.ReassignCounsellor, people.reassign_counsellor,
           side=AGENCY, states=UNTIL_FINALISED, roles=COUNSELLORS, steps=(COUNSELLOR_HANDOVER,),
           refuses=("CASE_NOT_OPENED",)),
    Action("reassign-coordinator", "Ask a coordinator to take over, or take over the coordination.",
           bodies.ReassignCoordinatorBody, people.ReassignCoordinator, people.reassign_coordinator,
           side=ORGANISATION, states=WITH_ORGANISATION,
           roles=COORDINATORS, steps=(COORDINATOR_HANDOVER,),
           refuses=("NO_TRAJECTORY",)),
    Action("correct", "Correct an event: it stays, and the correction stands beside it.",
           bodies.CorrectBody, correction.Correct, reports.correct, build=_correct,
           side=EITHER, states=EVERY_STATE, roles=COUNSELLORS | COORDINATORS, steps=(),
           refuses=("CLIENT_MUST_AGREE", "GOAL_UNKNOWN", "IN_THE_FUTURE", "IN_THE_PAST", "NOT_CLOSED",
                    "NOT_POSITIVE", "NOT_REPORTED", "NOT_YOUR_SIDE", "NO_AGREEMENT", "NO_REFERRAL", "NO_TRAJECTORY",
                    "OUTCOME_NOT_DUE", "OUTCOME_SETTLED", "OUTSIDE_AGREEMENT", "OUT_OF_RANGE", "REPORTED_BEFORE",
                    "TOO_EARLY", "UNKNOWN_CODE", "UNKNOWN_EVENT")),
)
# fmt: on

ACTIONS: Final[Mapping[str, Action[Any, Any]]] = {row.name: row for row in _ROWS}
"""The commands on a case, by their route's last segment; a case offers them in this order."""

RULES: Final[Mapping[str, Rule]] = {row.name: Rule(row.side, frozenset(row.states)) for row in _ROWS}
"""What the domain asks of each: the side that may act, and the states that allow it."""

DECIDED_BY: Final[Mapping[type[Command], Callable[[Any, Context], CaseDecision]]] = {
    row.command: row.decide for row in _ROWS
}
"""The rule of each command that somebody gives on the case itself."""

TAKEN_IN: Final[Mapping[type[Command], Callable[[Any, Context], CaseDecision]]] = {
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
"""The rule of each command that messages and the clock bring: nobody gives it on the case."""


def decide(command: Command, context: Context) -> list[CaseEvent | To]:
    """What follows from a command on a case, by the rule of its row; Refused where that says no."""
    if (rule := TAKEN_IN.get(type(command))) is not None:
        return case.take_in(rule, command, context)
    return case.decide(DECIDED_BY[type(command)], command, context)


def moving_on(step: str) -> tuple[str, ...]:
    """The commands that move a step of the worklist on.

    None for a step that waits for a referral's answer: it names the referral's command itself.
    """
    return tuple(row.name for row in _ROWS if step in row.steps)
