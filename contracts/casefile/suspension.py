"""The trajectory pauses, and goes on."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    SuspendCode,
)
from contracts.message import CaseMessage, Deadline, Instant, PausedDeadline

_T = "org.caserelay.case."


class TrajectorySuspended(CaseMessage, frozen=True, kw_only=True):
    """The trajectory pauses; it may be resumed no later than `until`."""

    TYPE: ClassVar[str] = _T + "trajectory_suspended.v1"
    NAME: ClassVar[str] = "TrajectorySuspended"
    reason: SuspendCode
    until: Instant
    deadlines: list[Deadline]
    paused: list[PausedDeadline] = []
    """The terms that stand still meanwhile."""


class SuspensionReviewed(CaseMessage, frozen=True, kw_only=True):
    """The pause was reviewed, and goes on; `deadlines` has the next review, and the longest pause there may be."""

    TYPE: ClassVar[str] = _T + "suspension_reviewed.v1"
    NAME: ClassVar[str] = "SuspensionReviewed"
    deadlines: list[Deadline]


class TrajectoryResumed(CaseMessage, frozen=True, kw_only=True):
    """The pause is over."""

    TYPE: ClassVar[str] = _T + "trajectory_resumed.v1"
    NAME: ClassVar[str] = "TrajectoryResumed"
    deadlines: list[Deadline]
