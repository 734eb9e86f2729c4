"""A case is opened, offered, and taken on by an organisation, or comes back unanswered."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    StepCode,
)
from contracts.message import ActorRef, CaseMessage, Deadline

_T = "org.caserelay.case."


class CaseOpened(CaseMessage, frozen=True, kw_only=True):
    """The case of one person in one programme period was opened, with its lead: the one contact at the agency."""

    TYPE: ClassVar[str] = _T + "opened.v1"
    NAME: ClassVar[str] = "CaseOpened"
    client_ref: str
    agency: str
    programme: str
    programme_version: int
    lead: ActorRef


class ReferralReturned(CaseMessage, frozen=True, kw_only=True):
    """A referral ended without a handback; the case lead decides what comes next."""

    TYPE: ClassVar[str] = _T + "referral_returned.v1"
    NAME: ClassVar[str] = "ReferralReturned"
    referral: str
    organisation: str
    reason: str | None = None
    deadlines: list[Deadline]


class ResponsibilityTransferred(CaseMessage, frozen=True, kw_only=True):
    """The receiver accepted, and is responsible from then on; `step` is what begins."""

    TYPE: ClassVar[str] = _T + "responsibility_transferred.v1"
    NAME: ClassVar[str] = "ResponsibilityTransferred"
    referral: str
    giver: ActorRef
    receiver: ActorRef
    step: StepCode
    deadlines: list[Deadline]
