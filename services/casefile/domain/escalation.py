"""A missed term is the other side's business too: the side that was not awaited sees to it, as long as it stays missed.

The step that was missed stays open with the side that is awaited, so that both sides have a next move (docs/domain.md:
at a breach both contacts of the case are told, and after five working days their leads).
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar, assert_never

from msgspec.structs import replace

from contracts.casefile_codes import EscalationReason
from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow
from services.casefile.domain.missed_terms import due_after, gone_on, is_wanting, sees_to_it
from services.casefile.domain.state import Case, with_reported
from services.casefile.domain.steps import Moves, OpenStep, find
from services.chassis.modelling.decider import Command, Refused

E = TypeVar("E")


class ResolveEscalation(Command, frozen=True, kw_only=True):
    """Say what was done about a missed term of the other side (`contracts.casefile_codes.Resolution`)."""

    resolution: str


class EscalationRaised(Moves, frozen=True, kw_only=True):
    """`awaited` missed a term, or has no access any more; the other side is asked to see to it."""

    reason: str
    awaited: str


class EscalationResolved(Moves, frozen=True, kw_only=True):
    """What was done about it. As long as the term stays missed the step is due again."""

    resolution: str
    resolved_at: datetime


def resolve_escalation(command: ResolveEscalation, context: Context) -> list[EscalationResolved]:
    """Records what was done, and asks again a few days later if that has not helped."""
    allow("resolve-escalation", context, command.by)
    case = context.case
    held = find(case.steps, Step.ESCALATION)
    if held is None or case.trajectory is None:
        raise Refused("NOTHING_ESCALATED", "no missed term of the other side is open")
    if (Step.ESCALATION.value, command.resolution, command.at) in case.trajectory.reported:
        return []
    again = replace(held, deadlines=(due_after(context, command.at),))
    return [EscalationResolved(resolution=command.resolution, resolved_at=command.at, renews=(again,))]


def followed(decided: list[E], context: Context) -> list[E | EscalationRaised]:
    """What was decided, and what follows for the side that was not awaited: it is asked, or no longer needed.

    `context` has the case as it is after what was decided.
    """
    after = context.case
    if is_wanting(after):
        return [*decided, _raised(context)]
    if find(after.steps, Step.ESCALATION) is not None and sees_to_it(after) is None:
        return [*_closing(decided)]
    return [*decided]


def substitution_signal(context: Context) -> EscalationRaised:
    """Exceptions have become so many that mentors may do what public services owe: the agency and both leads see it."""
    return EscalationRaised(reason=EscalationReason.SUBSTITUTION_SIGNAL.value, awaited=context.case.agency)


def _raised(context: Context) -> EscalationRaised:
    wanted = sees_to_it(context.case)
    assert wanted is not None  # noqa: S101 - is_wanting says so
    step = OpenStep(
        step=Step.ESCALATION.value, owner=wanted, since=context.at, deadlines=(due_after(context, context.at),)
    )
    case = context.case
    reason = EscalationReason.DEADLINE_MISSED if case.organisation_reads else EscalationReason.ACCESS_ENDED
    awaited = case.organisation if wanted.org == case.agency else case.agency
    assert awaited is not None  # noqa: S101 - an escalation needs an organisation
    return EscalationRaised(reason=reason.value, awaited=awaited, opens=(step,), renews=gone_on(context))


def _closing(decided: list[E]) -> list[E]:
    """The same, and the last event that moves steps ends the escalation as well."""
    for place in reversed(range(len(decided))):
        event = decided[place]
        if isinstance(event, Moves):
            ended = replace(
                event,
                closes=(*event.closes, Step.ESCALATION.value),
                opens=_without_escalation(event.opens),
                renews=_without_escalation(event.renews),
            )
            return [*decided[:place], ended, *decided[place + 1 :]]
    return decided


def _without_escalation(steps: tuple[OpenStep, ...]) -> tuple[OpenStep, ...]:
    return tuple(step for step in steps if step.step != Step.ESCALATION)


EscalationEvent = EscalationRaised | EscalationResolved


def evolve(case: Case, event: EscalationEvent) -> Case:
    """The case after an event of an escalation."""
    match event:
        case EscalationRaised():
            return case
        case EscalationResolved():
            return with_reported(case, ("ESCALATION", event.resolution, event.resolved_at))
        case _:
            assert_never(event)
