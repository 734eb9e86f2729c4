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
    opening,
    people,
    trajectory,
    withdrawal,
)
from services.casefile.domain.case import (
    MISSED,
    REMINDED,
    Access,
    Case,
    Earlier,
    LiveReferral,
    Trajectory,
)
from services.casefile.domain.reported import applied
from services.casefile.domain.responsibility import Moves, Party, find, handed_over, moved
from services.casefile.domain.terms import Deadline
from services.casefile.domain.trajectory_facts import in_trajectory
from services.chassis.modelling.decider import Entity
from services.chassis.modelling.growing import GrowingTuple

Errors = GrowingTuple[tuple[str, Party]]


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
        case = replace(case, trajectory=in_trajectory(case.trajectory, event))
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
                accesses=case.accesses.plus(sees),
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
        return now.plus((entry.referral, entry.actor))
    if entry.name == "ReferralEnteredInError":
        return GrowingTuple(one for one in now if one[0] != entry.referral)
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
            case = replace(case, exit_at=event.ended_at or case.exit_at)
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
        over = over.plus(ended)
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
    # The latest is asked first: it is the one, but for what comes long after its end.
    for place in reversed(range(len(case.accesses))):
        if (access := case.accesses[place]).referral == referral:
            return replace(case, accesses=case.accesses.changed(place, change(access)))
    return case


def _following_up(case: Case, event: Any) -> Case:
    match event:
        case follow_up.CaseClosed():
            # A closing that was stored without the exit is counted from its trajectory, or else from itself.
            closed_at = next((step.since for step in event.opens), None)
            return replace(
                case,
                close_reason=event.reason,
                reopen_until=event.reopen_until,
                settled=GrowingTuple(),
                followed_from=event.exit_at or case.exit_at or closed_at,
            )
        case follow_up.CaseReopened():
            case = replace(case, close_reason=None, reopen_until=None, finalise_at=None, followed_from=None)
            return replace(case, settled=GrowingTuple())
        case follow_up.OutcomeRecorded():
            settled = case.settled.plus((event.point, event.code, event.source))
            return replace(case, settled=settled, finalise_at=event.finalise_at)
        case follow_up.OutcomeWaived():
            settled = case.settled.plus((event.point, event.reason, "WAIVED"))
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
            case = replace(case, corrected=case.corrected | {(event.corrects, event.reason_ref)})
            if event.was is None or event.holds is None:
                return case
            return applied(case, event.was, event.holds)
        case deadlines.DeadlineReminded():
            return replace(case, fired=case.fired | {(REMINDED, event.deadline, event.due_at)})
        case deadlines.DeadlineMissed():
            return replace(case, fired=case.fired | {(MISSED, event.deadline, event.due_at)})
        case _:
            return case


CASE: Entity[Case] = Entity(Case(), evolve)
