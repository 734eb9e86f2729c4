"""Who does what in a case, held against the charter of roles. What tasks there are the charter says."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import CharterRoleCode, VerdictCode
from contracts.message import CaseMessage

_T = "org.caserelay.case."


class TaskRecorded(CaseMessage, frozen=True, kw_only=True):
    """A task was done in a role for an organisation, by the charter, or by the `exception` from it."""

    TYPE: ClassVar[str] = _T + "task_recorded.v1"
    NAME: ClassVar[str] = "TaskRecorded"
    task: str
    role: CharterRoleCode
    org: str
    minutes: int | None = None
    verdict: VerdictCode
    charter_version: str
    exception: str | None = None


class ApprovalGiven(CaseMessage, frozen=True, kw_only=True):
    """A task that these roles may only support was approved, as long as the match lasts."""

    TYPE: ClassVar[str] = _T + "approval_given.v1"
    NAME: ClassVar[str] = "ApprovalGiven"
    task: str
    roles: list[CharterRoleCode]
    match: str


class TaskClaimed(CaseMessage, frozen=True, kw_only=True):
    """A role of an organisation took the lead of a kind of task."""

    TYPE: ClassVar[str] = _T + "task_claimed.v1"
    NAME: ClassVar[str] = "TaskClaimed"
    task: str
    role: CharterRoleCode
    org: str


class TaskReleased(CaseMessage, frozen=True, kw_only=True):
    """A role of an organisation gave up the lead of a kind of task."""

    TYPE: ClassVar[str] = _T + "task_released.v1"
    NAME: ClassVar[str] = "TaskReleased"
    task: str
    role: CharterRoleCode
    org: str


class TaskRefusedByCharter(CaseMessage, frozen=True, kw_only=True):
    """The charter kept a task from a role; nothing was done."""

    TYPE: ClassVar[str] = _T + "task_refused_by_charter.v1"
    NAME: ClassVar[str] = "TaskRefusedByCharter"
    task: str
    role: CharterRoleCode
    verdict: VerdictCode
    charter_version: str
    allowed_roles: list[CharterRoleCode]
