"""What holds through the whole life of a case: who is in charge, what falls due, what is corrected."""

from __future__ import annotations

from typing import Any, ClassVar

from contracts.coded import EscalationCode, ResolutionCode, StepCode
from contracts.message import ActorRef, CaseMessage, Deadline, Instant, Published

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
    """Another coordinator took over."""

    TYPE: ClassVar[str] = _T + "coordinator_reassigned.v1"
    NAME: ClassVar[str] = "CoordinatorReassigned"
    giver: ActorRef
    receiver: ActorRef


class DeadlineReminded(CaseMessage, frozen=True, kw_only=True):
    """80 % of a term has passed; `awaited` is the organisation that is reminded."""

    TYPE: ClassVar[str] = _T + "deadline_reminded.v1"
    NAME: ClassVar[str] = "DeadlineReminded"
    deadline: str
    step: StepCode
    due_at: Instant
    owner: ActorRef
    awaited: str


class DeadlineMissed(CaseMessage, frozen=True, kw_only=True):
    """A term has passed without what it waited for; `deadlines` has the next one, where the term recurs."""

    TYPE: ClassVar[str] = _T + "deadline_missed.v1"
    NAME: ClassVar[str] = "DeadlineMissed"
    deadline: str
    step: StepCode
    due_at: Instant
    owner: ActorRef
    awaited: str
    deadlines: list[Deadline] = []


class EscalationRaised(CaseMessage, frozen=True, kw_only=True):
    """The side that was not awaited is asked to see to what `awaited` missed, by the day in `deadlines`."""

    TYPE: ClassVar[str] = _T + "escalation_raised.v1"
    NAME: ClassVar[str] = "EscalationRaised"
    reason: EscalationCode
    awaited: str
    deadlines: list[Deadline]


class EscalationResolved(CaseMessage, frozen=True, kw_only=True):
    """What was done about it; as long as the term stays missed `deadlines` has the day of the next look."""

    TYPE: ClassVar[str] = _T + "escalation_resolved.v1"
    NAME: ClassVar[str] = "EscalationResolved"
    resolution: ResolutionCode
    deadlines: list[Deadline]


class Reported(Published, frozen=True, kw_only=True):
    """A report as it reads: the name of its event, when what it tells of happened, and its codes and numbers."""

    kind: str
    happened_at: Instant | None = None
    facts: dict[str, Any]


class CorrectionRecorded(CaseMessage, frozen=True, kw_only=True):
    """An event of the case is wrong; it stays as it is, and this stands beside it.

    Where it was a report, `was` is what stood until now and `holds` what stands from now on. `referral` is the one
    that the event belongs to, and `source_event_id` the referral service's event where it came by a message; where it
    belongs to none, `organisation` is the agency, which recorded it alone.
    """

    TYPE: ClassVar[str] = _T + "correction_recorded.v1"
    NAME: ClassVar[str] = "CorrectionRecorded"
    corrects: str
    corrected: str
    was: Reported | None = None
    holds: Reported | None = None
    referral: str | None = None
    source_event_id: str | None = None
    organisation: str | None = None
