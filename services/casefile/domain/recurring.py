"""Terms that recur: check-ins of a pair, and reviews of a pause.

A report settles the scheduled day that it belongs to, and a missed day ends none. Each scheduled day stands by itself:
neither a miss nor a report that comes early or late moves the days after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import count, takewhile

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.state import MISSED, Agreement, Trajectory
from services.casefile.domain.steps import Moves, OpenStep, find
from services.casefile.domain.terms import ProgrammeCalendar, day_of, deadline, start_of, until
from services.chassis.modelling.days import months_after
from services.chassis.modelling.deadline import Deadline

LONGEST_GAP = timedelta(days=35)
"""Between check-ins (domain reference 8, R1): after an early one the next is due no later, whatever the schedule."""
LONGEST_PAUSE = "SUSPENSION_MAX"


def check_ins(context: Context, agreement: Agreement, trajectory: Trajectory, since: datetime) -> Moves:
    """What becomes of the step, in a trajectory that was reported on like that: opened, due on other days, or done."""
    step = find(context.case.steps, Step.CHECK_IN)
    due = _deadlines(Step.CHECK_IN, _days_left(context.terms, agreement, trajectory, _apart(context)), context, step)
    if step is None:
        opened = OpenStep(step=Step.CHECK_IN.value, owner=trajectory.coordinator, since=since, deadlines=due)
        return Moves(opens=(opened,)) if due else Moves()
    if not due:
        return Moves(closes=(step.step,))
    if due == step.deadlines:
        return Moves()
    renewed = OpenStep(step=step.step, owner=step.owner, since=step.since, deadlines=due)
    return Moves(renews=(renewed,))


def _apart(context: Context) -> timedelta | None:
    """How far apart the check-ins are at most, by what else the person needs; None where the schedule is enough."""
    needs = context.case.referral.support_needs if context.case.referral is not None else ()
    often = [context.rules.check_in_every_days[need] for need in needs if need in context.rules.check_in_every_days]
    return timedelta(days=min(often)) if often else None


def _days_left(
    terms: ProgrammeCalendar, agreement: Agreement, trajectory: Trajectory, apart: timedelta | None
) -> list[date]:
    begin = max(agreement.start, day_of(terms, agreement.signed_at))
    if trajectory.resumed_at is not None:
        # What fell into a pause was not due.
        begin = max(begin, day_of(terms, trajectory.resumed_at))
    held = [day_of(terms, at) for kind, _, at in trajectory.reported if kind == Step.CHECK_IN]
    within = takewhile(lambda day: day <= agreement.end, _check_in_days(terms, agreement, apart))
    scheduled = [day for day in within if day > begin]
    settled = _settled_until(begin, scheduled, held)
    left = [day for day in scheduled if day > settled]
    last = max((day for day in held if day >= begin), default=None)
    if last is None:
        return left
    latest = last + min(LONGEST_GAP, apart or LONGEST_GAP)
    if left:
        return [min(left[0], latest), *left[1:]]
    return [latest] if latest < agreement.end else []


def _check_in_days(terms: ProgrammeCalendar, agreement: Agreement, apart: timedelta | None) -> Iterator[date]:
    before = agreement.start
    for day in _scheduled_days(terms, agreement):
        while apart is not None and before + apart < day:
            before += apart
            yield before
        yield day
        before = day


def _scheduled_days(terms: ProgrammeCalendar, agreement: Agreement) -> Iterator[date]:
    started = start_of(terms, agreement.start)
    second = day_of(terms, deadline(terms, "CHECK_IN_SECOND", started).due_at)
    yield day_of(terms, deadline(terms, "CHECK_IN_FIRST", started).due_at)
    yield second
    yield from (day for month in count(1) if (day := months_after(agreement.start, month)) > second)


def reviews(context: Context, trajectory: Trajectory, *more: datetime) -> tuple[OpenStep, ...]:
    """The step with the reviews that are due, where they are others than it has; `more` were held as well."""
    step = find(context.case.steps, Step.SUSPENSION_REVIEW)
    paused = trajectory.suspension
    if step is None or paused is None or paused.since is None:
        return ()
    begin, terms = day_of(context.terms, paused.since), context.terms
    longest = tuple(due for due in step.deadlines if due.name == LONGEST_PAUSE)
    ends = day_of(terms, longest[0].due_at) if longest else begin
    scheduled = list(takewhile(lambda day: day < ends, _review_days(terms, paused.since)))
    held = [at for kind, _, at in trajectory.reported if kind == "REVIEW"]
    settled = _settled_until(begin, scheduled, [day_of(terms, at) for at in (*held, *more)])
    due = _deadlines(Step.SUSPENSION_REVIEW, [day for day in scheduled if day > settled], context, step)
    if (*due, *longest) == step.deadlines:
        return ()
    return (OpenStep(step=step.step, owner=step.owner, since=step.since, deadlines=(*due, *longest)),)


def _review_days(terms: ProgrammeCalendar, since: datetime) -> Iterator[date]:
    while True:
        since = deadline(terms, Step.SUSPENSION_REVIEW, since).due_at
        yield day_of(terms, since)


def _settled_until(begin: date, scheduled: Sequence[date], held: Iterable[date]) -> date:
    """The last scheduled day that is settled; `begin`, where the schedule starts, as long as none is.

    What was held belongs to the nearest scheduled day, and to the earlier of two equally near ones; it settles that
    day, and those before it, which cannot be made good any more.
    """
    days = [begin, *scheduled]
    return max((min(days, key=lambda day: (abs(day - at), day)) for at in held), default=begin)


def _deadlines(name: str, days: Sequence[date], context: Context, step: OpenStep | None) -> tuple[Deadline, ...]:
    """The deadlines of the days that are not settled: the first one, and if that was missed also the next to come.

    Those that run in `step` already keep their reminders.
    """
    running = {due.due_at: due for due in step.deadlines if due.name == name} if step is not None else {}
    planned = [_until(running, name, context, day) for day in days]
    to_come = next((due for due in planned if (MISSED, name, due.due_at) not in context.case.fired), None)
    return tuple(dict.fromkeys(due for due in (*planned[:1], to_come) if due is not None))


def _until(running: dict[datetime, Deadline], name: str, context: Context, day: date) -> Deadline:
    due = until(context.terms, name, context.at, day)
    return running.get(due.due_at, due)
