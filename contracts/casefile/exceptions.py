"""One-off exceptions that the lead of an organisation decides on; the reasons are told to nobody."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import ExceptionRuleCode, SignalScopeCode
from contracts.message import CaseMessage

_T = "org.caserelay.case."


class RoleExceptionRequested(CaseMessage, frozen=True, kw_only=True):
    """An organisation asks its lead for an exception, from what the charter says of a task or from a rule."""

    TYPE: ClassVar[str] = _T + "role_exception_requested.v1"
    NAME: ClassVar[str] = "RoleExceptionRequested"
    exception: str
    organisation: str
    task: str | None = None
    rule: ExceptionRuleCode | None = None


class RoleExceptionGranted(CaseMessage, frozen=True, kw_only=True):
    """The lead granted it, for one record; `signals` says where there have been so many that it is a signal."""

    TYPE: ClassVar[str] = _T + "role_exception_granted.v1"
    NAME: ClassVar[str] = "RoleExceptionGranted"
    exception: str
    organisation: str
    task: str | None = None
    rule: ExceptionRuleCode | None = None
    signals: list[SignalScopeCode]


class RoleExceptionDenied(CaseMessage, frozen=True, kw_only=True):
    """The lead denied it."""

    TYPE: ClassVar[str] = _T + "role_exception_denied.v1"
    NAME: ClassVar[str] = "RoleExceptionDenied"
    exception: str
    organisation: str
    task: str | None = None
    rule: ExceptionRuleCode | None = None
