"""Reports as plain data that can be corrected: the fields in the shape that they were sent in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from services.casefile.domain.state import Case, ProgressReport, Trajectory
from services.chassis.modelling.growing import GrowingMap, GrowingTuple

Fact = str | int | bool | list[str] | dict[str, str] | None
"""One field of a report as JSON has it: a code, a number, a date as text, a list or a mapping of codes."""


class Reported(Struct, frozen=True, kw_only=True):
    """A report: its event's name, when it happened, and its codes, numbers and dates (as text).

    It happens as it is recorded where the time is None: a waiver, a place on the waiting list.
    """

    kind: str
    happened_at: datetime | None
    facts: dict[str, Fact]


CORRECTED_BY: Final[dict[str, str]] = {
    "ContactAttempted": "log-contact-attempt",
    "NoShowReported": "report-no-show",
    "MeetingRecorded": "record-meeting",
    "CheckInRecorded": "record-check-in",
    "PulseRecorded": "record-pulse",
    "ProgressReported": "report-progress",
    "TaskRecorded": "record-task",
    "SuspensionReviewed": "review-suspension",
    "OutcomeRecorded": "record-outcome",
    "OutcomeWaived": "waive-outcome",
    "ReferralWaitlisted": "waitlist",
}
"""Every event that is a report, and the command that it came by, in whichever service. What was decided is none."""
WAIT: Final = "ReferralWaitlisted"
Key = tuple[str, str, datetime]


def reported_wait(reason: str | None, expected_by: date | None) -> Reported:
    """A wait as the organisation reported it, and the person agreed to; an old entry has None for what it lacks."""
    day = str(expected_by) if expected_by is not None else None
    return Reported(kind=WAIT, happened_at=None, facts={"reason": reason, "expected_by": day, "client_agreed": True})


def keys_of(report: Reported) -> frozenset[Key]:
    """How a trajectory remembers a report (`Trajectory.reported`)."""
    if report.happened_at is None:
        return frozenset()
    at, facts = report.happened_at, report.facts
    match report.kind:
        case "ContactAttempted":
            return frozenset({("CONTACT", "", at), *((("REACHED", "", at),) if facts["reached"] else ())})
        case "NoShowReported":
            return frozenset({("NO_SHOW", "", at)})
        case "MeetingRecorded":
            return frozenset({("MEETING", "", at)})
        case "CheckInRecorded":
            return frozenset({("CHECK_IN", "", at)})
        case "PulseRecorded":
            return frozenset({("PULSE", str(facts["side"]), at)})
        case "ProgressReported":
            return frozenset({("PROGRESS", str(facts["occasion"]), at)})
        case "TaskRecorded":
            by = facts["by"]
            return frozenset({(f"TASK:{facts['task']}", by["role"] if isinstance(by, dict) else "", at)})
        case "SuspensionReviewed":
            return frozenset({("REVIEW", "", at)})
        case _:
            return frozenset()


def settles(report: Reported) -> tuple[str, str, str] | None:
    """How a case remembers a result or a waiver (`Case.settled`)."""
    match report.kind:
        case "OutcomeRecorded":
            return str(report.facts["point"]), str(report.facts["code"]), str(report.facts["source"])
        case "OutcomeWaived":
            return str(report.facts["point"]), str(report.facts["reason"]), "WAIVED"
        case _:
            return None


def remembers(trajectory: Trajectory | None, report: Reported) -> bool:
    """Whether a report belongs to this trajectory."""
    return trajectory is not None and bool(keys := keys_of(report)) and keys <= trajectory.reported


def applied(case: Case, was: Reported, holds: Reported) -> Case:
    """The case once a report reads otherwise; one of an earlier trajectory does so in the history.

    A result of an earlier closing changes nothing now.
    """
    before, after = settles(was), settles(holds)
    if before is not None and after is not None:
        if before not in case.settled:
            return case
        levels = [(point, level) for point, level in case.level_match.items() if point != before[0]]
        if isinstance(level := holds.facts.get("level_match"), bool):
            levels.append((after[0], level))
        settled = GrowingTuple(after if point == before else point for point in case.settled)
        return replace(case, settled=settled, level_match=GrowingMap(levels))
    if case.trajectory is not None and remembers(case.trajectory, was):
        return replace(case, trajectory=_reads(case.trajectory, was, holds))
    earlier = GrowingTuple(
        replace(over, trajectory=_reads(over.trajectory, was, holds))
        if over.trajectory is not None and remembers(over.trajectory, was)
        else over
        for over in case.earlier
    )
    return replace(case, earlier=earlier)


def _reads(trajectory: Trajectory, was: Reported, holds: Reported) -> Trajectory:
    reported = (trajectory.reported - keys_of(was)) | keys_of(holds)
    reports = trajectory.progress_reports
    if was.kind == "ProgressReported" and holds.happened_at is not None:
        stands = _progress(holds, holds.happened_at)
        known = (was.happened_at, was.facts["occasion"])
        reports = GrowingTuple(
            stands if (report.happened_at, report.occasion) == known else report for report in reports
        )
    return replace(trajectory, reported=reported, progress_reports=reports)


def _progress(holds: Reported, happened_at: datetime) -> ProgressReport:
    progress, next_step = holds.facts["progress"], holds.facts["next_step"]
    return ProgressReport(
        happened_at=happened_at,
        occasion=str(holds.facts["occasion"]),
        progress=progress if isinstance(progress, dict) else {},
        next_step=str(next_step) if next_step is not None else None,
    )
