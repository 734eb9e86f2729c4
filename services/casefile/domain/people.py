"""Staff change: the receiver accepts by taking over; until then whoever had the step is responsible.

One command serves both: sent by somebody else it asks the receiver, sent by the receiver it is the acceptance. The
colleague whom an acceptance of a referral named takes over by any command on the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.codes import Role
from services.casefile.domain.case import Case, Context, Reported
from services.casefile.domain.follow_up import lead_of
from services.casefile.domain.guards import allow, check_side
from services.casefile.domain.mentoring import trajectory_of
from services.casefile.domain.responsibility import Moves, Party
from services.chassis.modelling.decider import Actor, Command

_COORDINATORS = frozenset({Role.NGO_COORDINATOR.value, Role.NGO_LEAD.value})


class ReassignCounsellor(Command, frozen=True, kw_only=True):
    """Ask a counsellor of the agency to lead the case; or, sent by that counsellor or without a name, take it over."""

    counsellor: str | None = None


class ReassignCoordinator(Command, frozen=True, kw_only=True):
    """Ask a coordinator of the organisation to take over; or, sent by that person or without a name, take over."""

    coordinator: str | None = None


class Correct(Command, frozen=True, kw_only=True):
    """Say that an event of the case is wrong, and why (a vault reference); the event itself stays as it is.

    `holds` is the report that should stand instead, as the command that it would have come by; None with
    `with_holds` where the event named is no report.
    """

    event: str
    reason_ref: str | None
    with_holds: bool = False
    holds: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CounsellorProposed:
    """Another counsellor is asked to take the case over; until then the lead stays responsible."""

    receiver: Party


@dataclass(frozen=True, slots=True, kw_only=True)
class CounsellorReassigned:
    """The receiver took the case over, and all open steps of the former lead with it."""

    giver: Party
    receiver: Party
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorProposed:
    """Another coordinator is asked to take over; until then the present one stays responsible.

    `takes_over_by_acting`: named when the referral was accepted, and so responsible from the first own command on.
    """

    receiver: Party
    takes_over_by_acting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorReassigned:
    """The receiver took over, and all open steps of the former coordinator."""

    giver: Party
    receiver: Party
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRecorded(Moves):
    """An event of this case is wrong; it stays as it is, and this stands beside it.

    Where it was a report, `was` is what stood until now and `holds` what stands from now on. `referral` is the one
    that the event belongs to, and `source_event_id` the referral service's event where it came by a message; where it
    belongs to none, `organisation` is the agency, which recorded it alone. All are None in what was stored earlier.
    """

    corrects: str
    corrected: str
    reason_ref: str | None
    was: Reported | None = None
    holds: Reported | None = None
    referral: str | None = None
    source_event_id: str | None = None
    organisation: str | None = None


def reassign_counsellor(command: ReassignCounsellor, context: Context) -> list[Any]:
    """Asks another counsellor, or hands over to the one who sends this."""
    case = context.case
    check_side("reassign-counsellor", case, command.by)
    receiver = Party(role=Role.AGENCY_COUNSELLOR.value, org=case.agency, sub=command.counsellor or command.by.sub)
    if receiver == case.lead:
        return []
    allow("reassign-counsellor", context, command.by)
    if receiver.sub == command.by.sub:
        return [CounsellorReassigned(giver=lead_of(case), receiver=receiver, since=command.at)]
    return [] if receiver == case.asked_to_lead else [CounsellorProposed(receiver=receiver)]


def reassign_coordinator(command: ReassignCoordinator, context: Context) -> list[Any]:
    """Asks another coordinator, or hands over to the one who sends this."""
    case = context.case
    check_side("reassign-coordinator", case, command.by)
    allow("reassign-coordinator", context, command.by)
    giver = trajectory_of(case).coordinator
    receiver = Party(role=giver.role, org=giver.org, sub=command.coordinator or command.by.sub)
    if receiver == giver:
        return []
    if receiver.sub == command.by.sub:
        return [CoordinatorReassigned(giver=giver, receiver=receiver, since=command.at)]
    return [] if receiver == case.asked_to_coordinate else [CoordinatorProposed(receiver=receiver)]


def takes_over(by: Actor, at: datetime, case: Case) -> CoordinatorReassigned | None:
    """What comes before the events of any command of the colleague whom the acceptance named; None for others."""
    asked = case.asked_to_coordinate
    if asked is None or not case.takes_over_by_acting or by.role not in _COORDINATORS:
        return None
    if (by.org, by.sub) != (asked.org, asked.sub):
        return None
    return CoordinatorReassigned(giver=trajectory_of(case).coordinator, receiver=asked, since=at)
