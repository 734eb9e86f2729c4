"""A referral: one offer of one person to one mentoring organisation (its tables are in docs/domain.md).

The decisions are in the files of its phases, where alone a command is refused; `evolve` is the whole lifecycle: which
state each event leads to, and what it leaves behind.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from contracts.codes import DeadlineName, ReferralState
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Entity
from services.referral.domain.answering import ReferralAccepted, ReferralDeclined, ReferralReceived, declined_with
from services.referral.domain.corrected_wait import WaitingCorrected
from services.referral.domain.deadlines import DeadlineMissed, ReferralExpired
from services.referral.domain.drafting import DraftEdited, ReferralDrafted
from services.referral.domain.ending import AccessEnded, ReferralCompleted, ReferralWithdrawn, withdrawn_with
from services.referral.domain.entered_in_error import ErrorReported, ReferralEnteredInError
from services.referral.domain.information import InformationProvided, InformationRequested
from services.referral.domain.ladder import DeadlineEscalated, WaitlistAlerted
from services.referral.domain.offer import LateTerm, OfReferral, PartEnds
from services.referral.domain.referral_state import EndedWith, ErrorReport, Moved, OpenQuestion, Referral, Waiting
from services.referral.domain.submission import ReferralSubmitted
from services.referral.domain.terms import find
from services.referral.domain.waiting_list import ReferralWaitlisted

_S = ReferralState

ReferralEvent = (
    ReferralDrafted
    | DraftEdited
    | ReferralSubmitted
    | ReferralReceived
    | InformationRequested
    | InformationProvided
    | ReferralWaitlisted
    | WaitingCorrected
    | ReferralAccepted
    | ReferralDeclined
    | ReferralWithdrawn
    | ReferralExpired
    | ReferralCompleted
    | ErrorReported
    | ReferralEnteredInError
    | DeadlineMissed
    | DeadlineEscalated
    | WaitlistAlerted
    | AccessEnded
)
"""Every event of a referral's own stream."""


def evolve(before: Referral, event: ReferralEvent) -> Referral:
    """The referral after one more event."""
    referral = replace(before, offer=event.offer, running=event.deadlines, late=event.late or ())
    match event:
        case ReferralDrafted():
            return replace(referral, state=_S.DRAFT, moved=_moved("draft", event), packet=event.packet)
        case DraftEdited():
            return replace(referral, packet=event.packet)
        case ReferralSubmitted():
            moved, basis = _moved("submit", event), event.legal_basis_id
            return replace(referral, state=_S.SUBMITTED, moved=moved, packet=event.packet, legal_basis_id=basis)
        case ReferralReceived():
            return replace(referral, state=_S.RECEIVED, moved=_moved("receive", event))
        case InformationRequested():
            paused = find(before.running, DeadlineName.DECISION.value)
            question, moved = (
                OpenQuestion(codes=event.codes, at=event.at, paused=paused, late=_of_paused(before, paused)),
                _moved("request-information", event),
            )
            return replace(
                referral,
                state=_S.INFO_REQUESTED,
                moved=moved,
                question=question,
                information_requests=before.information_requests + 1,
            )
        case InformationProvided():
            return replace(referral, state=_S.RECEIVED, moved=_moved("provide-information", event), question=None)
        case ReferralWaitlisted():
            return replace(referral, state=_S.WAITLISTED, moved=_moved("waitlist", event), waiting=_waiting(event))
        case WaitingCorrected():
            return replace(referral, waiting=_waiting(event))
        case ReferralAccepted():
            moved = _moved("accept", event)
            won = (before.offer.broadcast or None) if before.offer is not None else None
            return replace(referral, state=_S.ACCEPTED, moved=moved, coordinator=event.coordinator, won=won)
        case ReferralDeclined():
            return _ended(referral, _S.DECLINED, "decline", event, declined_with(event))
        case ReferralWithdrawn():
            return _ended(referral, _S.WITHDRAWN, "withdraw", event, withdrawn_with(event))
        case ReferralExpired():
            return _ended(referral, _S.EXPIRED, "expire", event)
        case ReferralCompleted():
            return _ended(referral, _S.COMPLETED, "complete", event, EndedWith(reason=event.closure))
        case ErrorReported():
            return replace(referral, error=ErrorReport(org=event.by, sub=event.by_sub))
        case ReferralEnteredInError():
            return _ended(referral, _S.ENTERED_IN_ERROR, "confirm-error", event)
        case DeadlineMissed():
            return replace(referral, missed=before.missed | {event.deadline})
        case DeadlineEscalated() | WaitlistAlerted():
            return referral
        case AccessEnded():
            return replace(referral, access_ended=True)
        case _:
            assert_never(event)


def _of_paused(before: Referral, paused: Deadline | None) -> tuple[LateTerm, ...]:
    return tuple(late for late in before.late if paused is not None and late.is_of(paused.name, paused.due_at))


def _moved(command: str, event: OfReferral) -> Moved:
    return Moved(command=command, by=event.by, at=event.at)


def _ended(
    referral: Referral, state: ReferralState, command: str, event: PartEnds, ended_with: EndedWith | None = None
) -> Referral:
    kept = ended_with if ended_with is not None else referral.ended_with
    return replace(referral, state=state, moved=_moved(command, event), ended_with=kept, access=event.access)


def _waiting(event: ReferralWaitlisted | WaitingCorrected) -> Waiting:
    return Waiting(reason=event.reason, since=event.since, expected_by=event.expected_by)


REFERRAL: Entity[Referral] = Entity(Referral(), evolve)
