"""A missed term is the other side's business too: who was not awaited sees to it, as long as it stays missed.

The step that was missed stays open with the side that is awaited, so that both sides have a next move (domain reference
7.6: at a breach both contacts of the case are told, and after five working days their leads).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.casefile_codes import EscalationReason
from contracts.codes import Step
from services.casefile.domain.case import MISSED, WITH_ORGANISATION, Case, Context
from services.casefile.domain.guards import allow
from services.casefile.domain.responsibility import Moves, OpenStep, Party, find
from services.casefile.domain.reviews import gone_on
from services.casefile.domain.terms import Deadline, deadline
from services.chassis.modelling.decider import Command, Refused, To


class ResolveEscalation(Command, frozen=True, kw_only=True):
    """Say what was done about a missed term of the other side (`contracts.casefile_codes.Resolution`)."""

    resolution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRaised(Moves):
    """The side that was not awaited is asked to see to it that `awaited` missed a term, or has no access any more."""

    reason: str
    awaited: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationResolved(Moves):
    """What was done about it. As long as the term stays missed the step is due again."""

    resolution: str
    resolved_at: datetime


def resolve_escalation(command: ResolveEscalation, context: Context) -> list[Any]:
    """Records what was done, and asks again a few days later if that has not helped."""
    allow("resolve-escalation", context, command.by)
    case = context.case
    held = find(case.steps, Step.ESCALATION)
    if held is None or case.trajectory is None:
        raise Refused("NOTHING_ESCALATED", "no missed term waits for this side")
    if (Step.ESCALATION.value, command.resolution, command.at) in case.trajectory.reported:
        return []
    again = replace(held, deadlines=(due_after(context, command.at),))
    return [EscalationResolved(resolution=command.resolution, resolved_at=command.at, renews=(again,))]


def due_after(context: Context, since: datetime) -> Deadline:
    """When somebody has to have seen to it: as soon as the agency decides on a next service, in five working days."""
    return replace(deadline(context.terms, Step.NEXT_SERVICE, since), name=Step.ESCALATION.value)


def _awaited(step: OpenStep) -> str:
    return step.awaiting.org if step.awaiting is not None else step.owner.org


def behind(case: Case) -> frozenset[str]:
    """The organisations that are awaited in a step of which a term was missed."""
    return frozenset(
        _awaited(step)
        for step in case.steps
        if step.step != Step.ESCALATION and any((MISSED, due.name, due.due_at) in case.fired for due in step.deadlines)
    )


def sees_to_it(case: Case) -> Party | None:
    """Who sees to what the other side missed; nobody where nothing was missed, or by both, who then see it anyway.

    An organisation whose access has ended sees to nothing any more, and nobody waits for it until a term passes.
    """
    if case.state not in WITH_ORGANISATION or case.trajectory is None:
        return None
    if not case.organisation_reads:
        left = any(_awaited(step) == case.organisation for step in case.steps if step.step != Step.ESCALATION)
        return case.lead if left else None
    late = behind(case)
    if late == {case.organisation}:
        return case.lead
    return case.trajectory.coordinator if late == {case.agency} else None


def is_wanting(case: Case) -> bool:
    """Whether a missed term waits for somebody who has not been asked."""
    wanted, held = sees_to_it(case), find(case.steps, Step.ESCALATION)
    return wanted is not None and (held is None or held.owner.org != wanted.org)


def followed(decided: list[Any], context: Context, evolve: Callable[[Case, Any], Case]) -> list[Any]:
    """What was decided, and what follows for the side that was not awaited: it is asked, or is so no longer."""
    own = [event for event in decided if not isinstance(event, To)]
    after = context.case
    for event in own:
        after = evolve(after, event)
    if is_wanting(after):
        return [*decided, _raised(replace(context, case=after))]
    if find(after.steps, Step.ESCALATION) is not None and sees_to_it(after) is None:
        return _closing(decided)
    return decided


def _raised(context: Context) -> EscalationRaised:
    wanted = sees_to_it(context.case)
    assert wanted is not None  # noqa: S101 - asked before
    step = OpenStep(
        step=Step.ESCALATION.value, owner=wanted, since=context.at, deadlines=(due_after(context, context.at),)
    )
    case = context.case
    reason = EscalationReason.DEADLINE_MISSED if case.organisation_reads else EscalationReason.ACCESS_ENDED
    awaited = case.organisation if wanted.org == case.agency else case.agency
    assert awaited is not None  # noqa: S101 - nobody is asked while no organisation has the case
    return EscalationRaised(reason=reason.value, awaited=awaited, opens=(step,), renews=gone_on(context))


def _closing(decided: list[Any]) -> list[Any]:
    place = max((place for place, event in enumerate(decided) if isinstance(event, Moves)), default=None)
    if place is None:
        return decided
    last = decided[place]
    closes = (*last.closes, Step.ESCALATION.value)
    opens, renews = (_without_escalation(steps) for steps in (last.opens, last.renews))
    return [*decided[:place], replace(last, closes=closes, opens=opens, renews=renews), *decided[place + 1 :]]


def _without_escalation(steps: tuple[OpenStep, ...]) -> tuple[OpenStep, ...]:
    return tuple(step for step in steps if step.step != Step.ESCALATION)
