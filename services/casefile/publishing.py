"""What the others are told of each private event: the fields that a message declares, and nothing else."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from contracts import casefile as told
from contracts.message import CaseMessage, Message
from services.casefile.domain import (
    answering,
    deadlines,
    escalation,
    follow_up,
    handback,
    intake,
    matching,
    mentoring,
    opening,
    people,
    reviews,
    trajectory,
    withdrawal,
)
from services.casefile.domain.responsibility import Moves
from services.casefile.timeline import occurred_at
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor
from services.chassis.modelling.plain import members

_MESSAGES: dict[type, type[CaseMessage]] = {
    opening.CaseOpened: told.CaseOpened,
    answering.ReferralReturned: told.ReferralReturned,
    answering.ResponsibilityTransferred: told.ResponsibilityTransferred,
    intake.ContactAttempted: told.ContactAttempted,
    intake.NoShowReported: told.NoShowReported,
    intake.IntakeConcluded: told.IntakeConcluded,
    matching.MatchProposed: told.MatchProposed,
    matching.MatchConfirmed: told.MatchConfirmed,
    matching.MatchRejected: told.MatchRejected,
    matching.AgreementSigned: told.AgreementSigned,
    mentoring.MeetingRecorded: told.MeetingRecorded,
    mentoring.CheckInRecorded: told.CheckInRecorded,
    mentoring.PulseRecorded: told.PulseRecorded,
    mentoring.ProgressReported: told.ProgressReported,
    trajectory.ExtensionProposed: told.ExtensionProposed,
    trajectory.ExtensionRefused: told.ExtensionRefused,
    trajectory.AgreementExtended: told.AgreementExtended,
    trajectory.TrajectorySuspended: told.TrajectorySuspended,
    trajectory.TrajectoryResumed: told.TrajectoryResumed,
    reviews.SuspensionReviewed: told.SuspensionReviewed,
    escalation.EscalationRaised: told.EscalationRaised,
    escalation.EscalationResolved: told.EscalationResolved,
    trajectory.MatchEnded: told.MatchEnded,
    trajectory.TrajectoryCompleted: told.TrajectoryCompleted,
    handback.HandbackRequested: told.HandbackRequested,
    handback.HandbackReturned: told.HandbackReturned,
    handback.HandbackAccepted: told.HandbackAccepted,
    withdrawal.DisclosureStopped: told.DisclosureStopped,
    withdrawal.NgoAccessRevoked: told.NgoAccessRevoked,
    withdrawal.RecordedAfterWithdrawal: told.RecordedAfterWithdrawal,
    withdrawal.CaseReturned: told.CaseReturned,
    deadlines.NgoAccessExpired: told.NgoAccessExpired,
    follow_up.CaseClosed: told.CaseClosed,
    follow_up.CaseReopened: told.CaseReopened,
    follow_up.OutcomeRecorded: told.OutcomeRecorded,
    follow_up.OutcomeWaived: told.OutcomeWaived,
    follow_up.CaseFinalised: told.CaseFinalised,
    people.CounsellorProposed: told.CounsellorProposed,
    people.CounsellorReassigned: told.CounsellorReassigned,
    people.CoordinatorProposed: told.CoordinatorProposed,
    people.CoordinatorReassigned: told.CoordinatorReassigned,
    people.CorrectionRecorded: told.CorrectionRecorded,
    deadlines.DeadlineReminded: told.DeadlineReminded,
    deadlines.DeadlineMissed: told.DeadlineMissed,
}
"""Entries of referral messages, and what the submission said already, are not told a second time."""


def publish(recorded: Recorded) -> tuple[str, Message] | None:
    """The case and the message of an event, or None where it concerns nobody outside this service."""
    message = _MESSAGES.get(type(recorded.event))
    if message is None:
        return None
    case = recorded.stream.removeprefix("case-")
    meta = recorded.meta
    return case, message.model_validate(
        {
            **_facts(recorded.event),
            "case": case,
            "actor": {name: getattr(meta.actor, name) for name in members(Actor) or ()},
            "occurred_at": occurred_at(recorded),
            "recorded_at": meta.recorded_at,
            "digest": recorded.digest,
        }
    )


def _facts(event: Any) -> dict[str, Any]:
    facts = asdict(event)
    if isinstance(event, Moves):
        begun = (*event.opens, *event.renews)
        facts["deadlines"] = [asdict(deadline) for step in begun for deadline in step.deadlines]
    return facts
