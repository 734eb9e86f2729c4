"""Staff change: the receiver accepts by taking over; until then the present owner of the step is responsible.

One command serves both: sent by somebody else it asks the receiver, sent by the receiver it is the acceptance. The
colleague whom an acceptance of a referral named takes over by any command on the case.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec import UNSET
from msgspec.structs import replace

from contracts.codes import Role
from contracts.staff import COORDINATORS
from services.casefile.domain.charter_change import COORDINATOR, of_the_next_coordinator
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_side
from services.casefile.domain.organisation_part import CoordinatorProposed
from services.casefile.domain.state import Case, Trajectory, lead_of, trajectory_of
from services.casefile.domain.steps import Moves, Party, StepsBeside
from services.chassis.modelling.decider import Actor, Command, Event
from services.chassis.modelling.growing import GrowingTuple


class ReassignCounsellor(Command, frozen=True, kw_only=True):
    """Ask a counsellor of the agency to lead the case; or, sent by that counsellor or without a name, take it over."""

    counsellor: str | None = None


class ReassignCoordinator(Command, frozen=True, kw_only=True):
    """Ask a coordinator of the organisation to take over; or, sent by that person or without a name, take over."""

    coordinator: str | None = None


class CounsellorProposed(Event, frozen=True, kw_only=True):
    """Another counsellor is asked to take the case over; until then the lead stays responsible."""

    receiver: Party


class CounsellorReassigned(Event, frozen=True, kw_only=True):
    """The receiver took the case over, and all open steps of the former lead with it."""

    giver: Party
    receiver: Party
    since: datetime


class CoordinatorReassigned(Moves, frozen=True, kw_only=True):
    """The receiver took over, and all open steps of the former coordinator; a charter to acknowledge begins with it."""

    giver: Party
    receiver: Party
    since: datetime


def reassign_counsellor(
    command: ReassignCounsellor, context: Context
) -> list[CounsellorProposed | CounsellorReassigned]:
    """Asks another counsellor, or hands over to the one who sends this."""
    case = context.case
    check_side("reassign-counsellor", context, command.by)
    receiver = Party(role=Role.AGENCY_COUNSELLOR.value, org=case.agency, sub=command.counsellor or command.by.sub)
    if receiver == case.lead:
        return []
    allow("reassign-counsellor", context, command.by)
    if command.by.speaks_for(receiver.sub):
        return [CounsellorReassigned(giver=lead_of(case), receiver=receiver, since=command.at)]
    return [] if receiver == case.proposed_lead else [CounsellorProposed(receiver=receiver)]


def reassign_coordinator(
    command: ReassignCoordinator, context: Context
) -> list[CoordinatorProposed | CoordinatorReassigned]:
    """Asks another coordinator, or hands over to the one who sends this."""
    case = context.case
    check_side("reassign-coordinator", context, command.by)
    allow("reassign-coordinator", context, command.by)
    giver = trajectory_of(case).coordinator
    receiver = Party(role=giver.role, org=giver.org, sub=command.coordinator or command.by.sub)
    if receiver == giver:
        return []
    if command.by.speaks_for(receiver.sub):
        return [handed_over(context, receiver)]
    return [] if receiver == case.proposed_coordinator else [CoordinatorProposed(receiver=receiver)]


def handed_over(context: Context, receiver: Party) -> CoordinatorReassigned:
    """The receiver coordinates from now on, and acknowledges a charter that changed under the match."""
    giver = trajectory_of(context.case).coordinator
    opens = of_the_next_coordinator(context, receiver)
    return CoordinatorReassigned(giver=giver, receiver=receiver, since=context.at, opens=opens)


def takes_over(by: Actor, context: Context) -> CoordinatorReassigned | None:
    """What comes before the events of any command of the colleague whom the acceptance named; None for others.

    A substitute's command on that colleague's behalf is one of theirs.
    """
    case, named = context.case, context.case.proposed_coordinator
    if named is None or not case.takes_over_by_acting or by.role not in COORDINATORS:
        return None
    if by.org != named.org or not by.speaks_for(named.sub):
        return None
    return handed_over(context, named)


PeopleEvent = CounsellorProposed | CounsellorReassigned | CoordinatorReassigned


def evolve(case: Case, event: PeopleEvent) -> Case:
    """The case after an event of a staff change."""
    match event:
        case CounsellorProposed():
            return replace(case, proposed_lead=event.receiver)
        case CounsellorReassigned():
            case = _handed_over(case, event)
            return replace(case, lead=event.receiver, proposed_lead=None)
        case CoordinatorReassigned():
            now = case.trajectory
            return replace(
                _handed_over(case, event),
                proposed_coordinator=None,
                takes_over_by_acting=False,
                trajectory=_coordinated_by(now, event) if now is not None else None,
            )
        case _:
            assert_never(event)


def _coordinated_by(now: Trajectory, event: CoordinatorReassigned) -> Trajectory:
    charter = now.charter
    if charter is not None and any(step.about == COORDINATOR for step in event.opens):
        # That of the one before does not count for the one who is asked now.
        left = GrowingTuple(side for side in charter.acknowledged if side != COORDINATOR)
        charter = replace(charter, acknowledged=left)
    return replace(now, coordinator=event.receiver, charter=charter)


def _handed_over(case: Case, event: CounsellorReassigned | CoordinatorReassigned) -> Case:
    now = [
        replace(step, owner=event.receiver, since=event.since) if step.owner == event.giver else step
        for step in case.steps
    ]
    way = tuple(step for step in now if step.about is UNSET)
    return replace(case, way=way, beside=StepsBeside((step.key, step) for step in now if step.about is not UNSET))
