"""The trajectory ends, or goes on with another match."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.casefile_codes import AfterMatch, EndReason
from contracts.codes import CaseState, Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, ended
from services.casefile.domain.match_end import (
    MatchEnded,
    Notice,
    agreed_end,
    match_ended,
    match_over,
    mentor_access_after,
    mentor_reads_until,
    mentor_released,
    notice_in,
    notice_of,
)
from services.casefile.domain.next_steps import report_step
from services.casefile.domain.organisation_part import access_after, trajectory_over
from services.casefile.domain.state import Case, trajectory_of
from services.casefile.domain.steps import LEFT_OVER, Moves, OpenStep, ended_by
from services.casefile.domain.terms import day_of, deadline
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Fault, Refused, To

_WITHOUT_TALK = frozenset({EndReason.MENTEE_UNREACHABLE, EndReason.SAFEGUARDING, EndReason.ERROR})


class EndMatch(Command, frozen=True, kw_only=True):
    """End the match: for another one, or for the handback. `side` says who wished it, where one side did.

    `notice_on` is when a mentor who withdraws said so.
    """

    reason: str
    next: str
    closure_talk: bool = False
    side: str | None = None
    notice_on: date | None = None
    occurred_at: datetime | None = None


class CompleteTrajectory(Command, frozen=True, kw_only=True):
    """The trajectory has come to its end; `notice_on` as where a match ends."""

    reason: str
    closure_talk: bool = False
    notice_on: date | None = None
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
    notice_on: date | UnsetType = UNSET
    short_notice: bool | UnsetType = UNSET


def end_match(command: EndMatch, context: Context) -> list[MatchEnded | To]:
    """Ends the match, after a closing talk, for a new one or for the handback."""
    case = context.case
    allow("end-match", context, command.by)
    _check_talk(command)
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
    notice = _notice(command, context, when)
    # What is to be reported stays due over a rematch; the handback's report says it all.
    closes = ended_by(case.steps, *LEFT_OVER) if rematch else ended_by(case.steps)
    if rematch:
        due = deadline(context.terms, Step.MATCHING, when)
        step = OpenStep(step=Step.MATCHING.value, owner=trajectory_of(case).coordinator, since=when, deadlines=(due,))
    else:
        step = report_step(context, when)
    over = match_ended(
        context,
        command.reason,
        when,
        then=command.next,
        side=command.side,
        closure_talk=command.closure_talk,
        access=None if rematch else access_after(context, when),
        moves=Moves(closes=closes, opens=(step,)),
    )
    if notice is None:
        return over
    kept = {"notice_on": notice.on or UNSET, "short_notice": notice.short}
    return [replace(event, **kept) if isinstance(event, MatchEnded) else event for event in over]


def complete_trajectory(command: CompleteTrajectory, context: Context) -> list[TrajectoryCompleted | To]:
    """Completes the trajectory after a closing talk; the handback report falls due."""
    case = context.case
    allow("complete-trajectory", context, command.by)
    _check_talk(command)
    when = ended(command.occurred_at, context)
    notice = _notice(command, context, when)
    return [
        *mentor_released(case, when),
        TrajectoryCompleted(
            reason=command.reason,
            closure_talk=command.closure_talk,
            ended_at=when,
            access=access_after(context, when),
            mentor_access=mentor_access_after(context, command.reason, when),
            agreed=agreed_end(case),
            notice_on=(notice.on or UNSET) if notice is not None else UNSET,
            short_notice=notice.short if notice is not None else UNSET,
            closes=ended_by(case.steps),
            opens=(report_step(context, when),),
        ),
    ]


def _notice(command: EndMatch | CompleteTrajectory, context: Context, when: datetime) -> Notice | None:
    """The notice of a mentor who withdraws. Raises Refused for one that comes after the end."""
    last_day = day_of(context.terms, when)
    if command.notice_on is not None and command.notice_on > last_day:
        latest = f"notice is given by the last day, {last_day}"
        raise Refused.input(Fault("/noticeOn", "IN_THE_FUTURE", latest, ("/occurredAt",)))
    return notice_of(command.reason, command.notice_on, last_day)


def _check_talk(command: EndMatch | CompleteTrajectory) -> None:
    faults = []
    if not command.closure_talk and command.reason not in _WITHOUT_TALK:
        missing = "a match ends with a closing talk, which must be recorded"
        faults.append(Fault("/closureTalk", "CLOSURE_TALK_MISSING", missing, rests_on=("/reason",)))
    if command.notice_on is not None and command.reason != EndReason.MENTOR_WITHDREW:
        nobody = "notice is given by a mentor who withdraws: the reason is MENTOR_WITHDREW"
        faults.append(Fault("/noticeOn", "NOT_EXPECTED", nobody, rests_on=("/reason",)))
    if faults:
        raise Refused.input(*faults)


def evolve(case: Case, event: TrajectoryCompleted) -> Case:
    """The case after the trajectory's end: the match is over, and the organisation's access has its last day."""
    case = mentor_reads_until(trajectory_over(case, event.access, event.ended_at), event.mentor_access)
    if (now := case.trajectory) is None:
        return case
    ended_match = match_over(now, event.reason, notice_in(event))
    over = replace(ended_match, ended_at=event.ended_at, closure_reason=event.reason)
    return replace(case, trajectory=over)
