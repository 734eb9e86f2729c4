"""What happens while mentor and mentee work together."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from contracts.message import CaseMessage, Deadline

_T = "org.caserelay.case."


class MeetingRecorded(CaseMessage):
    """Mentor and mentee met."""

    TYPE: ClassVar[str] = _T + "meeting_recorded.v1"
    NAME: ClassVar[str] = "MeetingRecorded"
    minutes: int | None = None
    mode: str | None = None
    topics: list[str]


class CheckInRecorded(CaseMessage):
    """The coordinator spoke with the sides named; `deadlines` has the next check-in."""

    TYPE: ClassVar[str] = _T + "check_in_recorded.v1"
    NAME: ClassVar[str] = "CheckInRecorded"
    mode: str | None = None
    sides: list[str]
    deadlines: list[Deadline]


class PulseRecorded(CaseMessage):
    """How one side feels about the match, from 1 to 5, and what weighs on it."""

    TYPE: ClassVar[str] = _T + "pulse_recorded.v1"
    NAME: ClassVar[str] = "PulseRecorded"
    side: str
    score: int
    reasons: list[str]


class ProgressReported(CaseMessage):
    """Feedback to the counsellor: progress per goal (-, =, +) and the next step."""

    TYPE: ClassVar[str] = _T + "progress_reported.v1"
    NAME: ClassVar[str] = "ProgressReported"
    occasion: str
    progress: dict[str, str]
    next_step: str | None = None


class ExtensionProposed(CaseMessage):
    """The organisation proposes that the agreement ends later; the agency decides."""

    TYPE: ClassVar[str] = _T + "extension_proposed.v1"
    NAME: ClassVar[str] = "ExtensionProposed"
    end: date


class ExtensionRefused(CaseMessage):
    """The agency said no to the later end."""

    TYPE: ClassVar[str] = _T + "extension_refused.v1"
    NAME: ClassVar[str] = "ExtensionRefused"
    end: date


class AgreementExtended(CaseMessage):
    """The agency approved the later end."""

    TYPE: ClassVar[str] = _T + "agreement_extended.v1"
    NAME: ClassVar[str] = "AgreementExtended"
    end: date
    deadlines: list[Deadline]


class TrajectorySuspended(CaseMessage):
    """The trajectory pauses; it may be resumed no later than `until`."""

    TYPE: ClassVar[str] = _T + "trajectory_suspended.v1"
    NAME: ClassVar[str] = "TrajectorySuspended"
    reason: str
    until: datetime
    deadlines: list[Deadline]


class SuspensionReviewed(CaseMessage):
    """The pause was reviewed, and goes on; `deadlines` has the next review, and the longest pause there may be."""

    TYPE: ClassVar[str] = _T + "suspension_reviewed.v1"
    NAME: ClassVar[str] = "SuspensionReviewed"
    deadlines: list[Deadline]


class TrajectoryResumed(CaseMessage):
    """The pause is over."""

    TYPE: ClassVar[str] = _T + "trajectory_resumed.v1"
    NAME: ClassVar[str] = "TrajectoryResumed"
    deadlines: list[Deadline]


class MatchEnded(CaseMessage):
    """The match ended; `next` is REMATCH or HANDBACK, or absent where something else ended the trajectory."""

    TYPE: ClassVar[str] = _T + "match_ended.v1"
    NAME: ClassVar[str] = "MatchEnded"
    match: str
    reason: str
    side: str | None = None
    next: str | None = None
    closure_talk: bool
    deadlines: list[Deadline]


class TrajectoryCompleted(CaseMessage):
    """The trajectory came to its end; the handback report is due."""

    TYPE: ClassVar[str] = _T + "trajectory_completed.v1"
    NAME: ClassVar[str] = "TrajectoryCompleted"
    reason: str
    closure_talk: bool
    deadlines: list[Deadline]
