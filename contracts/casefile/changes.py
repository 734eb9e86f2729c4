"""A change that the organisation proposes after its acceptance, and the agency decides on. Words are never told."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.coded import ChangeCode, ChangeReasonCode, LadderLevelCode
from contracts.message import ActorRef, CaseMessage, Deadline, Receiver

_T = "org.caserelay.case."


class ChangeProposed(CaseMessage, frozen=True, kw_only=True):
    """The organisation proposes a change, and the agency decides by the `deadline`.

    `reason` goes with END and NOT_RELEVANT, `end` with EXTEND, `coordinator` with COORDINATOR; `replaces` is an earlier
    proposal of the kind that was open until now.
    """

    TYPE: ClassVar[str] = _T + "change_proposed.v1"
    NAME: ClassVar[str] = "ChangeProposed"
    proposal: str
    change: ChangeCode
    proposed_by: ActorRef
    reason: ChangeReasonCode | None = None
    end: date | None = None
    coordinator: ActorRef | None = None
    replaces: str | None = None
    deadline: Deadline
    referral: str
    organisation: str


class ChangeApproved(CaseMessage, frozen=True, kw_only=True):
    """The agency approved the change; what it changes comes with it."""

    TYPE: ClassVar[str] = _T + "change_approved.v1"
    NAME: ClassVar[str] = "ChangeApproved"
    proposal: str
    change: ChangeCode
    referral: str
    organisation: str


class ChangeRejected(CaseMessage, frozen=True, kw_only=True):
    """The agency rejected the change."""

    TYPE: ClassVar[str] = _T + "change_rejected.v1"
    NAME: ClassVar[str] = "ChangeRejected"
    proposal: str
    change: ChangeCode
    referral: str
    organisation: str


class ChangeWithdrawn(CaseMessage, frozen=True, kw_only=True):
    """The organisation took its proposal back."""

    TYPE: ClassVar[str] = _T + "change_withdrawn.v1"
    NAME: ClassVar[str] = "ChangeWithdrawn"
    proposal: str
    change: ChangeCode
    referral: str
    organisation: str


class ChangeExpired(CaseMessage, frozen=True, kw_only=True):
    """Nobody decided on the proposal in time."""

    TYPE: ClassVar[str] = _T + "change_expired.v1"
    NAME: ClassVar[str] = "ChangeExpired"
    proposal: str
    change: ChangeCode
    referral: str
    organisation: str
    level: LadderLevelCode | None = None
    notified: list[Receiver] = []
