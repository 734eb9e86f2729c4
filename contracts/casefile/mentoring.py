"""What happens while mentor and mentee work together."""

from __future__ import annotations

from typing import ClassVar

from contracts.coded import (
    ModeCode,
    NextStepCode,
    OccasionCode,
    ProgressCode,
    PulseCode,
    SideCode,
    TopicCode,
)
from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class MeetingRecorded(CaseMessage, frozen=True, kw_only=True):
    """Mentor and mentee met."""

    TYPE: ClassVar[str] = _T + "meeting_recorded.v1"
    NAME: ClassVar[str] = "MeetingRecorded"
    minutes: int | None = None
    mode: ModeCode | None = None
    topics: list[TopicCode]


class CheckInRecorded(CaseMessage, frozen=True, kw_only=True):
    """The coordinator spoke with the sides named; `deadlines` has the next check-in."""

    TYPE: ClassVar[str] = _T + "check_in_recorded.v1"
    NAME: ClassVar[str] = "CheckInRecorded"
    mode: ModeCode | None = None
    sides: list[SideCode]
    deadlines: list[Deadline]


class PulseRecorded(CaseMessage, frozen=True, kw_only=True):
    """How one side feels about the match, from 1 to 5, and what weighs on it."""

    TYPE: ClassVar[str] = _T + "pulse_recorded.v1"
    NAME: ClassVar[str] = "PulseRecorded"
    side: SideCode
    score: int
    reasons: list[PulseCode]


class ProgressReported(CaseMessage, frozen=True, kw_only=True):
    """Feedback to the counsellor: progress per goal (-, =, +) and the next step."""

    TYPE: ClassVar[str] = _T + "progress_reported.v1"
    NAME: ClassVar[str] = "ProgressReported"
    occasion: OccasionCode
    progress: dict[str, ProgressCode]
    next_step: NextStepCode | None = None
