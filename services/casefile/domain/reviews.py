"""A pause is reviewed every so often, counted from its beginning, until the longest pause there may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import Any

from contracts.codes import Step
from services.casefile.domain.case import Context, Trajectory
from services.casefile.domain.check_ins import check_ins
from services.casefile.domain.guards import allow, happened
from services.casefile.domain.mentoring import trajectory_of
from services.casefile.domain.recurring import deadlines, settled_until
from services.casefile.domain.responsibility import Moves, OpenStep, find
from services.casefile.domain.terms import Terms, day_of, deadline
from services.chassis.modelling.decider import Command

LONGEST = "SUSPENSION_MAX"


class ReviewSuspension(Command, frozen=True, kw_only=True):
    """The coordinator asked whether the pause still holds, and it does."""

    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionReviewed(Moves):
    """The pause was reviewed, and goes on; the next review is due as renewed."""

    happened_at: datetime


def review_suspension(command: ReviewSuspension, context: Context) -> list[Any]:
    """Records a review; it settles the one that it is nearest to."""
    allow("review-suspension", context, command.by)
    trajectory = trajectory_of(context.case)
    when = happened(command.occurred_at, command.at, not_before=trajectory.suspended_at or trajectory.accepted_at)
    if ("REVIEW", "", when) in trajectory.reported:
        return []
    reviewed = SuspensionReviewed(happened_at=when)
    renews = reviews(context, trajectory, when)
    return [reviewed if not renews else SuspensionReviewed(happened_at=when, renews=renews)]


def reviews(context: Context, trajectory: Trajectory, *more: datetime) -> tuple[OpenStep, ...]:
    """The step with the reviews that are due, where they are others than it has; `more` were held as well."""
    step = find(context.case.steps, Step.SUSPENSION_REVIEW)
    if step is None or trajectory.suspended_at is None:
        return ()
    begin, terms = day_of(context.terms, trajectory.suspended_at), context.terms
    longest = tuple(due for due in step.deadlines if due.name == LONGEST)
    ends = day_of(terms, longest[0].due_at) if longest else begin
    scheduled = list(takewhile(lambda day: day < ends, _schedule(terms, trajectory.suspended_at)))
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


def gone_on(context: Context) -> tuple[OpenStep, ...]:
    """The steps whose recurring term has to be set again: after a miss the next one is due."""
    trajectory, match = context.case.trajectory, context.case.match
    if trajectory is None:
        return ()
    if find(context.case.steps, Step.SUSPENSION_REVIEW) is not None:
        return reviews(context, trajectory)
    if match is None or match.agreement is None or find(context.case.steps, Step.CHECK_IN) is None:
        return ()
    return check_ins(context, match.agreement, trajectory, context.at).renews
