"""What happens while mentor and mentee work together."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from contracts.coded import (
    AfterMatchCode,
    EndCode,
    ModeCode,
    NextStepCode,
    OccasionCode,
    ProgressCode,
    PulseCode,
    SideCode,
    SuspendCode,
    TopicCode,
)
from contracts.message import CaseMessage, Deadline, Instant

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


class ExtensionProposed(CaseMessage, frozen=True, kw_only=True):
    """The organisation proposes that the agreement ends later; the agency decides."""

    TYPE: ClassVar[str] = _T + "extension_proposed.v1"
    NAME: ClassVar[str] = "ExtensionProposed"
    end: date


class ExtensionRefused(CaseMessage, frozen=True, kw_only=True):
    """The agency said no to the later end."""

    TYPE: ClassVar[str] = _T + "extension_refused.v1"
    NAME: ClassVar[str] = "ExtensionRefused"
    end: date


class AgreementExtended(CaseMessage, frozen=True, kw_only=True):
    """The agency approved the later end."""

    TYPE: ClassVar[str] = _T + "agreement_extended.v1"
    NAME: ClassVar[str] = "AgreementExtended"
    end: date
    deadlines: list[Deadline]


class TrajectorySuspended(CaseMessage, frozen=True, kw_only=True):
    """The trajectory pauses; it may be resumed no later than `until`."""

    TYPE: ClassVar[str] = _T + "trajectory_suspended.v1"
    NAME: ClassVar[str] = "TrajectorySuspended"
    reason: SuspendCode
    until: Instant
    deadlines: list[Deadline]


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


class MatchEnded(CaseMessage, frozen=True, kw_only=True):
    """The match ended; `next` is REMATCH or HANDBACK, or absent where something else ended the trajectory."""

    TYPE: ClassVar[str] = _T + "match_ended.v1"
    NAME: ClassVar[str] = "MatchEnded"
    match: str
    reason: EndCode
    side: SideCode | None = None
    next: AfterMatchCode | None = None
    closure_talk: bool
    deadlines: list[Deadline]


class TrajectoryCompleted(CaseMessage, frozen=True, kw_only=True):
    """The trajectory came to its end; the handback report is due."""

    TYPE: ClassVar[str] = _T + "trajectory_completed.v1"
    NAME: ClassVar[str] = "TrajectoryCompleted"
    reason: EndCode
    closure_talk: bool
    deadlines: list[Deadline]
