"""What the referral service does when a message of casefile arrives: it becomes a command, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from contracts import casefile
from contracts.message import Message
from services.chassis.delivery.translation import actor_of, deadline_of
from services.chassis.modelling.delivery import Delivery
from services.referral.domain.case_key import CloseCase, ReopenCase
from services.referral.domain.context import ReferralCommand
from services.referral.domain.corrected_wait import CorrectWaiting
from services.referral.domain.disclosure import NoteRefusal
from services.referral.domain.ending import CompleteReferral, EndAccess


def when_handback_accepted_complete_the_referral(
    message: casefile.handback.HandbackAccepted, delivery: Delivery
) -> CompleteReferral:
    """The agency took the case back: the loop of the referral is closed."""
    ends = message.access
    return CompleteReferral(
        at=delivery.at,
        by=delivery.by,
        referral_id=message.referral,
        closed_at=message.occurred_at,
        access=deadline_of(ends) if ends is not None else None,
    )


def when_ngo_access_expired_end_that_to_the_referral(
    message: casefile.deadlines.NgoAccessExpired, delivery: Delivery
) -> EndAccess:
    """Twelve weeks after its part ended, counted where that is known, the organisation reads nothing more."""
    return EndAccess(at=delivery.at, by=delivery.by, referral_id=message.referral)


def when_case_closed_let_the_next_referral_open_a_new_one(
    message: casefile.closing.CaseClosed, delivery: Delivery
) -> CloseCase:
    """A closed case is not used again by a later referral."""
    return CloseCase(at=delivery.at, by=delivery.by, case_id=message.case)


def when_case_reopened_use_it_again(message: casefile.closing.CaseReopened, delivery: Delivery) -> ReopenCase:
    """A case that was opened again takes the person's next referral."""
    return ReopenCase(at=delivery.at, by=delivery.by, case_id=message.case)


def when_a_waiting_lists_date_is_corrected_answer_the_right_one(
    message: casefile.correction.CorrectionRecorded, delivery: Delivery
) -> CorrectWaiting | None:
    """The corrected entry is the referral's own answer too. None for the correction of anything else."""
    holds = message.holds
    if message.referral is None or message.source_event_id is None or holds is None:
        return None
    return CorrectWaiting(
        at=delivery.at,
        by=delivery.by,
        referral_id=message.referral,
        corrects=message.source_event_id,
        reason=str(holds.facts["reason"]),
        expected_by=date.fromisoformat(holds.facts["expected_by"]),
    )


def when_casefile_refused_a_disclosure_note_it_with_the_others(
    message: casefile.consent_withdrawal.DisclosureRefused, delivery: Delivery
) -> NoteRefusal:
    """Who asks to whom the person's data went is told of every attempt, wherever it was made."""
    return NoteRefusal(
        at=delivery.at,
        by=actor_of(message.actor),
        referral_id=message.referral,
        refused_at=message.occurred_at,
        legal_basis_id=message.legal_basis,
        attempt=message.attempt,
    )


REACTIONS: dict[
    type[Message], Callable[[Any, Delivery], ReferralCommand | CloseCase | ReopenCase | NoteRefusal | None]
] = {
    casefile.handback.HandbackAccepted: when_handback_accepted_complete_the_referral,
    casefile.deadlines.NgoAccessExpired: when_ngo_access_expired_end_that_to_the_referral,
    casefile.closing.CaseClosed: when_case_closed_let_the_next_referral_open_a_new_one,
    casefile.closing.CaseReopened: when_case_reopened_use_it_again,
    casefile.consent_withdrawal.DisclosureRefused: when_casefile_refused_a_disclosure_note_it_with_the_others,
    casefile.correction.CorrectionRecorded: when_a_waiting_lists_date_is_corrected_answer_the_right_one,
}
"""Every message that the referral service reacts to."""
