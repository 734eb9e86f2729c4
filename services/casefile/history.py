"""Who is, or was, responsible: a fold over the case's stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.codes import Step
from services.casefile.domain.case import Case
from services.casefile.domain.responsibility import Awaiting, OpenStep, Party
from services.casefile.domain.transitions import evolve
from services.casefile.timeline import known
from services.chassis.log.metadata import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """An open step: its one owner since when, until when, and whom the owner waits for."""

    step: str
    owner: Party
    since: datetime
    due_at: datetime | None
    overdue: bool
    awaiting: Awaiting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsibility:
    """The case lead (None before the case was opened) and the open steps, in the order of the case's life."""

    case_lead: Party | None
    steps: tuple[StepView, ...]


def fold(records: Sequence[Recorded], *, as_of: datetime | None = None, known_at: datetime | None = None) -> Case:
    """The case as of an instant, as it was known at another."""
    case = Case()
    for recorded in known(records, as_of, known_at):
        case = evolve(case, recorded.event)
    return case


def responsibility(records: Sequence[Recorded], *, as_of: datetime, known_at: datetime | None = None) -> Responsibility:
    """Who was responsible for what at `as_of`, as the service knew it at `known_at` (without it: as it knows now)."""
    return of_case(fold(records, as_of=as_of, known_at=known_at), at=as_of)


def of_case(case: Case, *, at: datetime) -> Responsibility:
    """Who is responsible for what in a case, seen at an instant."""
    order = [step.value for step in Step]
    steps = sorted(case.steps, key=lambda step: order.index(step.step))
    return Responsibility(case_lead=case.lead, steps=tuple(_view(step, at) for step in steps))


def _view(step: OpenStep, at: datetime) -> StepView:
    return StepView(
        step=step.step,
        owner=step.owner,
        since=step.since,
        due_at=step.due_at,
        overdue=step.due_at is not None and step.due_at < at,
        awaiting=step.awaiting,
    )
