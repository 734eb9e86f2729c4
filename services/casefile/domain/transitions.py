"""What each event makes of a case: its state on one screen, then the facts that later decisions rest on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts.casefile_codes import AfterMatch
from contracts.codes import CaseState, LegalBasisKind, Step
from services.casefile.domain import (
    answering,
    deadlines,
    follow_up,
    handback,
    intake,
    matching,
    mentoring,
    opening,
    people,
    trajectory,
    withdrawal,
)
from services.casefile.domain.case import (
    Access,
    Agreement,
    Case,
    Earlier,
    EndedMatch,
    Handback,
    LiveReferral,
    Match,
    ProgressReport,
    Trajectory,
)
from services.casefile.domain.responsibility import Moves, Party, find, handed_over, moved
from services.casefile.domain.terms import Deadline
from services.chassis.decider import Entity

Errors = tuple[tuple[str, Party], ...]


def next_state(state: CaseState | None, event: Any) -> CaseState | None:
    """The states that events lead to, as the tables of a case in docs/domain.md have them."""
    match event:
        case opening.CaseOpened() | answering.ReferralReturned() | withdrawal.CaseReturned():
            return CaseState.OPENED
        case handback.HandbackAccepted() | follow_up.CaseReopened():
            return CaseState.OPENED
        case opening.CaseReferred():
            return CaseState.REFERRED
        case answering.ResponsibilityTransferred(step=Step.INTAKE):
            return CaseState.INTAKE
        case intake.IntakeConcluded(suitable=True):
            return CaseState.MATCHING
        case matching.MatchRejected() | trajectory.MatchEnded(next=AfterMatch.REMATCH):
            return CaseState.MATCHING
        case matching.MatchProposed():
            return CaseState.MATCH_PROPOSED
        case matching.AgreementSigned() | trajectory.TrajectoryResumed():
            return CaseState.MENTORING
        case trajectory.TrajectorySuspended():
            return CaseState.SUSPENDED
        case trajectory.TrajectoryCompleted() | trajectory.MatchEnded(next=AfterMatch.HANDBACK):
            return CaseState.HANDBACK_DUE
        case handback.HandbackRequested():
            return CaseState.HANDBACK_REQUESTED
        case follow_up.CaseClosed():
            return CaseState.CLOSED
        case follow_up.CaseFinalised():
            return CaseState.FINALISED
        case _:
            return state


def evolve(case: Case, event: Any) -> Case:
    """The case after one more event. Every event it knows is one line of the tables here; others change nothing."""
    # Most events leave the state, and a case is large.
    if (state := next_state(case.state, event)) is not case.state:
        case = replace(case, state=state)
    if isinstance(event, Moves):
        case = replace(case, steps=moved(case.steps, event))
    for facts in (_opening, _ending, _following_up, _people_and_deadlines):
        case = facts(case, event)
    if case.trajectory is not None:
        case = replace(case, trajectory=_in_trajectory(case.trajectory, event))
    return case


def _opening(case: Case, event: Any) -> Case:
    match event:
        case opening.CaseOpened():
            return replace(
                case,
                case=event.case,
                client_ref=event.client_ref,
                agency=event.agency,
                programme=event.programme,
                programme_version=event.programme_version,
                lead=event.lead,
                opened_at=event.opened_at,
            )
        case opening.EligibilityConfirmed():
            return replace(case, eligibility=event.criteria)
        case opening.ParticipationChosen():
            return replace(case, participation_chosen_at=event.chosen_at)
        case opening.LegalBasisRecorded():
            consents = case.consents | ({event.legal_basis} if event.kind == LegalBasisKind.CONSENT else set())
            return replace(case, legal_bases=case.legal_bases | {event.legal_basis}, consents=consents)
        case opening.ReferralEntryTaken():
            return replace(
                case, taken=case.taken | {event.source_event_id}, errors_reported=_errors(case.errors_reported, event)
            )
        case opening.CaseReferred():
            live = LiveReferral(
                referral=event.referral,
                organisation=event.organisation,
                legal_basis=event.legal_basis,
                recommended_mentor_kind=event.recommended_mentor_kind,
                deadlines=event.deadlines,
            )
            sees = Access(referral=event.referral, organisation=event.organisation, legal_basis=event.legal_basis)
            return replace(
                case,
                referral=live,
                programme_version=event.programme_version,
                accesses=(*case.accesses, sees),
                agreed=False,
            )
        case answering.ResponsibilityTransferred(step=Step.INTAKE):
            return replace(case, trajectory=Trajectory(coordinator=event.receiver, accepted_at=event.at))
        case matching.AgreementSigned():
            return replace(case, agreed=True)
        case _:
            return case


def _errors(now: Errors, entry: opening.ReferralEntryTaken) -> Errors:
    if entry.name == "ErrorReported":
        return (*now, (entry.referral, entry.actor))
    if entry.name == "ReferralEnteredInError":
        return tuple(one for one in now if one[0] != entry.referral)
    return now


def _ending(case: Case, event: Any) -> Case:
    match event:
        case answering.ReferralReturned():
            case = _access_ends(case, event.referral, "RETURNED", event.access)
            return _without_organisation(case, event.name, event.reason)
        case trajectory.TrajectoryCompleted() | trajectory.MatchEnded() | handback.HandbackRequested():
            if event.access is None or case.referral is None:
                return case
            return replace(_access_ends(case, case.referral.referral, None, event.access), exit_at=event.ended_at)
        case handback.HandbackAccepted():
            case = _access_ends(case, event.referral, "HANDED_BACK", None)
            said = {"decision": event.decision, "next_service": event.next_service, "answers": event.answers}
            return _without_organisation(case, "HandbackAccepted", _closure(case), **said)
        case withdrawal.CaseReturned():
            return _without_organisation(case, "LegalBasisWithdrawn", event.reason)
        case withdrawal.NgoAccessRevoked():
            case = _access_ends(case, event.referral, event.reason, None)
            return _access_changed(case, event.referral, lambda access: replace(access, closed=True))
        case deadlines.NgoAccessExpired():
            return _access_changed(case, event.referral, lambda access: replace(access, closed=True))
        case _:
            return case


def _without_organisation(case: Case, ended_by: str, reason: str | None, **said: Any) -> Case:
    """The case back with its agency; what there was stays to be read."""
    over = case.earlier
    if case.referral is not None:
        # The lead's next step began with the end.
        begun = find(case.steps, Step.NEXT_SERVICE)
        ended = Earlier(
            referral=case.referral.referral,
            organisation=case.referral.organisation,
            ended_by=ended_by,
            reason=reason,
            ended_at=begun.since if begun is not None else None,
            trajectory=case.trajectory,
            **said,
        )
        over = (*over, ended)
    return replace(
        case, referral=None, trajectory=None, asked_to_coordinate=None, takes_over_by_acting=False, earlier=over
    )


def _closure(case: Case) -> str | None:
    return case.trajectory.closure_reason if case.trajectory is not None else None


def _access_ends(case: Case, referral: str, why: str | None, expires: Deadline | None) -> Case:
    return _access_changed(
        case,
        referral,
        lambda access: replace(access, ended=why or access.ended, expires=expires or access.expires),
    )


def _access_changed(case: Case, referral: str, change: Callable[[Access], Access]) -> Case:
    accesses = tuple(change(access) if access.referral == referral else access for access in case.accesses)
    return replace(case, accesses=accesses)


def _following_up(case: Case, event: Any) -> Case:
    match event:
        case follow_up.CaseClosed():
            return replace(case, close_reason=event.reason, reopen_until=event.reopen_until, settled=())
        case follow_up.CaseReopened():
            return replace(case, close_reason=None, reopen_until=None, settled=(), finalise_at=None)
        case follow_up.OutcomeRecorded():
            settled = (*case.settled, (event.point, event.code, event.source))
            return replace(case, settled=settled, finalise_at=event.finalise_at)
        case follow_up.OutcomeWaived():
            settled = (*case.settled, (event.point, event.reason, "WAIVED"))
            return replace(case, settled=settled, finalise_at=event.finalise_at)
        case _:
            return case


def _people_and_deadlines(case: Case, event: Any) -> Case:
    match event:
        case people.CounsellorProposed():
            return replace(case, asked_to_lead=event.receiver)
        case people.CounsellorReassigned():
            steps = handed_over(case.steps, event.giver, event.receiver, event.since)
            return replace(case, lead=event.receiver, asked_to_lead=None, steps=steps)
        case people.CoordinatorProposed():
            return replace(case, asked_to_coordinate=event.receiver, takes_over_by_acting=event.takes_over_by_acting)
        case people.CoordinatorReassigned():
            steps = handed_over(case.steps, event.giver, event.receiver, event.since)
            return replace(case, asked_to_coordinate=None, takes_over_by_acting=False, steps=steps)
        case people.CorrectionRecorded():
            return replace(case, corrected=case.corrected | {(event.corrects, event.reason_ref)})
        case deadlines.DeadlineReminded():
            return replace(case, fired=case.fired | {(deadlines.REMINDED, event.deadline, event.due_at)})
        case deadlines.DeadlineMissed():
            return replace(case, fired=case.fired | {(deadlines.MISSED, event.deadline, event.due_at)})
        case _:
            return case


def _in_trajectory(now: Trajectory, event: Any) -> Trajectory:
    match event:
        case intake.ContactAttempted():
            return replace(now, reported=now.reported | {("CONTACT", "", event.happened_at)})
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
                progress_reports=(*now.progress_reports, told),
                reported=now.reported | {("PROGRESS", event.occasion, event.happened_at)},
            )
        case trajectory.TrajectorySuspended():
            return replace(now, suspended_for=event.reason, suspended_until=event.until)
        case trajectory.TrajectoryResumed():
            return replace(now, suspended_for=None, suspended_until=None)
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
        case _:
            return replace(now, match=_match(now.match, event))


def _match_over(now: Trajectory, reason: str) -> tuple[EndedMatch, ...]:
    return (*now.ended_matches, *([EndedMatch(match=now.match, reason=reason)] if now.match is not None else []))


def _match(now: Match | None, event: Any) -> Match | None:
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
            signed = Agreement(start=event.start, end=event.end, norm=event.norm, signed_at=event.signed_at)
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


CASE: Entity[Case] = Entity(Case(), evolve)
