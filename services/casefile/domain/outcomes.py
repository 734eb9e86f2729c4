"""The agency follows up what became of the person, point by point, once the case is closed."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec import field
from msgspec.structs import replace

from contracts.casefile_codes import OutcomePoint
from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_side, happened
from services.casefile.domain.outcome_points import check_due, check_waiver
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Moves, OpenStep, find
from services.chassis.modelling.decider import Command, Fault, Refused


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


class OutcomeRecorded(Moves, frozen=True, kw_only=True):
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


class OutcomeWaived(Moves, frozen=True, kw_only=True):
    """A follow-up will not be taken; `finalise_at` as in `OutcomeRecorded`."""

    point: str
    reason: str
    finalise_at: datetime | None


def record_outcome(command: RecordOutcome, context: Context) -> list[OutcomeRecorded]:
    """Records an outcome once per point, from the point's day on; the last one lets the system finalise the case."""
    case = context.case
    check_side("record-outcome", context, command.by)
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


def waive_outcome(command: WaiveOutcome, context: Context) -> list[OutcomeWaived]:
    """Waives a follow-up that has not been recorded: from its day on, or earlier where the person declined or moved."""
    case = context.case
    check_side("waive-outcome", context, command.by)
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
            f"{action}: {point} is settled as {held[0]}; use correct to change it",
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


OutcomeEvent = OutcomeRecorded | OutcomeWaived


def evolve(case: Case, event: OutcomeEvent) -> Case:
    """The case after a follow-up is settled."""
    match event:
        case OutcomeRecorded():
            settled = case.settled.plus((event.point, event.code, event.source))
            if event.level_match is not None:
                case = replace(case, level_match=case.level_match.insert(event.point, event.level_match))
        case OutcomeWaived():
            settled = case.settled.plus((event.point, event.reason, "WAIVED"))
        case _:
            assert_never(event)
    return replace(case, settled=settled, finalise_at=event.finalise_at)
