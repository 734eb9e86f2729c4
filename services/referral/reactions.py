"""What the referral service does when casefile tells it something: a message becomes a command, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from contracts import casefile
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor
from services.referral.domain.case_key import CloseCase, ReopenCase
from services.referral.domain.ending import CompleteReferral, EndAccess
from services.referral.domain.waiting import CorrectWaiting


@dataclass(frozen=True, slots=True)
class Told:
    """When the reaction happens, and in whose name."""

    at: datetime
    by: Actor


def when_handback_accepted_complete_the_referral(message: casefile.HandbackAccepted, told: Told) -> CompleteReferral:
    """The agency took the case back: the loop of the referral is closed."""
    ends = message.access
    return CompleteReferral(
        at=told.at,
        by=told.by,
        referral_id=message.referral,
        closed_at=message.occurred_at,
        access=Deadline(ends.name, ends.due_at, ends.remind_at) if ends is not None else None,
    )


def when_ngo_access_expired_end_that_to_the_referral(message: casefile.NgoAccessExpired, told: Told) -> EndAccess:
    """Twelve weeks after its part ended, counted where that is known, the organisation reads nothing more."""
    return EndAccess(at=told.at, by=told.by, referral_id=message.referral)


def when_case_closed_let_the_next_referral_open_a_new_one(message: casefile.CaseClosed, told: Told) -> CloseCase:
    """A closed case is not used again by a later referral."""
    return CloseCase(at=told.at, by=told.by, case_id=message.case)


def when_case_reopened_use_it_again(message: casefile.CaseReopened, told: Told) -> ReopenCase:
    """A case that was opened again takes the person's next referral."""
    return ReopenCase(at=told.at, by=told.by, case_id=message.case)


def when_a_waiting_lists_date_is_corrected_answer_the_right_one(
    message: casefile.CorrectionRecorded, told: Told
) -> CorrectWaiting | None:
    """What holds of the wait, holds for the referral's own answer too. None for the correction of anything else."""
    holds = message.holds
    if message.referral is None or message.source_event_id is None or holds is None:
        return None
    return CorrectWaiting(
        at=told.at,
        by=told.by,
        referral_id=message.referral,
        corrects=message.source_event_id,
        reason=str(holds.facts["reason"]),
        expected_by=date.fromisoformat(holds.facts["expected_by"]),
    )
