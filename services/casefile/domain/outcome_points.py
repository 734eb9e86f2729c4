"""The four points at which an outcome is recorded, and the rule that none is recorded before its day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from contracts.casefile_codes import OutcomePoint, WaiveReason
from services.casefile.domain.context import Context
from services.casefile.domain.state import Case
from services.casefile.domain.terms import ProgrammeCalendar, day_of, start_of
from services.chassis.modelling.days import months_after
from services.chassis.modelling.decider import Fault, Refused

WAIVED_AHEAD = frozenset({WaiveReason.PERSON_DECLINED.value, WaiveReason.MOVED.value})
"""A person who declined or moved is not asked later either; whether contact is lost shows on the day."""


def days_of(terms: ProgrammeCalendar, exit_at: datetime) -> dict[OutcomePoint, date]:
    """The day of each point: the exit's own, 28 days, six and twelve months after it."""
    out = day_of(terms, exit_at)
    return {
        OutcomePoint.EXIT: out,
        OutcomePoint.W4: out + timedelta(weeks=4),
        OutcomePoint.M6: months_after(out, 6),
        OutcomePoint.M12: months_after(out, 12),
    }


def check_due(context: Context, point: str, at: datetime, occurred_at: datetime | None) -> None:
    """Refuses an outcome that is recorded on, or dated to, a day before that of its point."""
    day = _day(context, point)
    begins = start_of(context.terms, day)
    if at < begins:
        raise _not_due("record-outcome", point, day)
    if occurred_at is not None and occurred_at < begins:
        raise Refused.input(
            Fault(
                "/occurredAt", "OUTCOME_NOT_DUE", f"an outcome at {point} is dated {day} or later", rests_on=("/point",)
            )
        )


def check_waiver(context: Context, point: str, reason: str, at: datetime) -> None:
    """Refuses to leave a point out before its day, unless the person declined or moved."""
    day = _day(context, point)
    if at < start_of(context.terms, day) and reason not in WAIVED_AHEAD:
        allowed = " or ".join(sorted(WAIVED_AHEAD))
        raise Refused.input(
            Fault(
                "/reason",
                "OUTCOME_NOT_DUE",
                f"{point} is waived before {day} with {allowed} only",
                rests_on=("/point",),
            )
        )


def check_any_due(context: Context) -> None:
    """Refuses as long as the next point that is still open has its day to come."""
    first = _next(context)
    if first is not None and context.at < start_of(context.terms, first[0]):
        raise _not_due("record-outcome", first[1], first[0])


def next_begins(context: Context) -> datetime | None:
    """The first instant at which the next point that is still open may be recorded; None where none is open."""
    first = _next(context) if context.case.followed_from is not None else None
    return start_of(context.terms, first[0]) if first is not None else None


def _next(context: Context) -> tuple[date, OutcomePoint] | None:
    settled = {point for point, _, _ in context.case.settled}
    return min(((_day(context, point), point) for point in OutcomePoint if point not in settled), default=None)


def _day(context: Context, point: str) -> date:
    return days_of(context.terms, _exit(context.case))[OutcomePoint(point)]


def _exit(case: Case) -> datetime:
    if case.followed_from is None:
        raise Refused("NOT_CLOSED", "outcomes are recorded only for a closed case")
    return case.followed_from


def _not_due(action: str, point: str, day: date) -> Refused:
    return Refused(
        "OUTCOME_NOT_DUE",
        f"{action}: {point} is due on {day} and recorded from that day on",
        who_can_unblock=f"time, on {day}",
    )
