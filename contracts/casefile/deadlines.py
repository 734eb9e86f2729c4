"""What falls due: reminders, missed terms, and what ends with its term."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    StepCode,
)
from contracts.message import ActorRef, CaseMessage, Deadline, Instant

_T = "org.caserelay.case."


class NgoAccessExpired(CaseMessage, frozen=True, kw_only=True):
    """The organisation's access to the case ended with its term."""

    TYPE: ClassVar[str] = _T + "ngo_access_expired.v1"
    NAME: ClassVar[str] = "NgoAccessExpired"
    referral: str
    organisation: str


class CaseFinalised(CaseMessage, frozen=True, kw_only=True):
    """Every follow-up is recorded or waived; the case takes nothing but corrections."""

    TYPE: ClassVar[str] = _T + "finalised.v1"
    NAME: ClassVar[str] = "CaseFinalised"


class DeadlineReminded(CaseMessage, frozen=True, kw_only=True):
    """80 % of a term has passed; `awaited` is the organisation that is reminded."""

    TYPE: ClassVar[str] = _T + "deadline_reminded.v1"
    NAME: ClassVar[str] = "DeadlineReminded"
    deadline: str
    step: StepCode
    due_at: Instant
    owner: ActorRef
    awaited: str
    substitutes: list[ActorRef] = []
    """Who stands in for those it goes to and who are away: it goes to both."""


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
    substitutes: list[ActorRef] = []
    """Who stands in for those it goes to and who are away: it goes to both."""
