"""What was reported, and can be put right: the fields of a report in the shape that it was sent in, as plain data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from services.casefile.domain.case import Case, ProgressReport, Reported, Trajectory
from services.casefile.domain.opening import ReferralEntryTaken
from services.chassis.modelling.growing import GrowingTuple

CORRECTED_BY: Final[dict[str, str]] = {
    "ContactAttempted": "log-contact-attempt",
    "NoShowReported": "report-no-show",
    "MeetingRecorded": "record-meeting",
    "CheckInRecorded": "record-check-in",
    "PulseRecorded": "record-pulse",
    "ProgressReported": "report-progress",
    "SuspensionReviewed": "review-suspension",
    "OutcomeRecorded": "record-outcome",
    "OutcomeWaived": "waive-outcome",
    "ReferralWaitlisted": "waitlist",
}
"""Every event that is a report, and the command that it came by, in whichever service. What was decided is none."""
_WAIT: Final = "ReferralWaitlisted"
_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "ContactAttempted": ("channel", "reached"),
    "NoShowReported": (),
    "MeetingRecorded": ("minutes", "mode", "topics"),
    "CheckInRecorded": ("mode", "sides"),
    "PulseRecorded": ("side", "score", "reasons"),
    "ProgressReported": ("progress", "next_step", "occasion"),
    "SuspensionReviewed": (),
    "OutcomeRecorded": ("point", "code", "source", "level_match", "progress"),
    "OutcomeWaived": ("point", "reason"),
}

Key = tuple[str, str, datetime]


def report_of(event: Any) -> Reported | None:
    """What an event reports; None for one that is no report. What a rule has made of a report already stays that."""
    if isinstance(event, Reported):
        return event
    if isinstance(event, ReferralEntryTaken):
        return of_a_wait(next(iter(event.codes), None), event.expected_by) if event.name == _WAIT else None
    name = type(event).__name__
    if name not in _FIELDS:
        return None
    facts = {field: getattr(event, field) for field in _FIELDS[name]}
    return Reported(
        kind=name,
        happened_at=getattr(event, "happened_at", None),
        facts={field: list(value) if isinstance(value, tuple) else value for field, value in facts.items()},
    )


def of_a_wait(reason: str | None, expected_by: date | None) -> Reported:
    """What an organisation said of a wait; None for what an old entry does not have. The person has agreed to wait."""
    day = expected_by.isoformat() if expected_by is not None else None
    return Reported(kind=_WAIT, happened_at=None, facts={"reason": reason, "expected_by": day, "client_agreed": True})


def keys_of(said: Reported) -> frozenset[Key]:
    """How a trajectory remembers a report (`Trajectory.reported`)."""
    if said.happened_at is None:
        return frozenset()
    at, facts = said.happened_at, said.facts
    match said.kind:
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
        case "SuspensionReviewed":
            return frozenset({("REVIEW", "", at)})
        case _:
            return frozenset()


def settles(said: Reported) -> tuple[str, str, str] | None:
    """How a case remembers a result or a waiver (`Case.settled`)."""
    match said.kind:
        case "OutcomeRecorded":
            return str(said.facts["point"]), str(said.facts["code"]), str(said.facts["source"])
        case "OutcomeWaived":
            return str(said.facts["point"]), str(said.facts["reason"]), "WAIVED"
        case _:
            return None


def remembers(trajectory: Trajectory | None, said: Reported) -> bool:
    """Whether a report belongs to this trajectory."""
    return trajectory is not None and bool(keys := keys_of(said)) and keys <= trajectory.reported


def applied(case: Case, was: Reported, holds: Reported) -> Case:
    """The case once a report reads otherwise; one of an earlier trajectory does so in the history.

    A result of an earlier closing changes nothing now.
    """
    before, after = settles(was), settles(holds)
    if before is not None and after is not None:
        return replace(case, settled=GrowingTuple(after if one == before else one for one in case.settled))
    if case.trajectory is not None and remembers(case.trajectory, was):
        return replace(case, trajectory=_reads(case.trajectory, was, holds))
    earlier = GrowingTuple(
        replace(one, trajectory=_reads(one.trajectory, was, holds))
        if one.trajectory is not None and remembers(one.trajectory, was)
        else one
        for one in case.earlier
    )
    return replace(case, earlier=earlier)


def _reads(trajectory: Trajectory, was: Reported, holds: Reported) -> Trajectory:
    reported = (trajectory.reported - keys_of(was)) | keys_of(holds)
    reports = trajectory.progress_reports
    if was.kind == "ProgressReported" and holds.happened_at is not None:
        stands = ProgressReport(happened_at=holds.happened_at, **holds.facts)
        known = (was.happened_at, was.facts["occasion"])
        reports = GrowingTuple(stands if (one.happened_at, one.occasion) == known else one for one in reports)
    return replace(trajectory, reported=reported, progress_reports=reports)
