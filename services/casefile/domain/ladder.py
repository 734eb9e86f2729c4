"""The ladder of a missed term: after the reminder and the breach the leads of both sides are told, and then the board.

Who is told at a level is data of the programme. An event says it as roles and organisations, as they were at that time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.codes import Role, Step
from contracts.terms import LEVEL_AFTER, Notified, whole_ladder
from services.casefile.domain.context import Context
from services.casefile.domain.open_matters import LateTerm
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Moves, OpenStep, Party, step_of
from services.chassis.modelling.decider import Command, Event
from services.chassis.modelling.ladder import LevelDue, Receiver, levels_after, without


class EscalateDeadline(Command, frozen=True, kw_only=True):
    """The term `name` that was due at `due_at` comes to a level."""

    name: str
    due_at: datetime
    level: str


class DeadlineEscalated(Event, frozen=True, kw_only=True):
    """What a missed term waits for is still not done, and those in `notified` hear of it.

    `substitutes` stand in for those among them whom the case names and who are away.
    """

    deadline: str
    step: str
    due_at: datetime
    level: str
    notified: tuple[Receiver, ...]
    owner: Party
    awaited: str
    substitutes: tuple[Party, ...] | UnsetType = UNSET


def receivers_at(level: str, context: Context, step: OpenStep) -> tuple[Receiver, ...]:
    """Who is told of a term in a step when it comes to a level, each once."""
    case = context.case
    about = _organisation(case, step)
    coordinator = Receiver(role=Role.NGO_COORDINATOR.value, org=about) if about is not None else None
    contacts = {case.agency: Receiver(role=Role.AGENCY_COUNSELLOR.value, org=case.agency), about: coordinator}
    whom: Mapping[str, tuple[Receiver | None, ...]] = {
        # The owner answers for the step, also where somebody else's act is awaited in it.
        Notified.OWNER: (Receiver(role=step.owner.role, org=step.owner.org), _awaited(step, contacts)),
        Notified.CASE_CONTACTS: (contacts[case.agency], coordinator),
        Notified.LEADS: (
            Receiver(role=Role.AGENCY_TEAM_LEAD.value, org=case.agency),
            Receiver(role=Role.NGO_LEAD.value, org=about) if about is not None else None,
        ),
        Notified.BOARD: (Receiver(role=Role.AUDITOR.value),),
    }
    named = (receiver for kind in _ladder(context)[level] for receiver in whom[kind] if receiver is not None)
    return tuple(dict.fromkeys(named))


def _ladder(context: Context) -> Mapping[str, tuple[str, ...]]:
    return whole_ladder(context.rules.ladder)


def _organisation(case: Case, step: OpenStep) -> str | None:
    """The organisation that reads of the step; nobody else's, of a gap that was reported with another one."""
    if not case.organisation_reads:
        return None
    gap = next((gap for gap in case.gaps if gap.gap == step.about), None)
    return case.organisation if gap is None or gap.organisation == case.organisation else None


def _awaited(step: OpenStep, contacts: Mapping[str | None, Receiver | None]) -> Receiver | None:
    return contacts.get(step.actor) if step.actor != step.owner.org else None


def levels_of(context: Context, due_at: datetime) -> tuple[LevelDue, ...]:
    """The levels that a term comes to which is missed now: those at which the programme has somebody told."""
    ladder = _ladder(context)
    return levels_after(due_at, context.terms, {level: term for level, term in LEVEL_AFTER.items() if ladder[level]})


def escalate_deadline(command: EscalateDeadline, context: Context) -> list[DeadlineEscalated]:
    """Tells those of the next level, once; nothing where what the term waits for is done, or it is not that far."""
    late = next((late for late in late_terms(context.case) if late.is_of(command.name, command.due_at)), None)
    if late is None or not any(due.level == command.level and due.at <= command.at for due in late.to_come):
        return []
    step = step_behind(context.case, late)
    return [
        DeadlineEscalated(
            deadline=late.name,
            step=step.step,
            due_at=late.due_at,
            level=command.level,
            notified=receivers_at(command.level, context, step),
            owner=step.owner,
            awaited=step.actor,
        )
    ]


