"""The trajectory ends, or goes on with another match."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.casefile_codes import AfterMatch, EndReason
from contracts.codes import CaseState, Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, ended
from services.casefile.domain.match_end import (
    MatchEnded,
    agreed_end,
    match_ended,
    match_over,
    mentor_access_after,
    mentor_reads_until,
    mentor_released,
)
from services.casefile.domain.next_steps import report_step
from services.casefile.domain.organisation_part import access_after, trajectory_over
from services.casefile.domain.state import Case, trajectory_of
from services.casefile.domain.steps import LEFT_OVER, Moves, OpenStep, ended_by
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Fault, Refused, To

_WITHOUT_TALK = frozenset({EndReason.MENTEE_UNREACHABLE, EndReason.SAFEGUARDING, EndReason.ERROR})


class EndMatch(Command, frozen=True, kw_only=True):
    """End the match: for another one, or for the handback. `side` says who wished it, where one side did."""

    reason: str
    next: str
    closure_talk: bool = False
    side: str | None = None
    occurred_at: datetime | None = None


class CompleteTrajectory(Command, frozen=True, kw_only=True):
    """The trajectory has come to its end."""

    reason: str
    closure_talk: bool = False
    occurred_at: datetime | None = None


class TrajectoryCompleted(Moves, frozen=True, kw_only=True):
    """The trajectory came to its end; the organisation owes the handback report.

    `mentor_access` is until when the mentor still reads the match, and `agreed` the proposal by which the agency agreed
    to the end.
    """

    reason: str
    closure_talk: bool
    ended_at: datetime
    access: Deadline
    mentor_access: Deadline | UnsetType = UNSET
    agreed: str | UnsetType = UNSET


def end_match(command: EndMatch, context: Context) -> list[MatchEnded | To]:
    """Ends the match, after a closing talk, for a new one or for the handback."""
    case = context.case
    allow("end-match", context, command.by)
    _check_talk(command.reason, talk=command.closure_talk)
    if command.next not in set(AfterMatch):
        raise Refused.input(Fault("/next", "UNKNOWN_CODE", "next is REMATCH or HANDBACK"))
    rematch = command.next == AfterMatch.REMATCH
    if rematch and case.state == CaseState.SUSPENDED:
        raise Refused(
            "STATE_DOES_NOT_ALLOW",
            "end-match with REMATCH is possible in MENTORING; the case is SUSPENDED",
            who_can_unblock="the organisation, by resume",
        )
    when = ended(command.occurred_at, context)
    # What is to be reported stays due over a rematch; the handback's report says it all.
    closes = ended_by(case.steps, *LEFT_OVER) if rematch else ended_by(case.steps)
    if rematch:
        due = deadline(context.terms, Step.MATCHING, when)
        step = OpenStep(step=Step.MATCHING.value, owner=trajectory_of(case).coordinator, since=when, deadlines=(due,))
    else:
        step = report_step(context, when)
    return match_ended(
        context,
        command.reason,
        when,
        then=command.next,
        side=command.side,
        closure_talk=command.closure_talk,
        access=None if rematch else access_after(context, when),
        moves=Moves(closes=closes, opens=(step,)),
    )


def complete_trajectory(command: CompleteTrajectory, context: Context) -> list[TrajectoryCompleted | To]:
    """Completes the trajectory after a closing talk; the handback report falls due."""
    case = context.case
    allow("complete-trajectory", context, command.by)
    _check_talk(command.reason, talk=command.closure_talk)
    when = ended(command.occurred_at, context)
    return [
        *mentor_released(case, when),
        TrajectoryCompleted(
            reason=command.reason,
            closure_talk=command.closure_talk,
            ended_at=when,
            access=access_after(context, when),
            mentor_access=mentor_access_after(context, command.reason, when),
            agreed=agreed_end(case),
            closes=ended_by(case.steps),
            opens=(report_step(context, when),),
        ),
    ]


def _check_talk(reason: str, *, talk: bool) -> None:
    if not talk and reason not in _WITHOUT_TALK:
        raise Refused.input(
            Fault(
                "/closureTalk",
                "CLOSURE_TALK_MISSING",
                "a match ends with a closing talk, which must be recorded",
                rests_on=("/reason",),
            )
        )


def evolve(case: Case, event: TrajectoryCompleted) -> Case:
    """The case after the trajectory's end: the match is over, and the organisation's access has its last day."""
    case = mentor_reads_until(trajectory_over(case, event.access, event.ended_at), event.mentor_access)
    if (now := case.trajectory) is None:
        return case
    over = replace(match_over(now, event.reason), ended_at=event.ended_at, closure_reason=event.reason)
    return replace(case, trajectory=over)
