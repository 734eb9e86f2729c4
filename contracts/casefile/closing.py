"""The agency closes the case, or opens it again."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    CloseCode,
)
from contracts.message import CaseMessage

_T = "org.caserelay.case."


class CaseClosed(CaseMessage, frozen=True, kw_only=True):
    """The agency closed the case; a later referral of the person opens a new one."""

    TYPE: ClassVar[str] = _T + "closed.v1"
    NAME: ClassVar[str] = "CaseClosed"
    reason: CloseCode


class CaseReopened(CaseMessage, frozen=True, kw_only=True):
    """A closed case is open again: by its agency, or, a final one too, by an offer that crossed the closing."""

    TYPE: ClassVar[str] = _T + "reopened.v1"
    NAME: ClassVar[str] = "CaseReopened"
