"""The handback: the organisation reports, the agency accepts, and only then is responsible again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import field

from contracts.casefile_codes import CloseReason, EndReason, HandbackDecision
from contracts.codes import Step
from services.casefile.domain.answering import ResponsibilityTransferred
from services.casefile.domain.case import Case, Context, Trajectory
from services.casefile.domain.follow_up import closed, next_service
from services.casefile.domain.guards import allow, check_side
from services.casefile.domain.mentoring import trajectory_of
from services.casefile.domain.responsibility import Awaiting, Moves, OpenStep, names
from services.casefile.domain.terms import Deadline, deadline
from services.casefile.domain.trajectory import access_after, match_ended, report_step
from services.chassis.modelling.decider import Command, Fault, Refused

_CLOSES_AS = {
    EndReason.EMPLOYMENT.value: CloseReason.EMPLOYMENT,
    EndReason.TRAINING.value: CloseReason.TRAINING,
    EndReason.MENTEE_WITHDREW.value: CloseReason.CLIENT_WITHDREW,
    EndReason.MOVED.value: CloseReason.MOVED,
    EndReason.NO_LONGER_ELIGIBLE.value: CloseReason.NO_LONGER_ELIGIBLE,
}


class RequestHandback(Command, frozen=True, kw_only=True):
    """Hand the case back with a report. The closure reason may be left out where the trajectory's end gave it."""

    closure_reason: str | None = None
    outcomes: dict[str, str] = field(default_factory=dict)
    open_needs: tuple[str, ...] = ()
    recommended_next_step: str | None = None


class AcceptHandback(Command, frozen=True, kw_only=True):
    """Take the case back, decide, and answer every open need. `close_reason` only with CLOSE."""

    decision: str
    next_service: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    close_reason: str | None = None


