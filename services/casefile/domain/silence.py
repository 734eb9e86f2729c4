"""A pair that does not meet: after a while the coordinator is due to ask both, and soon.

Mentor and mentee are watched from their agreement, from the end of a pause, and from each meeting on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import UNSET, UnsetType

from contracts.codes import CaseState, Step
from services.casefile.domain.context import Context
from services.casefile.domain.state import Case, trajectory_of
from services.casefile.domain.steps import Moves, OpenStep, find, key_of
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline

SILENCE: Final = "SILENCE"
SILENCE_CHECK_IN: Final = "SILENCE_CHECK_IN"
ASKED: Final = key_of(Step.CHECK_IN.value, SILENCE)


class SilenceNoticed(Moves, frozen=True, kw_only=True):
    """The pair has not met for the programme's term, and the coordinator is due to ask both."""

    silent_since: datetime | None = None


def watch(context: Context, since: datetime) -> Deadline | UnsetType:
    """Until when the pair meets, from a meeting or a beginning on; unset where it runs for longer already."""
    held = context.case.trajectory.silence if context.case.trajectory is not None else None
    due = deadline(context.terms, SILENCE, since)
    return UNSET if held is not None and held.due_at >= due.due_at else due


def met(context: Context, when: datetime) -> tuple[Deadline | UnsetType, tuple[str, ...]]:
    """Until when the pair is to meet again after a meeting, and what that ends: nobody asks a pair that has met."""
    due = watch(context, when)
    if due is UNSET or due.due_at <= context.at:
        return UNSET, ()
    return due, asked(context.case)


def talked(context: Context, when: datetime) -> tuple[Deadline | UnsetType, tuple[str, ...]]:
    """The same after a check-in: it ends the question that it answers, and the pair is watched from then on."""
    step = find(context.case.steps, Step.CHECK_IN, SILENCE)
    if step is None or when < step.since:
        return UNSET, ()
    return watch(context, when), (ASKED,)


def asked(case: Case) -> tuple[str, ...]:
    """The key of the step in which the coordinator asks the pair, where that is open."""
    return (ASKED,) if find(case.steps, Step.CHECK_IN, SILENCE) is not None else ()


def watched(case: Case) -> Deadline | None:
    """When the silence of the pair is noticed, if nothing else happens; None where no pair meets."""
    now, match = case.trajectory, case.match
    if case.state != CaseState.MENTORING or now is None or match is None or match.agreement is None:
        return None
    due = now.silence
    return due if due is not None and due.due_at.date() <= match.agreement.end else None


def noticed(context: Context, due_at: datetime) -> SilenceNoticed:
    """The coordinator is to ask the pair, in a step of its own beside the check-ins of the schedule."""
    step = OpenStep(
        step=Step.CHECK_IN.value,
        owner=trajectory_of(context.case).coordinator,
        since=due_at,
        deadlines=(deadline(context.terms, SILENCE_CHECK_IN, due_at),),
        about=SILENCE,
    )
    return SilenceNoticed(opens=(step,), silent_since=_since(context.case))


def _since(case: Case) -> datetime | None:
    meetings = (at for kind, _, at in trajectory_of(case).reported if kind == "MEETING")
    return max(meetings, default=None)
