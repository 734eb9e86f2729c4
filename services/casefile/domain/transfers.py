"""Responsibility passes from one party to another: the events that more than one phase records."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from contracts.codes import Step
from services.casefile.domain.parties import Party
from services.casefile.domain.state import Case, Trajectory
from services.casefile.domain.terms import Deadline
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
