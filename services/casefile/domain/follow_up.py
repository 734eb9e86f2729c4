"""After mentoring: the agency closes the case, may open it again, and follows up what became of the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import field

from contracts.casefile_codes import OutcomePoint
from contracts.codes import Step
from services.casefile.domain.case import Case, Context
from services.casefile.domain.guards import allow, check_side, happened
from services.casefile.domain.outcome_points import check_due, check_waiver, days_of
from services.casefile.domain.responsibility import Moves, OpenStep, Party, find, names
from services.casefile.domain.terms import Deadline, Terms, deadline, until
from services.chassis.modelling.decider import Command, Fault, Refused


class Close(Command, frozen=True, kw_only=True):
    """Close the case, for a reason (`contracts.casefile_codes.CloseReason`)."""

    reason: str


class Reopen(Command, frozen=True, kw_only=True):
    """Open a closed case again, within the programme's term."""


class RecordOutcome(Command, frozen=True, kw_only=True):
    """Record what became of the person at a point."""

    point: str
    code: str
    source: str
    level_match: bool | None = None
    progress: dict[str, str] = field(default_factory=dict)
    occurred_at: datetime | None = None


class WaiveOutcome(Command, frozen=True, kw_only=True):
    """Record that a follow-up will not be taken, and why."""

    point: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed(Moves):
    """The agency closed the case; the follow-ups begin, counted from `exit_at` (None in what was stored earlier)."""

    reason: str
    reopen_until: datetime
    exit_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReopened(Moves):
    """The agency opened the case again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecorded(Moves):
    """What became of the person at a point; `level_match` says whether the job suits the person's level.

    `finalise_at` is set where no follow-up is left.
    """

    point: str
    code: str
    source: str
    level_match: bool | None
    progress: dict[str, str]
    happened_at: datetime
    finalise_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWaived(Moves):
    """A follow-up will not be taken; `finalise_at` as in `OutcomeRecorded`."""

    point: str
    reason: str
    finalise_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFinalised(Moves):
    """Every follow-up is recorded or waived; the case takes nothing but corrections."""


def lead_of(case: Case) -> Party:
    """The case lead. Every opened case has one."""
    if case.lead is None:
        raise Refused("CASE_NOT_OPENED", "the case has no lead before it is opened")
    return case.lead


def next_service(context: Context, since: datetime) -> OpenStep:
    """The lead's step to decide what comes next for the person."""
    due = deadline(context.terms, Step.NEXT_SERVICE, since)
    return OpenStep(step=Step.NEXT_SERVICE.value, owner=lead_of(context.case), since=since, deadlines=(due,))


def close(command: Close, context: Context) -> list[Any]:
    """Closes an open case that no referral and no organisation holds."""
    check_side("close", context.case, command.by)
    if context.case.close_reason == command.reason:
        return []
    allow("close", context, command.by)
    return [closed(context, command.reason, exit_at=context.case.exit_at or command.at, at=command.at)]


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
        closes=tuple(dict.fromkeys((*names(context.case.steps), Step.NEXT_SERVICE.value))),
        opens=(follow_up,),
    )


def follow_ups(terms: Terms, exit_at: datetime, at: datetime) -> tuple[Deadline, ...]:
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


def reopen(command: Reopen, context: Context) -> list[Any]:
    """Opens a closed case again; the follow-ups start anew with the next closing."""
    allow("reopen", context, command.by)
    return [reopened(context, command.at)]


def reopened(context: Context, at: datetime) -> CaseReopened:
    """The case is open again, and the lead decides what comes next."""
    return CaseReopened(closes=names(context.case.steps), opens=(next_service(context, at),))


def record_outcome(command: RecordOutcome, context: Context) -> list[Any]:
    """Records an outcome once per point, from the point's day on; the last one lets the system finalise the case."""
    case = context.case
    check_side("record-outcome", case, command.by)
    if (command.point, command.code, command.source) in case.settled:
        return []
    allow("record-outcome", context, command.by)
    _check_unsettled("record-outcome", command.point, case)
    check_due(context, command.point, command.at, command.occurred_at)
    when = happened(command.occurred_at, command.at, not_before=case.opened_at)
    return [
        OutcomeRecorded(
            point=command.point,
            code=command.code,
            source=command.source,
            level_match=command.level_match,
            progress=command.progress,
            happened_at=when,
            finalise_at=_finalise_at(case, command.point, command.at),
            renews=_without(case, command.point),
        )
    ]


def waive_outcome(command: WaiveOutcome, context: Context) -> list[Any]:
    """Waives a follow-up that has not been recorded: from its day on, or earlier where the person said so."""
    case = context.case
    check_side("waive-outcome", case, command.by)
    if (command.point, command.reason, "WAIVED") in case.settled:
        return []
    allow("waive-outcome", context, command.by)
    _check_unsettled("waive-outcome", command.point, case)
    check_waiver(context, command.point, command.reason, command.at)
    return [
        OutcomeWaived(
            point=command.point,
            reason=command.reason,
            finalise_at=_finalise_at(case, command.point, command.at),
            renews=_without(case, command.point),
        )
    ]


def _check_unsettled(action: str, point: str, case: Case) -> None:
    if point not in set(OutcomePoint):
        raise Refused.input(Fault("/point", "UNKNOWN_CODE", "the point is one of EXIT, W4, M6, M12"))
    if held := [code for settled, code, _ in case.settled if settled == point]:
        raise Refused(
            "OUTCOME_SETTLED",
            f"{action}: {point} is settled as {held[0]}; an error is put right by correct",
        )


def _finalise_at(case: Case, point: str, at: datetime) -> datetime | None:
    settled = {point, *(point for point, _, _ in case.settled)}
    return at if settled == set(OutcomePoint) else None


def _without(case: Case, point: str) -> tuple[OpenStep, ...]:
    step = find(case.steps, Step.OUTCOME_FOLLOW_UP)
    if step is None:
        return ()
    left = tuple(due for due in step.deadlines if due.name != f"OUTCOME_{point}")
    return (OpenStep(step=step.step, owner=step.owner, since=step.since, deadlines=left, awaiting=step.awaiting),)
