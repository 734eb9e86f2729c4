"""What others get of each private event: a message with the fields that concern them, and none where nothing does."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, assert_never

from contracts import casefile as messages
from contracts.casefile.correction import Reported as ReportedMessage
from contracts.message import ActorRef, CaseMessage, Deadline
from services.casefile.domain import (
    agreement,
    closing,
    consent_withdrawal,
    correction,
    deadlines,
    escalation,
    extension,
    handback,
    handback_report,
    intake,
    match_end,
    matching,
    mentoring,
    opening,
    organisation_part,
    outcomes,
    people,
    referral_answers,
    referral_entry,
    suspension,
    trajectory_end,
)
from services.casefile.domain.case import CaseEvent
from services.casefile.domain.report_facts import Reported
from services.casefile.domain.steps import Moves, Party
from services.casefile.history import occurred_at
from services.chassis.delivery.translation import published_actor, published_deadline, published_deadlines
from services.chassis.log.metadata import Recorded


class About(TypedDict):
    """What every message of a case says."""

    case: str
    actor: ActorRef
    occurred_at: datetime
    recorded_at: datetime
    digest: str


def publish(recorded: Recorded) -> tuple[str, CaseMessage] | None:
    """The case and the message of an event, or None where it concerns nobody outside this service."""
    if not recorded.stream.startswith("case-"):
        return None
    case, meta = recorded.stream.removeprefix("case-"), recorded.meta
    about: About = {
        "case": case,
        "actor": published_actor(meta.actor),
        "occurred_at": occurred_at(recorded),
        "recorded_at": meta.recorded_at,
        "digest": recorded.digest,
    }
    message = message_of(recorded.event, about)
    return (case, message) if message is not None else None


def message_of(event: CaseEvent, about: About) -> CaseMessage | None:
    """The message of an event."""
    match event:
        case referral_entry.ReferralEntryTaken():
            # The referral service has published it.
            return None
        case (
            opening.EligibilityConfirmed()
            | opening.ParticipationChosen()
            | opening.LegalBasisRecorded()
            | opening.CaseReferred()
        ):
            # The message of the submission has it.
            return None
        case opening.CaseOpened():
            return messages.CaseOpened(
                **about,
                client_ref=event.client_ref,
                agency=event.agency,
                programme=event.programme,
                programme_version=event.programme_version,
                lead=_party(event.lead),
            )
        case referral_answers.ReferralReturned():
            return messages.ReferralReturned(
                **about,
                referral=event.referral,
                organisation=event.organisation,
                reason=event.reason,
                deadlines=published_deadlines(event.deadlines),
            )
        case organisation_part.ResponsibilityTransferred():
            return messages.ResponsibilityTransferred(
                **about,
                referral=event.referral,
                giver=_party(event.giver),
                receiver=_party(event.receiver),
                step=event.step,
                deadlines=published_deadlines(event.deadlines),
            )
        case intake.ContactAttempted():
            return messages.ContactAttempted(**about, channel=event.channel, reached=event.reached)
        case intake.NoShowReported():
            return messages.NoShowReported(**about, count=event.count)
        case intake.IntakeConcluded():
            return messages.IntakeConcluded(
                **about,
                suitable=event.suitable,
                goals=list(event.goals),
                cefr=event.cefr,
                reason=event.reason,
                deadlines=_begun(event),
            )
        case matching.MatchProposed():
            return messages.MatchProposed(
                **about,
                match=event.match,
                mentor=event.mentor,
                kind=event.kind,
                criteria=list(event.criteria),
                deadlines=_begun(event),
            )
        case matching.MatchConfirmed():
            return messages.MatchConfirmed(**about, match=event.match, side=event.side)
        case matching.MatchRejected():
            return messages.MatchRejected(
                **about, match=event.match, side=event.side, reason=event.reason, deadlines=_begun(event)
            )
        case agreement.AgreementSigned():
            return messages.AgreementSigned(
                **about,
                match=event.match,
                start=event.start,
                end=event.end,
                norm=event.norm,
                charter_version=event.charter_version,
                readiness=_readiness(event.readiness),
                deadlines=_begun(event),
            )
        case mentoring.MeetingRecorded():
            return messages.MeetingRecorded(**about, minutes=event.minutes, mode=event.mode, topics=list(event.topics))
        case mentoring.CheckInRecorded():
            return messages.CheckInRecorded(**about, mode=event.mode, sides=list(event.sides), deadlines=_begun(event))
        case mentoring.PulseRecorded():
            return messages.PulseRecorded(**about, side=event.side, score=event.score, reasons=list(event.reasons))
        case mentoring.ProgressReported():
            return messages.ProgressReported(
                **about, occasion=event.occasion, progress=event.progress, next_step=event.next_step
            )
        case extension.ExtensionProposed():
            return messages.ExtensionProposed(**about, end=event.end)
        case extension.ExtensionRefused():
            return messages.ExtensionRefused(**about, end=event.end)
        case extension.AgreementExtended():
            return messages.AgreementExtended(**about, end=event.end, deadlines=_begun(event))
        case suspension.TrajectorySuspended():
            return messages.TrajectorySuspended(
                **about, reason=event.reason, until=event.until, deadlines=_begun(event)
            )
        case suspension.TrajectoryResumed():
            return messages.TrajectoryResumed(**about, deadlines=_begun(event))
        case suspension.SuspensionReviewed():
            return messages.SuspensionReviewed(**about, deadlines=_begun(event))
        case match_end.MatchEnded():
            return messages.MatchEnded(
                **about,
                match=event.match,
                reason=event.reason,
                side=event.side,
                next=event.next,
                closure_talk=event.closure_talk,
                deadlines=_begun(event),
            )
        case trajectory_end.TrajectoryCompleted():
            return messages.TrajectoryCompleted(
                **about, reason=event.reason, closure_talk=event.closure_talk, deadlines=_begun(event)
            )
        case escalation.EscalationRaised():
            return messages.EscalationRaised(
                **about, reason=event.reason, awaited=event.awaited, deadlines=_begun(event)
            )
        case escalation.EscalationResolved():
            return messages.EscalationResolved(**about, resolution=event.resolution, deadlines=_begun(event))
        case handback_report.HandbackRequested():
            return messages.HandbackRequested(
                **about,
                referral=event.referral,
                closure_reason=event.closure_reason,
                outcomes=event.outcomes,
                open_needs=list(event.open_needs),
                recommended_next_step=event.recommended_next_step,
                deadlines=_begun(event),
            )
        case handback.HandbackReturned():
            return messages.HandbackReturned(
                **about, referral=event.referral, missing=list(event.missing), deadlines=_begun(event)
            )
        case handback.HandbackAccepted():
            return messages.HandbackAccepted(
                **about,
                referral=event.referral,
                decision=event.decision,
                next_service=event.next_service,
                access=published_deadline(event.access) if event.access is not None else None,
            )
        case consent_withdrawal.DisclosureStopped():
            return messages.DisclosureStopped(**about, legal_basis=event.legal_basis, withdrawn_at=event.withdrawn_at)
        case consent_withdrawal.NgoAccessRevoked():
            return messages.NgoAccessRevoked(
                **about, referral=event.referral, organisation=event.organisation, reason=event.reason
            )
        case consent_withdrawal.RecordedAfterWithdrawal():
            return messages.RecordedAfterWithdrawal(
                **about,
                legal_basis=event.legal_basis,
                organisation=event.organisation,
                withdrawn_at=event.withdrawn_at,
                events=list(event.events),
            )
        case consent_withdrawal.CaseReturned():
            return messages.CaseReturned(**about, referral=event.referral, reason=event.reason, deadlines=_begun(event))
        case deadlines.NgoAccessExpired():
            return messages.NgoAccessExpired(**about, referral=event.referral, organisation=event.organisation)
        case closing.CaseClosed():
            return messages.CaseClosed(**about, reason=event.reason)
        case closing.CaseReopened():
            return messages.CaseReopened(**about)
        case outcomes.OutcomeRecorded():
            return messages.OutcomeRecorded(
                **about,
                point=event.point,
                code=event.code,
                source=event.source,
                level_match=event.level_match,
                progress=event.progress,
            )
        case outcomes.OutcomeWaived():
            return messages.OutcomeWaived(**about, point=event.point, reason=event.reason)
        case deadlines.CaseFinalised():
            return messages.CaseFinalised(**about)
        case people.CounsellorProposed():
            return messages.CounsellorProposed(**about, receiver=_party(event.receiver))
        case people.CounsellorReassigned():
            return messages.CounsellorReassigned(**about, giver=_party(event.giver), receiver=_party(event.receiver))
        case organisation_part.CoordinatorProposed():
            return messages.CoordinatorProposed(**about, receiver=_party(event.receiver))
        case people.CoordinatorReassigned():
            return messages.CoordinatorReassigned(**about, giver=_party(event.giver), receiver=_party(event.receiver))
        case correction.CorrectionRecorded():
            return messages.CorrectionRecorded(
                **about,
                corrects=event.corrects,
                corrected=event.corrected,
                was=_report(event.was),
                holds=_report(event.holds),
                referral=event.referral,
                source_event_id=event.source_event_id,
                organisation=event.organisation,
            )
        case deadlines.DeadlineReminded():
            return messages.DeadlineReminded(
                **about,
                deadline=event.deadline,
                step=event.step,
                due_at=event.due_at,
                owner=_party(event.owner),
                awaited=event.awaited,
            )
        case deadlines.DeadlineMissed():
            return messages.DeadlineMissed(
                **about,
                deadline=event.deadline,
                step=event.step,
                due_at=event.due_at,
                owner=_party(event.owner),
                awaited=event.awaited,
                deadlines=_begun(event),
            )
        case _:
            assert_never(event)


def _begun(moves: Moves) -> list[Deadline]:
    """What runs in the steps that an event begins or renews."""
    return [published_deadline(deadline) for step in (*moves.opens, *moves.renews) for deadline in step.deadlines]


def _party(party: Party) -> ActorRef:
    return ActorRef(role=party.role, org=party.org, sub=party.sub)


def _report(report: Reported | None) -> ReportedMessage | None:
    if report is None:
        return None
    return ReportedMessage(kind=report.kind, happened_at=report.happened_at, facts=report.facts)


def _readiness(readiness: agreement.Readiness) -> messages.Readiness:
    return messages.Readiness(
        kind=readiness.kind,
        screened_on=readiness.screened_on,
        trained_on=readiness.trained_on,
        insurance_note_on=readiness.insurance_note_on,
        charter_version=readiness.charter_version,
        charter_acknowledged_on=readiness.charter_acknowledged_on,
        confidentiality_on=readiness.confidentiality_on,
    )
