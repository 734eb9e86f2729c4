"""The case's deadlines: what runs, when somebody is reminded, and what happens when a term has passed.

Names are unique among what runs in a case: a step's own terms, `NGO_ACCESS:<referral>`, and `FINALISE`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import CaseState, Step
from services.casefile.domain.context import Context
from services.casefile.domain.missed_terms import due_after, gone_on, is_wanting
from services.casefile.domain.organisation_part import access_ends
from services.casefile.domain.state import MISSED, REMINDED, Case
from services.casefile.domain.steps import Moves, OpenStep, Party, ended_by
from services.chassis.modelling.decider import Command, Event

FINALISE = "FINALISE"
ESCALATE = "ESCALATE"
"""Fires where a term was missed before the service asked the other side about it: in what was recorded earlier."""


class RemindDeadline(Command, frozen=True, kw_only=True):
    """A term's reminder is due: of the one due at `due_at` where that is given, as a term that recurs runs again."""

    name: str
    due_at: datetime | None = None


class PassDeadline(Command, frozen=True, kw_only=True):
    """A term has passed; `due_at` as in `RemindDeadline`."""

    name: str
    due_at: datetime | None = None


class DeadlineReminded(Event, frozen=True, kw_only=True):
    """The term's reminder is due (`REMIND_AFTER`); `awaited` is the organisation that is reminded."""

    BYSTANDER: ClassVar[bool] = True
    deadline: str
    step: str
    due_at: datetime
    owner: Party
    awaited: str


class DeadlineMissed(Moves, frozen=True, kw_only=True):
    """A term has passed without what it waited for. One that recurs is due again as renewed."""

    deadline: str
    step: str
    due_at: datetime
    owner: Party
    awaited: str


class NgoAccessExpired(Moves, frozen=True, kw_only=True):
    """The organisation's access to the case ended with its term."""

    referral: str
    organisation: str


class CaseFinalised(Moves, frozen=True, kw_only=True):
    """Every follow-up is recorded or waived; the case takes nothing but corrections."""


class Running(Struct, frozen=True, kw_only=True):
    """A deadline that is still to fire. `remind_at` is None where it has fired, or where no reminder is due.

    `group` is the key of the step that the deadline ends with; for the others it is the name itself.
    """

    name: str
    group: str
    remind_at: datetime | None
    due_at: datetime


def running(case: Case) -> tuple[Running, ...]:
    """All that is still to fire in a case."""
    return tuple(_running(case))


def _running(case: Case) -> Iterator[Running]:
    for step in case.steps:
        for due in step.deadlines:
            reminded = (REMINDED, due.name, due.due_at) in case.fired
            missed = (MISSED, due.name, due.due_at) in case.fired
            if not missed:
                yield Running(
                    name=due.name,
                    group=step.key,
                    remind_at=None if reminded else due.remind_at,
                    due_at=due.due_at,
                )
    for access in case.accesses:
        if access.expires is not None and not access.closed:
            name = f"{access.expires.name}:{access.referral}"
            yield Running(name=name, group=name, remind_at=None, due_at=access.expires.due_at)
    if is_wanting(case):
        since = [step.since for step in case.steps]
        late = min((due_at for kind, _, due_at in case.fired if kind == MISSED), default=min(since))
        yield Running(name=ESCALATE, group=ESCALATE, remind_at=None, due_at=late)
    if case.finalise_at is not None and case.state == CaseState.CLOSED:
        yield Running(name=FINALISE, group=FINALISE, remind_at=None, due_at=case.finalise_at)


def remind_deadline(command: RemindDeadline, context: Context) -> list[DeadlineReminded]:
    """Reminds once; what no longer runs, or is not that far, is left alone."""
    found = _find(context.case, command)
    if found is None or found.remind_at is None or found.remind_at > command.at:
        return []
    step = _step_of(context.case, found)
    return [
        DeadlineReminded(deadline=found.name, step=step.step, due_at=found.due_at, owner=step.owner, awaited=step.actor)
    ]


def pass_deadline(command: PassDeadline, context: Context) -> list[DeadlineMissed | NgoAccessExpired | CaseFinalised]:
    """Records a breach once, and what recurs is due again; the system's own terms end an access, or finalise the case.

    That the other side is asked to see to the breach follows from it (`escalation.followed`).
    """
    case = context.case
    found = _find(case, command)
    if found is None or found.due_at > command.at:
        return []
    if found.name == FINALISE:
        return [CaseFinalised(closes=ended_by(case.steps))]
    for access in case.accesses:
        if found.name == f"NGO_ACCESS:{access.referral}":
            return [NgoAccessExpired(referral=access.referral, organisation=access.organisation)]
    if found.name == ESCALATE:
        return []
    step = _step_of(case, found)
    return [
        DeadlineMissed(
            deadline=found.name,
            step=step.step,
            due_at=found.due_at,
            owner=step.owner,
            awaited=step.actor,
            renews=_due_again(context, step, found),
        )
    ]


def _find(case: Case, command: RemindDeadline | PassDeadline) -> Running | None:
    found = next((deadline for deadline in _running(case) if deadline.name == command.name), None)
    return found if found is None or command.due_at in (None, found.due_at) else None


def _step_of(case: Case, found: Running) -> OpenStep:
    return next(step for step in case.steps if step.key == found.group)


def _due_again(context: Context, step: OpenStep, found: Running) -> tuple[OpenStep, ...]:
    if step.step == Step.ESCALATION:
        return (replace(step, deadlines=(step.deadlines[0], due_after(context, found.due_at))),)
    missed = replace(context.case, fired=context.case.fired | {(MISSED, found.name, found.due_at)})
    return tuple(again for again in gone_on(replace(context, case=missed)) if again.key == step.key)


DeadlineEvent = DeadlineReminded | DeadlineMissed | NgoAccessExpired | CaseFinalised


def evolve(case: Case, event: DeadlineEvent) -> Case:
    """The case after a reminder, or once a term has passed."""
    match event:
        case DeadlineReminded():
            return replace(case, fired=case.fired | {(REMINDED, event.deadline, event.due_at)})
        case DeadlineMissed():
            return replace(case, fired=case.fired | {(MISSED, event.deadline, event.due_at)})
        case NgoAccessExpired():
            return access_ends(case, event.referral, closed=True)
        case CaseFinalised():
            return case
        case _:
            assert_never(event)
