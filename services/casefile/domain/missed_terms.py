"""What a missed term brings: who of the other side sees to it, and when a term that recurs is due next."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.recurring import check_ins, reviews
from services.casefile.domain.state import MISSED, WITH_ORGANISATION, Case
from services.casefile.domain.steps import OpenStep, Party, find
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline


def due_after(context: Context, since: datetime) -> Deadline:
    """When somebody has to have seen to it: as soon as the agency decides on a next service, in five working days."""
    return replace(deadline(context.terms, Step.NEXT_SERVICE, since), name=Step.ESCALATION.value)


def behind(case: Case) -> frozenset[str]:
    """The organisations that are awaited in a step of the case's way of which a term was missed.

    A gap in services is no part of that way: who is told of a late answer is the ladder's business.
    """
    return frozenset(
        step.actor
        for step in case.steps
        if step.key != Step.ESCALATION
        and step.step != Step.SERVICE_GAP_ANSWER
        and any((MISSED, due.name, due.due_at) in case.fired for due in step.deadlines)
    )


def sees_to_it(case: Case) -> Party | None:
    """Who sees to what the other side missed; None where nothing was missed, or where both sides missed a term.

    An organisation whose access has ended sees to nothing any more, and no term has to pass before its lead does.
    """
    if case.state not in WITH_ORGANISATION or case.trajectory is None:
        return None
    if not case.organisation_reads:
        left = any(step.actor == case.organisation for step in case.steps if step.key != Step.ESCALATION)
        return case.lead if left else None
    late = behind(case)
    if late == {case.organisation}:
        return case.lead
    return case.trajectory.coordinator if late == {case.agency} else None


def is_wanting(case: Case) -> bool:
    """Whether a missed term waits for a person who has not been asked yet."""
    wanted, held = sees_to_it(case), find(case.steps, Step.ESCALATION)
    return wanted is not None and (held is None or held.owner.org != wanted.org)


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
