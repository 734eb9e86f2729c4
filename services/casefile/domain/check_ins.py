"""When the coordinator speaks with a pair: in week two, in week four, and then monthly from the agreement's start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count, takewhile

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.schedule import deadlines, settled_until
from services.casefile.domain.state import Agreement, Trajectory
from services.casefile.domain.steps import Moves, OpenStep, find
from services.casefile.domain.terms import Terms, day_of, deadline, start_of
from services.chassis.modelling.days import months_after

LONGEST_GAP = timedelta(days=35)
"""Between check-ins (domain reference 8, R1): after an early one the next is due no later, whatever the schedule."""


def check_ins(context: Context, agreement: Agreement, trajectory: Trajectory, since: datetime) -> Moves:
    """What becomes of the step, in a trajectory that was reported on like that: opened, due on other days, or done."""
    step = find(context.case.steps, Step.CHECK_IN)
    due = deadlines(Step.CHECK_IN, _days_left(context.terms, agreement, trajectory), context, step)
    if step is None:
        opened = OpenStep(step=Step.CHECK_IN.value, owner=trajectory.coordinator, since=since, deadlines=due)
        return Moves(opens=(opened,)) if due else Moves()
    if not due:
        return Moves(closes=(step.step,))
    if due == step.deadlines:
        return Moves()
    renewed = OpenStep(step=step.step, owner=step.owner, since=step.since, deadlines=due)
    return Moves(renews=(renewed,))


def _days_left(terms: Terms, agreement: Agreement, trajectory: Trajectory) -> list[date]:
    begin = max(agreement.start, day_of(terms, agreement.signed_at))
    if trajectory.resumed_at is not None:
        # What fell into a pause was not due.
        begin = max(begin, day_of(terms, trajectory.resumed_at))
    held = [day_of(terms, at) for kind, _, at in trajectory.reported if kind == Step.CHECK_IN]
    within = takewhile(lambda day: day <= agreement.end, _schedule(terms, agreement))
    scheduled = [day for day in within if day > begin]
    settled = settled_until(begin, scheduled, held)
    left = [day for day in scheduled if day > settled]
    last = max((day for day in held if day >= begin), default=None)
    if last is None:
        return left
    latest = last + LONGEST_GAP
    if left:
        return [min(left[0], latest), *left[1:]]
    return [latest] if latest < agreement.end else []


def _schedule(terms: Terms, agreement: Agreement) -> Iterator[date]:
    started = start_of(terms, agreement.start)
    second = day_of(terms, deadline(terms, "CHECK_IN_SECOND", started).due_at)
    yield day_of(terms, deadline(terms, "CHECK_IN_FIRST", started).due_at)
    yield second
    yield from (day for month in count(1) if (day := months_after(agreement.start, month)) > second)
