"""What each event makes of a case's time with an organisation: its match, agreement and reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contracts.casefile_codes import AfterMatch
from services.casefile.domain import (
    escalation,
    handback,
    intake,
    matching,
    mentoring,
    people,
    reviews,
    trajectory,
)
from services.casefile.domain.case import (
    Agreement,
    EndedMatch,
    Handback,
    Match,
    ProgressReport,
    Trajectory,
)
from services.chassis.modelling.growing import GrowingTuple


def in_trajectory(now: Trajectory, event: Any) -> Trajectory:
    """The trajectory after one more event."""
    match event:
        case intake.ContactAttempted():
            reached = {("REACHED", "", event.happened_at)} if event.reached else set()
            return replace(now, reported=now.reported | {("CONTACT", "", event.happened_at)} | reached)
        case intake.NoShowReported():
            return replace(now, no_shows=event.count, reported=now.reported | {("NO_SHOW", "", event.happened_at)})
        case intake.IntakeConcluded():
            return replace(now, goals=event.goals, mentee_expectations=event.expectations_ref is not None)
        case mentoring.MeetingRecorded():
            return replace(now, reported=now.reported | {("MEETING", "", event.happened_at)})
        case mentoring.CheckInRecorded():
            return replace(now, reported=now.reported | {("CHECK_IN", "", event.happened_at)})
        case mentoring.PulseRecorded():
            return replace(now, reported=now.reported | {("PULSE", event.side, event.happened_at)})
        case mentoring.ProgressReported():
            told = ProgressReport(
                happened_at=event.happened_at,
                occasion=event.occasion,
                progress=event.progress,
                next_step=event.next_step,
            )
            return replace(
                now,
                progress_reports=now.progress_reports.plus(told),
                reported=now.reported | {("PROGRESS", event.occasion, event.happened_at)},
            )
        case trajectory.TrajectorySuspended():
            began = next((step.since for step in event.opens), None)
            return replace(now, suspended_for=event.reason, suspended_at=began, suspended_until=event.until)
        case trajectory.TrajectoryResumed():
            again = next((step.since for step in event.opens), None)
            return replace(now, suspended_for=None, suspended_at=None, suspended_until=None, resumed_at=again)
        case reviews.SuspensionReviewed():
            return replace(now, reported=now.reported | {("REVIEW", "", event.happened_at)})
        case escalation.EscalationResolved():
            known = ("ESCALATION", event.resolution, event.resolved_at)
            return replace(now, reported=now.reported | {known})
        case trajectory.TrajectoryCompleted():
            over = _match_over(now, event.reason)
            return replace(now, match=None, ended_matches=over, ended_at=event.ended_at, closure_reason=event.reason)
        case trajectory.MatchEnded():
            ends = event.next == AfterMatch.HANDBACK
            return replace(
                now,
                match=None,
                ended_matches=_match_over(now, event.reason),
                ended_at=event.ended_at if ends else now.ended_at,
                closure_reason=event.reason if ends else now.closure_reason,
            )
        case handback.HandbackRequested():
            report = Handback(
                closure_reason=event.closure_reason,
                open_needs=event.open_needs,
                outcomes=event.outcomes,
                recommended_next_step=event.recommended_next_step,
                requested_at=event.requested_at,
                returned=now.handback.returned if now.handback is not None else None,
            )
            return replace(
                now, handback=report, ended_at=event.ended_at or now.ended_at, closure_reason=event.closure_reason
            )
        case handback.HandbackReturned() if now.handback is not None:
            return replace(now, handback=replace(now.handback, returned=event.missing, waiting_for_report=True))
        case people.CoordinatorReassigned():
            return replace(now, coordinator=event.receiver)
        case matching.AgreementSigned():
            return replace(now, match=_match(now.match, event, now), last_day=now.last_day or event.end)
        case trajectory.AgreementExtended():
            return replace(now, match=_match(now.match, event, now), last_day=event.end, extended=True)
        case _:
            return replace(now, match=_match(now.match, event, now))


def _match_over(now: Trajectory, reason: str) -> GrowingTuple[EndedMatch]:
    if now.match is None:
        return now.ended_matches
    return now.ended_matches.plus(EndedMatch(match=now.match, reason=reason))


def _match(now: Match | None, event: Any, within: Trajectory) -> Match | None:
    match event:
        case matching.MatchProposed():
            return Match(
                match=event.match,
                mentor=event.mentor,
                kind=event.kind,
                proposed_at=event.proposed_at,
                criteria=event.criteria,
                due_at=next((step.due_at for step in event.opens), None),
            )
        case matching.MatchRejected():
            return None
        case matching.MatchConfirmed() if now is not None:
            return replace(now, confirmed=now.confirmed | {event.side})
        case matching.AgreementSigned() if now is not None:
            signed = Agreement(
                start=event.start,
                end=event.end,
                norm=event.norm,
                signed_at=event.signed_at,
                extended=within.extended,
            )
            return replace(now, agreement=signed)
        case _:
            return replace(now, agreement=_agreement(now.agreement, event)) if now is not None else None


def _agreement(now: Agreement | None, event: Any) -> Agreement | None:
    if now is None:
        return None
    match event:
        case trajectory.ExtensionProposed():
            return replace(now, proposed_end=event.end)
        case trajectory.ExtensionRefused():
            return replace(now, proposed_end=None)
        case trajectory.AgreementExtended():
            return replace(now, end=event.end, proposed_end=None, extended=True)
        case _:
            return now
