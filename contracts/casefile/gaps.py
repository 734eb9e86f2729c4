"""A public service fell short, and the agency answers. What people wrote about it is never told."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.coded import GapTypeCode, ServiceKindCode
from contracts.message import ActorRef, CaseMessage, Deadline

_T = "org.caserelay.case."


class ServiceGapReported(CaseMessage, frozen=True, kw_only=True):
    """A gap in a public service was reported, by whom, in which role; the agency answers by the day in `deadlines`.

    `task` is the kind of task that a mentor was asked for in the service's place; `referral` and `organisation` are
    those that the case was with, or was offered to.
    """

    TYPE: ClassVar[str] = _T + "service_gap_reported.v1"
    NAME: ClassVar[str] = "ServiceGapReported"
    gap: str
    service_kind: ServiceKindCode
    gap_type: GapTypeCode
    task: str | None = None
    reported_by: ActorRef
    referral: str | None = None
    organisation: str | None = None
    deadlines: list[Deadline]


class ServiceGapAnswered(CaseMessage, frozen=True, kw_only=True):
    """The agency answered a gap: whether it accepts it, and if so by which day (`due`, a `deadline`) it has acted."""

    TYPE: ClassVar[str] = _T + "service_gap_answered.v1"
    NAME: ClassVar[str] = "ServiceGapAnswered"
    gap: str
    service_kind: ServiceKindCode
    gap_type: GapTypeCode
    accepted: bool
    due: date | None = None
    referral: str | None = None
    organisation: str | None = None
    deadline: Deadline | None = None


class GapActionCompleted(CaseMessage, frozen=True, kw_only=True):
    """The agency has done what it answered to a gap."""

    TYPE: ClassVar[str] = _T + "gap_action_completed.v1"
    NAME: ClassVar[str] = "GapActionCompleted"
    gap: str
    service_kind: ServiceKindCode
    gap_type: GapTypeCode
    referral: str | None = None
    organisation: str | None = None
