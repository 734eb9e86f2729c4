"""Signs that a match does not go well, in what is recorded anyway: each opens an escalation, or joins the open one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

from msgspec.structs import replace

from contracts.codes import Step
from contracts.escalation_codes import EscalationReason
from services.casefile.domain.context import Context
from services.casefile.domain.deadlines import DeadlineMissed
from services.casefile.domain.intake import ContactAttempted
from services.casefile.domain.matching import MatchRejected
from services.casefile.domain.mentoring import CheckInRecorded, PulseRecorded
from services.casefile.domain.open_escalations import (
    CONTACT,
    EscalationJoined,
    EscalationRaised,
    open_escalations,
    signalled,
)
from services.casefile.domain.silence import SILENCE_CHECK_IN
from services.casefile.domain.state import Case
from services.casefile.domain.steps import OpenStep, find

E = TypeVar("E")

LOW: Final = 2
"""A pulse of so much or less is one of distress, whatever is said with it."""
REJECTIONS: Final = 2
_OF_A_PULSE: Final = (EscalationReason.SAFETY, EscalationReason.ROLE_OVERLOAD, EscalationReason.ONE_SIDED)
"""What a side says that is distress by itself, the gravest first."""


def sign_in(event: object, after: Case) -> tuple[str, str | None] | None:
    """The sign of distress that an event is, and the match that it is about; None for any other event.

    `after` is the case after the event.
    """
    running = after.match.match if after.match is not None else None
    if isinstance(event, PulseRecorded):
        said = next((reason.value for reason in _OF_A_PULSE if reason in event.reasons), None)
        if said is None and event.score <= LOW:
            said = EscalationReason.LOW_PULSE.value
        return (said, running) if said is not None else None
    if isinstance(event, MatchRejected):
        count = after.trajectory.rejections if after.trajectory is not None else 0
        return (EscalationReason.TWO_REJECTIONS.value, event.match) if count >= REJECTIONS else None
    if isinstance(event, DeadlineMissed) and event.deadline == SILENCE_CHECK_IN:
        return EscalationReason.SILENCE.value, running
    return None


def followed(decided: Sequence[object], context: Context) -> list[EscalationRaised | EscalationJoined]:
    """What follows from signs of distress in what was decided. `context` has the case as it is after that."""
    signs = [sign for event in decided if (sign := sign_in(event, context.case)) is not None]
    return [signalled(context, reason, match=match) for reason, match in signs]


def with_contact(decided: list[E], context: Context) -> list[E]:
    """What was decided; where the coordinator spoke with the pair, that much of what is open on distress is done.

    `context` has the case as it was before.
    """
    for place, event in enumerate(decided):
        if isinstance(event, CheckInRecorded) or (isinstance(event, ContactAttempted) and event.reached):
            done = tuple(_contacted(context.case, event.happened_at))
            if done:
                decided = [*decided[:place], replace(event, renews=(*event.renews, *done)), *decided[place + 1 :]]
    return decided


def _contacted(case: Case, at: datetime) -> list[OpenStep]:
    steps = []
    for held in open_escalations(case):
        step = find(case.steps, Step.ESCALATION, held.id) if held.own_step else None
        if step is None or at < held.opened_at:
            continue
        left = tuple(due for due in step.deadlines if due.name != f"{CONTACT}:{held.id}")
        if left != step.deadlines:
            steps.append(replace(step, deadlines=left))
    return steps
