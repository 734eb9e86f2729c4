"""A case is closed and opened again: by the agency's own command, or with what closes or opens around it."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from contracts.casefile_codes import OutcomePoint
from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_side
from services.casefile.domain.next_steps import next_service
from services.casefile.domain.outcome_points import days_of
from services.casefile.domain.state import Case, lead_of
from services.casefile.domain.steps import Moves, OpenStep, began, ended_by
from services.casefile.domain.terms import ProgrammeCalendar, deadline, until
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command
from services.chassis.modelling.growing import GrowingMap, GrowingTuple


class Close(Command, frozen=True, kw_only=True):
    """Close the case, for a reason (`contracts.casefile_codes.CloseReason`)."""

    reason: str


class Reopen(Command, frozen=True, kw_only=True):
    """Open a closed case again, within the programme's term."""


class CaseClosed(Moves, frozen=True, kw_only=True):
    """The agency closed the case; the follow-ups begin, counted from `exit_at` (None in what was stored earlier)."""

    reason: str
    reopen_until: datetime
    exit_at: datetime | None = None


class CaseReopened(Moves, frozen=True, kw_only=True):
    """The case is open again: by the agency's command, or by an offer that crossed the closing."""


def close(command: Close, context: Context) -> list[CaseClosed]:
    """Closes an open case that no referral and no organisation holds."""
    check_side("close", context, command.by)
    if context.case.close_reason == command.reason:
        return []
    allow("close", context, command.by)
    return [closed(context, command.reason, exit_at=context.case.exit_at or command.at, at=command.at)]


def reopen(command: Reopen, context: Context) -> list[CaseReopened]:
    """Opens a closed case again; the follow-ups start again with the next closing."""
    allow("reopen", context, command.by)
    return [reopened(context, command.at)]


def closed(context: Context, reason: str, *, exit_at: datetime, at: datetime) -> CaseClosed:
    """The closing: every step ends, and the follow-ups from the exit on begin."""
    follow_up = OpenStep(
        step=Step.OUTCOME_FOLLOW_UP.value,
        owner=lead_of(context.case),
        since=at,
        deadlines=follow_ups(context.terms, exit_at, at),
    )
    return CaseClosed(
        reason=reason,
        reopen_until=deadline(context.terms, "REOPEN", at).due_at,
        exit_at=exit_at,
        # An accepted handback has opened the lead's next step just before.
        closes=tuple(dict.fromkeys((*ended_by(context.case.steps), Step.NEXT_SERVICE.value))),
        opens=(follow_up,),
    )


def follow_ups(terms: ProgrammeCalendar, exit_at: datetime, at: datetime) -> tuple[Deadline, ...]:
    """The four follow-ups, counted from the exit; one whose day has passed before the closing is due as an exit is."""
    later = [(point, day) for point, day in days_of(terms, exit_at).items() if point != OutcomePoint.EXIT]
    planned = [
        deadline(terms, "OUTCOME_EXIT", exit_at),
        *(until(terms, f"OUTCOME_{point}", exit_at, day) for point, day in later),
    ]
    late = deadline(terms, "OUTCOME_EXIT", at)
    return tuple(
        due if due.due_at > at else Deadline(name=due.name, due_at=late.due_at, remind_at=late.remind_at)
        for due in planned
    )


def reopened(context: Context, at: datetime) -> CaseReopened:
    """The case is open again, and the lead decides what comes next."""
    # A final case has no step left. What opens it again may have happened before it became final, and who asks of
    # the time between is told of one step, and not of the follow-ups as well.
    ends = tuple(dict.fromkeys((*ended_by(context.case.steps), Step.OUTCOME_FOLLOW_UP.value)))
    return CaseReopened(closes=ends, opens=(next_service(context, at),))


ClosingEvent = CaseClosed | CaseReopened


def evolve(case: Case, event: ClosingEvent) -> Case:
    """The case once it is closed, or open again: what was followed up before does not count any more."""
    match event:
        case CaseClosed():
            # A closing that was stored without the exit is counted from its trajectory, or else from itself.
            return replace(
                case,
                close_reason=event.reason,
                reopen_until=event.reopen_until,
                settled=GrowingTuple(),
                level_match=GrowingMap(),
                followed_from=event.exit_at or case.exit_at or began(event),
            )
        case CaseReopened():
            return replace(
                case,
                close_reason=None,
                reopen_until=None,
                finalise_at=None,
                followed_from=None,
                settled=GrowingTuple(),
                level_match=GrowingMap(),
            )
        case _:
            assert_never(event)
