"""An organisation's part in a case: how it begins and passes on, when its access expires, what stays to be read."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from contracts.codes import Step
from services.casefile.domain.context import Context
from services.casefile.domain.state import Case, Earlier, Trajectory
from services.casefile.domain.steps import Party, find
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Event


class ResponsibilityTransferred(Event, frozen=True, kw_only=True):
    """The receiver accepted, and is responsible from then on; `step` is what begins."""

    referral: str
    giver: Party
    receiver: Party
    step: str
    at: datetime
    deadlines: tuple[Deadline, ...]


class CoordinatorProposed(Event, frozen=True, kw_only=True):
    """Another coordinator is asked to take over; until then the present one stays responsible.

    `takes_over_by_acting`: named when the referral was accepted, and so responsible from the first own command on.
    """

    receiver: Party
    takes_over_by_acting: bool = False


TransferEvent = ResponsibilityTransferred | CoordinatorProposed


def evolve(case: Case, event: TransferEvent) -> Case:
    """The case after a transfer; one that begins the intake begins a trajectory."""
    match event:
        case ResponsibilityTransferred(step=Step.INTAKE):
            return replace(case, trajectory=Trajectory(coordinator=event.receiver, accepted_at=event.at))
        case ResponsibilityTransferred():
            return case
        case CoordinatorProposed():
            return replace(case, proposed_coordinator=event.receiver, takes_over_by_acting=event.takes_over_by_acting)
        case _:
            assert_never(event)


def access_after(context: Context, ended_at: datetime) -> Deadline:
    """When the organisation's access ends: so many weeks after its part has (rule A)."""
    return deadline(context.terms, "NGO_ACCESS", ended_at)


def access_ends(
    case: Case, referral: str, *, reason: str | None = None, expires: Deadline | None = None, closed: bool = False
) -> Case:
    """The case once the access that goes with a referral has ended, has a last day, or is closed."""
    # From the end: it is the last one, except for what comes long after its end.
    for place in reversed(range(len(case.accesses))):
        if (access := case.accesses[place]).referral == referral:
            changed = replace(
                access,
                ended=reason or access.ended,
                expires=expires or access.expires,
                closed=closed or access.closed,
            )
            return replace(case, accesses=case.accesses.changed(place, changed))
    return case


def trajectory_over(case: Case, access: Deadline | None, ended_at: datetime | None) -> Case:
    """The case once its trajectory is over: the access expires, and the person has left. Nothing without `access`."""
    if access is None or case.referral is None:
        return case
    return replace(access_ends(case, case.referral.referral, expires=access), exit_at=ended_at)


def back_with_agency(
    case: Case,
    *,
    ended_by: str,
    reason: str | None,
    decision: str | None = None,
    next_service: str | None = None,
    answers: dict[str, str] | None = None,
) -> Case:
    """The case back with its agency; what there was stays to be read."""
    earlier = case.earlier
    if case.referral is not None:
        # The lead's next step began with the end.
        begun = find(case.steps, Step.NEXT_SERVICE)
        earlier = earlier.plus(
            Earlier(
                referral=case.referral.referral,
                organisation=case.referral.organisation,
                ended_by=ended_by,
                reason=reason,
                ended_at=begun.since if begun is not None else None,
                trajectory=case.trajectory,
                decision=decision,
                next_service=next_service,
                answers=answers or {},
            )
        )
    return replace(
        case,
        referral=None,
        trajectory=None,
        proposed_coordinator=None,
        takes_over_by_acting=False,
        earlier=earlier,
    )
