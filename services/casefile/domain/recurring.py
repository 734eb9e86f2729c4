"""The steps whose term recurs, and when it is due next."""

from __future__ import annotations

from contracts.codes import Step
from services.casefile.domain.check_ins import check_ins
from services.casefile.domain.context import Context
from services.casefile.domain.reviews import reviews
from services.casefile.domain.steps import OpenStep, find


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