class ReturnHandback(Command, frozen=True, kw_only=True):
    """Say what the report lacks (`contracts.casefile_codes.MissingItem`)."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandbackRequested(Moves):
    """The report. The organisation stays responsible until the agency accepts.

    `requested_at` is when it was sent, also where a report of something earlier (the third no-show) led to it;
    `ended_at` and `access` are set where the trajectory ends with it.
    """

    referral: str
    closure_reason: str
    outcomes: dict[str, str]
    open_needs: tuple[str, ...]
    recommended_next_step: str | None
    requested_at: datetime
    ended_at: datetime | None
    access: Deadline | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandbackReturned(Moves):
    """The agency says what the report lacks; it may do so once."""

    referral: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandbackAccepted(Moves):
    """The agency took the case back: what it decided, and what it answers to each open need.

    `access` is when the organisation's access ends, as the end of the trajectory has it.
    """

    referral: str
    decision: str
    next_service: str | None
    answers: dict[str, str]
    access: Deadline | None = None


def request_handback(command: RequestHandback, context: Context) -> list[Any]:
    """Sends the report to the agency; a running match ends with it."""
    allow("request-handback", context, command.by)
    trajectory = trajectory_of(context.case)
    known = trajectory.handback.closure_reason if trajectory.handback is not None else trajectory.closure_reason
    reason = command.closure_reason or known
    faults = list(_report_faults(command, trajectory))
    if reason is None:
        faults.append(Fault("/closureReason", "REQUIRED", "the report says why the trajectory ended"))
    if faults or reason is None:
        raise Refused.input(*faults)
    return handed_back(
        context,
        command.at,
        reason,
        outcomes=command.outcomes,
        open_needs=command.open_needs,
        recommended_next_step=command.recommended_next_step,
    )


def _report_faults(command: RequestHandback, trajectory: Trajectory) -> Iterable[Fault]:
    for goal in command.outcomes:
        if goal not in trajectory.goals:
            yield Fault(f"/outcomes/{goal}", "GOAL_UNKNOWN", "not a goal of the intake")
    for goal in trajectory.goals:
        if goal not in command.outcomes:
            yield Fault(f"/outcomes/{goal}", "OUTCOME_PER_GOAL", "the report gives an outcome for every goal")


def handed_back(
    context: Context,
    at: datetime,
    reason: str,
    *,
    outcomes: dict[str, str] | None = None,
    open_needs: tuple[str, ...] = (),
    recommended_next_step: str | None = None,
) -> list[Any]:
    """The report with the agency. The coordinator owns the step until the agency has accepted."""
    case = context.case
    trajectory = trajectory_of(case)
    due = deadline(context.terms, Step.HANDBACK_ACKNOWLEDGEMENT, at)
    waiting = OpenStep(
        step=Step.HANDBACK_ACKNOWLEDGEMENT.value,
        owner=trajectory.coordinator,
        since=at,
        deadlines=(due,),
        awaiting=Awaiting(org=case.agency, action="accept-handback", due_at=due.due_at),
    )
    ends_now = trajectory.ended_at is None
    return [
        *match_ended(case, reason, at),
        HandbackRequested(
            referral=_referral(case),
            closure_reason=reason,
            outcomes=outcomes or {},
            open_needs=open_needs,
            recommended_next_step=recommended_next_step,
            requested_at=at,
            ended_at=at if ends_now else None,
            access=access_after(context, at) if ends_now else None,
            closes=names(case.steps),
            opens=(waiting,),
        ),
    ]


def return_handback(command: ReturnHandback, context: Context) -> list[Any]:
    """Returns the report once, with what it lacks; the organisation completes it."""
    case = context.case
    check_side("return-handback", case, command.by)
    handback = case.trajectory.handback if case.trajectory is not None else None
    if handback is not None and handback.waiting_for_report and handback.returned == command.missing:
        return []
    allow("return-handback", context, command.by)
    if not command.missing:
        raise Refused.input(Fault("/missing", "REQUIRED", "name what the report lacks"))
    return [
        HandbackReturned(
            referral=_referral(case),
            missing=command.missing,
            closes=names(case.steps),
            opens=(report_step(context, command.at),),
        )
    ]


def accept_handback(command: AcceptHandback, context: Context) -> list[Any]:
    """Takes the case back: the agency is responsible from now on, and closes the case or decides what comes next."""
    case = context.case
    allow("accept-handback", context, command.by)
    trajectory = trajectory_of(case)
    needs = trajectory.handback.open_needs if trajectory.handback is not None else ()
    faults = [
        Fault(f"/answers/{need}", "NEED_UNANSWERED", "every open need gets an answer")
        for need in needs
        if need not in command.answers
    ]
    faults += [
        Fault(f"/answers/{need}", "NEED_UNKNOWN", "not a need of the report")
        for need in command.answers
        if need not in needs
    ]
    if command.decision not in set(HandbackDecision):
        faults.append(Fault("/decision", "UNKNOWN_CODE", "the decision is CLOSE, RE_REFER or OTHER_SERVICE"))
    closes_case = command.decision == HandbackDecision.CLOSE
    if command.close_reason is not None and not closes_case:
        faults.append(
            Fault(
                "/closeReason", "NOT_CLOSING", "a reason to close goes with the decision CLOSE", rests_on=("/decision",)
            )
        )
    if faults:
        raise Refused.input(*faults)
    step = next_service(context, command.at)
    accepted = HandbackAccepted(
        referral=_referral(case),
        decision=command.decision,
        next_service=command.next_service,
        answers=command.answers,
        access=next((one.expires for one in case.accesses if one.referral == _referral(case)), None),
        closes=names(case.steps),
        opens=(step,),
    )
    if not closes_case:
        return [accepted, _transferred(case, trajectory, step, command.at)]
    reason = command.close_reason or _CLOSES_AS.get(trajectory.closure_reason or "", CloseReason.OTHER).value
    end = closed(context, reason, exit_at=trajectory.ended_at or command.at, at=command.at)
    return [accepted, _transferred(case, trajectory, end.opens[0], command.at), end]


def _transferred(case: Case, trajectory: Trajectory, begins: OpenStep, at: datetime) -> ResponsibilityTransferred:
    return ResponsibilityTransferred(
        referral=_referral(case),
        giver=trajectory.coordinator,
        receiver=begins.owner,
        step=begins.step,
        at=at,
        deadlines=begins.deadlines,
    )


def _referral(case: Case) -> str:
    if case.referral is None:
        raise Refused("NO_REFERRAL", "no referral is with an organisation")
    return case.referral.referral
