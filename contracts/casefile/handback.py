"""The organisation hands the case back with its report, and the agency accepts it."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    DecisionCode,
    EndCode,
    MissingCode,
    NeedCode,
    NextStepCode,
    ProgressCode,
)
from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class HandbackRequested(CaseMessage, frozen=True, kw_only=True):
    """The organisation hands back with its report, and stays responsible until the agency accepts.

    `agreed` is the proposal by which the agency agreed to the end.
    """

    TYPE: ClassVar[str] = _T + "handback_requested.v1"
    NAME: ClassVar[str] = "HandbackRequested"
    referral: str
    closure_reason: EndCode
    outcomes: dict[str, ProgressCode]
    open_needs: list[NeedCode]
    recommended_next_step: NextStepCode | None = None
    deadlines: list[Deadline]
    agreed: str | None = None


class HandbackReturned(CaseMessage, frozen=True, kw_only=True):
    """The agency says what the report lacks."""

    TYPE: ClassVar[str] = _T + "handback_returned.v1"
    NAME: ClassVar[str] = "HandbackReturned"
    referral: str
    missing: list[MissingCode]
    deadlines: list[Deadline]


class HandbackAccepted(CaseMessage, frozen=True, kw_only=True):
    """The agency took the case back: the referral's loop is closed. `decision` is CLOSE, RE_REFER or OTHER_SERVICE.

    `access` is when the organisation's access to what it has read before ends.
    """

    TYPE: ClassVar[str] = _T + "handback_accepted.v1"
    NAME: ClassVar[str] = "HandbackAccepted"
    referral: str
    decision: DecisionCode
    next_service: NextStepCode | None = None
    access: Deadline | None = None
