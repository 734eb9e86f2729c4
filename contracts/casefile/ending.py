"""How a case goes back to the agency, closes, and is followed up."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    CloseCode,
    DecisionCode,
    EndCode,
    MissingCode,
    NeedCode,
    NextStepCode,
    OutcomeCode,
    PointCode,
    ProgressCode,
    SourceCode,
    WaiveCode,
)
from contracts.message import CaseMessage, Deadline, Instant

_T = "org.caserelay.case."


class HandbackRequested(CaseMessage, frozen=True, kw_only=True):
    """The organisation hands back with its report, and stays responsible until the agency accepts."""

    TYPE: ClassVar[str] = _T + "handback_requested.v1"
    NAME: ClassVar[str] = "HandbackRequested"
    referral: str
    closure_reason: EndCode
    outcomes: dict[str, ProgressCode]
    open_needs: list[NeedCode]
    recommended_next_step: NextStepCode | None = None
    deadlines: list[Deadline]


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


class DisclosureStopped(CaseMessage, frozen=True, kw_only=True):
    """The person withdrew the legal basis; nothing more is shared on it."""

    TYPE: ClassVar[str] = _T + "disclosure_stopped.v1"
    NAME: ClassVar[str] = "DisclosureStopped"
    legal_basis: str
    withdrawn_at: Instant


class NgoAccessRevoked(CaseMessage, frozen=True, kw_only=True):
    """Stop: the organisation's access has ended, and `reason` is all that it is told."""

    TYPE: ClassVar[str] = _T + "ngo_access_revoked.v1"
    NAME: ClassVar[str] = "NgoAccessRevoked"
    referral: str
    organisation: str
    reason: str


class RecordedAfterWithdrawal(CaseMessage, frozen=True, kw_only=True):
    """Events (ids) that the organisation recorded after the withdrawal, before casefile was told of it."""

    TYPE: ClassVar[str] = _T + "recorded_after_withdrawal.v1"
    NAME: ClassVar[str] = "RecordedAfterWithdrawal"
    legal_basis: str
    organisation: str
    withdrawn_at: Instant
    events: list[str]


class CaseReturned(CaseMessage, frozen=True, kw_only=True):
    """The case went back to the agency without a handback report."""

    TYPE: ClassVar[str] = _T + "returned.v1"
    NAME: ClassVar[str] = "CaseReturned"
    referral: str
    reason: str
    deadlines: list[Deadline]


class NgoAccessExpired(CaseMessage, frozen=True, kw_only=True):
    """The organisation's access to the case ended with its term."""

    TYPE: ClassVar[str] = _T + "ngo_access_expired.v1"
    NAME: ClassVar[str] = "NgoAccessExpired"
    referral: str
    organisation: str


class CaseClosed(CaseMessage, frozen=True, kw_only=True):
    """The agency closed the case; a later referral of the person opens a new one."""

    TYPE: ClassVar[str] = _T + "closed.v1"
    NAME: ClassVar[str] = "CaseClosed"
    reason: CloseCode


class CaseReopened(CaseMessage, frozen=True, kw_only=True):
    """The agency opened a closed case again."""

    TYPE: ClassVar[str] = _T + "reopened.v1"
    NAME: ClassVar[str] = "CaseReopened"


class OutcomeRecorded(CaseMessage, frozen=True, kw_only=True):
    """What became of the person at a point (EXIT, W4, M6, M12), and where it is known from."""

    TYPE: ClassVar[str] = _T + "outcome_recorded.v1"
    NAME: ClassVar[str] = "OutcomeRecorded"
    point: PointCode
    code: OutcomeCode
    source: SourceCode
    level_match: bool | None = None
    progress: dict[str, ProgressCode]


class OutcomeWaived(CaseMessage, frozen=True, kw_only=True):
    """A follow-up will not be taken."""

    TYPE: ClassVar[str] = _T + "outcome_waived.v1"
    NAME: ClassVar[str] = "OutcomeWaived"
    point: PointCode
    reason: WaiveCode


class CaseFinalised(CaseMessage, frozen=True, kw_only=True):
    """Every follow-up is recorded or waived; the case takes nothing but corrections."""

    TYPE: ClassVar[str] = _T + "finalised.v1"
    NAME: ClassVar[str] = "CaseFinalised"
