"""Who leads the case and who coordinates it changes."""

from __future__ import annotations

from typing import ClassVar

from contracts.message import ActorRef, CaseMessage, Deadline

_T = "org.caserelay.case."


class CounsellorProposed(CaseMessage, frozen=True, kw_only=True):
    """Another counsellor is asked to lead the case; until then the lead stays responsible."""

    TYPE: ClassVar[str] = _T + "counsellor_proposed.v1"
    NAME: ClassVar[str] = "CounsellorProposed"
    receiver: ActorRef


class CounsellorReassigned(CaseMessage, frozen=True, kw_only=True):
    """The case has a new lead, who took it over."""

    TYPE: ClassVar[str] = _T + "counsellor_reassigned.v1"
    NAME: ClassVar[str] = "CounsellorReassigned"
    giver: ActorRef
    receiver: ActorRef


class CoordinatorProposed(CaseMessage, frozen=True, kw_only=True):
    """Another coordinator is asked to take over; until then the present one stays responsible."""

    TYPE: ClassVar[str] = _T + "coordinator_proposed.v1"
    NAME: ClassVar[str] = "CoordinatorProposed"
    receiver: ActorRef


class CoordinatorReassigned(CaseMessage, frozen=True, kw_only=True):
    """Another coordinator took over; `deadlines` has what is asked of that one, such as a charter to acknowledge."""

    TYPE: ClassVar[str] = _T + "coordinator_reassigned.v1"
    NAME: ClassVar[str] = "CoordinatorReassigned"
    giver: ActorRef
    receiver: ActorRef
    deadlines: list[Deadline] = []
