"""When a pause is reviewed: every so often, counted from its beginning, until the longest pause there may be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import takewhile

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.schedule import deadlines, settled_until
from services.casefile.domain.state import Trajectory
from services.casefile.domain.steps import OpenStep, find
from services.casefile.domain.terms import Terms, day_of, deadline

LONGEST = "SUSPENSION_MAX"


def reviews(context: Context, trajectory: Trajectory, *more: datetime) -> tuple[OpenStep, ...]:
    """The step with the reviews that are due, where they are others than it has; `more` were held as well."""
    step = find(context.case.steps, Step.SUSPENSION_REVIEW)
    paused = trajectory.suspension
    if step is None or paused is None or paused.since is None:
        return ()
    begin, terms = day_of(context.terms, paused.since), context.terms
    longest = tuple(due for due in step.deadlines if due.name == LONGEST)
    ends = day_of(terms, longest[0].due_at) if longest else begin
    scheduled = list(takewhile(lambda day: day < ends, _schedule(terms, paused.since)))
    held = [at for kind, _, at in trajectory.reported if kind == "REVIEW"]
    settled = settled_until(begin, scheduled, [day_of(terms, at) for at in (*held, *more)])
    due = deadlines(Step.SUSPENSION_REVIEW, [day for day in scheduled if day > settled], context, step)
    if (*due, *longest) == step.deadlines:
        return ()
    return (OpenStep(step=step.step, owner=step.owner, since=step.since, deadlines=(*due, *longest)),)


def _schedule(terms: Terms, since: datetime) -> Iterator[date]:
    while True:
        since = deadline(terms, Step.SUSPENSION_REVIEW, since).due_at
        yield day_of(terms, since)
