"""A pause of the trajectory: it begins, is reviewed, and ends."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.codes import CaseState, Step
from contracts.pause_codes import PauseReason
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_side, ended, happened
from services.casefile.domain.next_steps import mentoring_steps
from services.casefile.domain.recurring import reviews
from services.casefile.domain.silence import SILENCE, open_question, watched
from services.casefile.domain.state import (
    Case,
    Suspension,
    Trajectory,
    agreement_of,
    trajectory_of,
    with_reported,
    with_silence,
)
from services.casefile.domain.steps import Moves, OpenStep, began
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline, PausedDeadline, paused
from services.chassis.modelling.decider import Command


class Suspend(Command, frozen=True, kw_only=True):
    """Pause the trajectory (`contracts.casefile_codes.SuspendReason`)."""

    reason: str
    occurred_at: datetime | None = None


class Resume(Command, frozen=True, kw_only=True):
    """Take the trajectory up again."""

    occurred_at: datetime | None = None


class ReviewSuspension(Command, frozen=True, kw_only=True):
    """The coordinator asked whether the pause still holds, and it does."""

    occurred_at: datetime | None = None


class TrajectorySuspended(Moves, frozen=True, kw_only=True):
    """A pause, reviewed after a while and bounded: it may be resumed no later than `until`.

    `paused` are the terms that stand still meanwhile, unset in what was stored before it was written down.
    """

    reason: str
    until: datetime
    paused: tuple[PausedDeadline, ...] | UnsetType = UNSET


class TrajectoryResumed(Moves, frozen=True, kw_only=True):
    """The pause is over; `silence` is until when the pair is to meet."""

    silence: Deadline | UnsetType = UNSET


class SuspensionReviewed(Moves, frozen=True, kw_only=True):
    """The pause was reviewed, and goes on; the next review is due as renewed."""

    happened_at: datetime


def suspend(command: Suspend, context: Context) -> list[TrajectorySuspended]:
    """Pauses the trajectory; the pause is reviewed, and bounded."""
    case = context.case
    check_side("suspend", context, command.by)
    if case.state == CaseState.SUSPENDED and _reason(case) == command.reason:
        return []
    allow("suspend", context, command.by)
    when = ended(command.occurred_at, context)
    review = deadline(context.terms, "SUSPENSION_REVIEW", when)
    longest = deadline(context.terms, "SUSPENSION_MAX", when)
    step = OpenStep(
        step=Step.SUSPENSION_REVIEW.value,
        owner=trajectory_of(case).coordinator,
        since=when,
        deadlines=(review, longest),
    )
    closes = (Step.MENTORING.value, Step.CHECK_IN.value, *open_question(case))
    silence = watched(case)
    still = [due for held in case.steps if held.key in closes for due in held.deadlines]
    return [
        TrajectorySuspended(
            reason=command.reason,
            until=longest.due_at,
            paused=paused(still if silence is None else [*still, silence], PauseReason.TRAJECTORY_SUSPENDED.value),
            closes=closes,
            opens=(step,),
        )
    ]


def resume(command: Resume, context: Context) -> list[TrajectoryResumed]:
    """Takes the trajectory up again, within the longest pause there may be."""
    check_side("resume", context, command.by)
    # Within its time if it was taken up within its time, also where that is reported later.
    when = ended(command.occurred_at, context) if context.case.state == CaseState.SUSPENDED else command.at
    allow("resume", replace(context, at=when), command.by)
    steps = mentoring_steps(context, agreement_of(context.case), when)
    silence = deadline(context.terms, SILENCE, when)
    return [TrajectoryResumed(closes=(Step.SUSPENSION_REVIEW.value,), opens=steps, silence=silence)]


def review_suspension(command: ReviewSuspension, context: Context) -> list[SuspensionReviewed]:
    """Records a review; it settles the one that it is nearest to."""
    allow("review-suspension", context, command.by)
    trajectory = trajectory_of(context.case)
    when = happened(command.occurred_at, command.at, not_before=_began(trajectory))
    if ("REVIEW", "", when) in trajectory.reported:
        return []
    reviewed = SuspensionReviewed(happened_at=when)
    renews = reviews(context, trajectory, when)
    return [reviewed if not renews else SuspensionReviewed(happened_at=when, renews=renews)]


SuspensionEvent = TrajectorySuspended | SuspensionReviewed | TrajectoryResumed


def evolve(case: Case, event: SuspensionEvent) -> Case:
    """The case after an event of a pause."""
    if (now := case.trajectory) is None:
        return case
    match event:
        case TrajectorySuspended():
            pause = Suspension(reason=event.reason, since=began(event), until=event.until, paused=event.paused or ())
            return replace(case, trajectory=replace(now, suspension=pause))
        case SuspensionReviewed():
            return with_reported(case, ("REVIEW", "", event.happened_at))
        case TrajectoryResumed():
            resumed = replace(now, suspension=None, resumed_at=began(event))
            return with_silence(replace(case, trajectory=resumed), event.silence)
        case _:
            assert_never(event)


def _reason(case: Case) -> str | None:
    pause = trajectory_of(case).suspension
    return pause.reason if pause is not None else None


def _began(trajectory: Trajectory) -> datetime:
    pause = trajectory.suspension
    return pause.since or trajectory.accepted_at if pause is not None else trajectory.accepted_at
