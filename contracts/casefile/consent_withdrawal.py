"""The person withdraws their consent, and the organisation's part ends at once."""

from __future__ import annotations

from typing import ClassVar

from contracts.message import CaseMessage, Deadline, Instant

_T = "org.caserelay.case."


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


class DisclosureRefused(CaseMessage, frozen=True, kw_only=True):
    """Somebody tried to read or use what the person shares with the organisation no more; nothing was done.

    `attempt` is the name of the action.
    """

    TYPE: ClassVar[str] = _T + "disclosure_refused.v1"
    NAME: ClassVar[str] = "DisclosureRefused"
    referral: str
    organisation: str
    legal_basis: str
    attempt: str


class CaseReturned(CaseMessage, frozen=True, kw_only=True):
    """The case went back to the agency without a handback report."""

    TYPE: ClassVar[str] = _T + "returned.v1"
    NAME: ClassVar[str] = "CaseReturned"
    referral: str
    reason: str
    deadlines: list[Deadline]
