"""The handback: the organisation reports, the agency accepts, and only then is responsible again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec import field
from msgspec.structs import replace

from contracts.casefile_codes import CloseReason, EndReason, HandbackDecision
from services.casefile.domain.closing import CaseClosed, closed
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_side
from services.casefile.domain.handback_report import HandbackRequested, handed_back
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.next_steps import next_service, report_step
from services.casefile.domain.open_escalations import gone_back
from services.casefile.domain.organisation_part import ResponsibilityTransferred, access_ends, back_with_agency
from services.casefile.domain.state import Case, Trajectory, referral_of, trajectory_of
from services.casefile.domain.steps import Moves, OpenStep, ended_by
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Fault, Refused, To

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


class HandbackReturned(Moves, frozen=True, kw_only=True):
    """The agency says what the report lacks; it may do so once."""

    referral: str
    missing: tuple[str, ...]


class HandbackAccepted(Moves, frozen=True, kw_only=True):
    """The agency took the case back: what it decided, and what it answers to each open need.

    `access` is when the organisation's access ends, as the end of the trajectory has it.
    """

    referral: str
    decision: str
    next_service: str | None
    answers: dict[str, str]
    access: Deadline | None = None


def request_handback(command: RequestHandback, context: Context) -> list[HandbackRequested | MatchEnded | To]:
    """Sends the report to the agency; a running match ends with it."""
    allow("request-handback", context, command.by)
    trajectory = trajectory_of(context.case)
    known = trajectory.handback.closure_reason if trajectory.handback is not None else trajectory.closure_reason
    reason = command.closure_reason or known
    faults = list(_report_faults(command, trajectory))
    if reason is None:
        faults.append(Fault("/closureReason", "REQUIRED", "the report must say why the trajectory ended"))
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


def return_handback(command: ReturnHandback, context: Context) -> list[HandbackReturned]:
    """Returns the report once, with what it lacks; the organisation completes it."""
    case = context.case
    check_side("return-handback", context, command.by)
    handback = case.trajectory.handback if case.trajectory is not None else None
    if handback is not None and handback.waiting_for_report and handback.returned == command.missing:
        return []
    allow("return-handback", context, command.by)
    if not command.missing:
        raise Refused.input(Fault("/missing", "REQUIRED", "name what the report lacks"))
    return [
        HandbackReturned(
            referral=referral_of(case),
            missing=command.missing,
            closes=ended_by(case.steps),
            opens=(report_step(context, command.at),),
        )
    ]


def accept_handback(
    command: AcceptHandback, context: Context
) -> list[HandbackAccepted | ResponsibilityTransferred | CaseClosed]:
    """Takes the case back: the agency is responsible from now on, and closes the case or decides what comes next."""
    case = context.case
    allow("accept-handback", context, command.by)
    trajectory = trajectory_of(case)
    needs = trajectory.handback.open_needs if trajectory.handback is not None else ()
    faults = [
        Fault(f"/answers/{need}", "NEED_UNANSWERED", "every open need must be answered")
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
    back = gone_back(case, step)
    accepted = HandbackAccepted(
        referral=referral_of(case),
        decision=command.decision,
        next_service=command.next_service,
        answers=command.answers,
        access=next((access.expires for access in case.accesses if access.referral == referral_of(case)), None),
        closes=back.closes,
        opens=back.opens,
    )
    if not closes_case:
        return [accepted, _transferred(case, trajectory, step, command.at)]
    reason = command.close_reason or _CLOSES_AS.get(trajectory.closure_reason or "", CloseReason.OTHER).value
    end = closed(context, reason, exit_at=trajectory.ended_at or command.at, at=command.at)
    return [accepted, _transferred(case, trajectory, end.opens[0], command.at), end]


def _transferred(case: Case, trajectory: Trajectory, begins: OpenStep, at: datetime) -> ResponsibilityTransferred:
    return ResponsibilityTransferred(
        referral=referral_of(case),
        giver=trajectory.coordinator,
        receiver=begins.owner,
        step=begins.step,
        at=at,
        deadlines=begins.deadlines,
    )


HandbackEvent = HandbackReturned | HandbackAccepted


def evolve(case: Case, event: HandbackEvent) -> Case:
    """The case after the agency's answer to a report."""
    match event:
        case HandbackReturned():
            if (now := case.trajectory) is None or now.handback is None:
                return case
            report = replace(now.handback, returned=event.missing, waiting_for_report=True)
            return replace(case, trajectory=replace(now, handback=report))
        case HandbackAccepted():
            return back_with_agency(
                access_ends(case, event.referral, reason="HANDED_BACK"),
                ended_by="HandbackAccepted",
                reason=case.trajectory.closure_reason if case.trajectory is not None else None,
                decision=event.decision,
                next_service=event.next_service,
                answers=event.answers,
            )
        case _:
            assert_never(event)