def late_terms(case: Case) -> Iterator[LateTerm]:
    """The missed terms whose act is still awaited."""
    if not case.late:
        return iter(())
    open_now = {step.key for step in case.steps}
    promised = {due.name for gap in case.gaps if (due := gap.action_due) is not None}
    return (late for late in case.late if late.key in open_now or late.key in promised)


def step_behind(case: Case, late: LateTerm) -> OpenStep:
    """The step that a missed term belongs to; what was promised in answer to a gap is the lead's to do."""
    step = next((step for step in case.steps if step.key == late.key), None)
    if step is not None:
        return step
    assert case.lead is not None  # noqa: S101 - every opened case has a lead
    return OpenStep(step=Step.SERVICE_GAP_ANSWER.value, owner=case.lead, since=late.due_at, about=late.about)


def reached(case: Case, name: str, due_at: datetime, level: str, receivers: tuple[Receiver, ...]) -> Case:
    """The case whose missed term has come to a level; so has what somebody was asked to see to because of it."""
    changed = next((late for late in case.late if late.is_of(name, due_at)), None)
    if changed is None:
        return case
    now = replace(
        changed,
        level=max(changed.level, level),
        notified=tuple(dict.fromkeys((*changed.notified, *receivers))),
        to_come=without(changed.to_come, level),
    )
    # Of one that was missed again and again, what has come to its last level is shown by the latest.
    others = (late for late in case.late if late is not changed and not (late.name == name and not late.to_come))
    case = replace(case, late=(*others, now))
    return _with_escalation(case, changed.key, level)


def _with_escalation(case: Case, key: str, level: str) -> Case:
    if step_of(key) == Step.SERVICE_GAP_ANSWER or key not in {step.key for step in case.steps}:
        return case
    ident = key.removeprefix(f"{Step.ESCALATION.value}:")
    of_term = next((held.id for held in reversed(case.escalations) if not held.own_step), None)
    if ident == key:
        # What the other side was asked to see to is open as long as its step is.
        if of_term is None or Step.ESCALATION not in {step.key for step in case.steps}:
            return case
        ident = of_term
    place = next((place for place, held in enumerate(case.escalations) if held.id == ident), None)
    if place is None:
        return case
    held = case.escalations[place]
    return replace(case, escalations=case.escalations.changed(place, replace(held, level=max(held.level, level))))


def still_late(case: Case, event: Moves, *, goes_on: bool) -> tuple[LateTerm, ...]:
    """The missed terms of a case that are still missed after an event has moved its steps.

    What ends a step, or sets it other terms, ends the ladder of those that it has no more. An event that `goes_on` is
    not the act that is awaited: it sets what is due next beside what was missed.
    """
    steps = {step.key: step for step in case.steps}
    touched = {*event.closes, *(step.key for step in (*event.opens, *event.renews))}
    return tuple(
        late
        for late in case.late
        if late.key not in touched or ((step := steps.get(late.key)) is not None and (goes_on or _runs(late, step)))
    )


def _runs(late: LateTerm, step: OpenStep) -> bool:
    if step.awaiting is not None and step.awaiting.due_at == late.due_at:
        return True
    return any(late.is_of(due.name, due.due_at) for due in step.deadlines)


def late_of(case: Case, name: str, step: str, due_at: datetime) -> str | None:
    """The key of what a term that was missed just now runs in; None where that ended with it."""
    for held in case.steps:
        if any((due.name, due.due_at) == (name, due_at) for due in held.deadlines):
            return held.key
    if any(due.name == name for gap in case.gaps if (due := gap.action_due) is not None):
        return name
    # One that recurs is due again already.
    return step if any(held.key == step for held in case.steps) else None
