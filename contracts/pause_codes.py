"""Why a term stands still."""

from __future__ import annotations

from enum import StrEnum


class PauseReason(StrEnum):
    """Why a term stands still: the other side owes an answer first, or the trajectory pauses."""

    QUESTION_OPEN = "QUESTION_OPEN"
    TRAJECTORY_SUSPENDED = "TRAJECTORY_SUSPENDED"
