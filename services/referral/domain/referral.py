"""A referral: one offer of one person to one mentoring organisation (its tables are in docs/domain.md).

`decide` is the only place that refuses; `evolve` tells what each event made of the referral.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts.codes import DeadlineName, ReferralState
from services.chassis.modelling.decider import Command, Entity
from services.referral.domain import (
    answering,
    correction,
    disclosure,
    drafting,
    ending,
    submission,
    timekeeping,
    waiting,
)
from services.referral.domain.context import Context
from services.referral.domain.deadlines import find
from services.referral.domain.legal_basis import WithdrawLegalBasis
from services.referral.domain.offer import PartEnds, ReferralEvent
from services.referral.domain.referral_state import Answer, Asked, ErrorReport, Moved, Referral, Waiting

_S = ReferralState


_DECISIONS: dict[type, Callable[[Any, Context], list[Any]]] = {
    drafting.CreateDraft: drafting.create,
    drafting.EditDraft: drafting.edit,
    submission.SubmitReferral: submission.submit,
    submission.SubmitDraft: submission.submit_draft,
    answering.Receive: answering.receive,
    answering.RequestInformation: answering.request_information,
    answering.ProvideInformation: answering.provide_information,
    answering.Waitlist: answering.waitlist,
    answering.Accept: answering.accept,
    answering.Decline: answering.decline,
    ending.Withdraw: ending.withdraw,
    ending.CompleteReferral: ending.complete,
    ending.EndAccess: ending.end_access,
    WithdrawLegalBasis: ending.withdraw_legal_basis,
    correction.MarkError: correction.mark,
    correction.ConfirmError: correction.confirm,
    waiting.CorrectWaiting: waiting.correct_waiting,
    disclosure.DiscloseContact: disclosure.disclose,
    timekeeping.RemindDeadline: timekeeping.remind,
    timekeeping.PassDeadline: timekeeping.let_pass,
}


def decide(command: Command, context: Context) -> list[Any]:
    """What follows from the command; [] where it is so already. Raises Refused.

    Events without `To` belong to the command's own stream: the referral's, for WithdrawLegalBasis the legal basis'.
    """
    return _DECISIONS[type(command)](command, context)


def evolve(referral: Referral, event: Any) -> Referral:
    """The referral after one more event; one that is not about it changes nothing."""
    if not isinstance(event, ReferralEvent):
        return referral
    return replace(referral, offer=event.offer, running=event.deadlines, **_changes(referral, event))


def _changes(referral: Referral, event: ReferralEvent) -> dict[str, Any]:
    match event:
        case drafting.ReferralDrafted():
            return _moved(_S.DRAFT, "draft", event, packet=event.packet)
        case drafting.DraftEdited():
            return {"packet": event.packet}
        case submission.ReferralSubmitted():
            return _moved(_S.SUBMITTED, "submit", event, packet=event.packet, legal_basis_id=event.legal_basis_id)
        case answering.ReferralReceived():
            return _moved(_S.RECEIVED, "receive", event)
        case answering.InformationRequested():
            paused = find(referral.running, DeadlineName.DECISION.value)
            asked = Asked(codes=event.codes, at=event.at, paused=paused)
            requests = referral.requests + 1
            return _moved(_S.INFO_REQUESTED, "request-information", event, asked=asked, requests=requests)
        case answering.InformationProvided():
            return _moved(_S.RECEIVED, "provide-information", event, asked=None)
        case answering.ReferralWaitlisted():
            return _moved(_S.WAITLISTED, "waitlist", event, waiting=_waiting(event))
        case waiting.WaitingCorrected():
            return {"waiting": _waiting(event)}
        case answering.ReferralAccepted():
            return _moved(_S.ACCEPTED, "accept", event, coordinator=event.coordinator)
        case answering.ReferralDeclined():
            said = Answer(reason=event.reason, refs=(event.text_ref, event.suggestion_ref))
            return _moved(_S.DECLINED, "decline", event, ended_with=said)
        case ending.ReferralWithdrawn():
            said = Answer(reason=event.reason, refs=(event.text_ref,))
            return _moved(_S.WITHDRAWN, "withdraw", event, ended_with=said)
        case ending.ReferralCompleted():
            return _moved(_S.COMPLETED, "complete", event, ended_with=Answer(reason=event.closure))
        case ending.AccessEnded():
            return {"access_ended": True}
        case timekeeping.ReferralExpired():
            return _moved(_S.EXPIRED, "expire", event)
        case timekeeping.DeadlineMissed():
            return {"missed": referral.missed | {event.deadline}}
        case correction.ErrorReported():
            return {"error": ErrorReport(org=event.by, sub=event.by_sub)}
        case correction.ReferralEnteredInError():
            return _moved(_S.ENTERED_IN_ERROR, "confirm-error", event)
        case _:
            return {}


def _waiting(event: answering.ReferralWaitlisted | waiting.WaitingCorrected) -> Waiting:
    return Waiting(reason=event.reason, since=event.since, expected_by=event.expected_by)


def _moved(state: ReferralState, command: str, event: ReferralEvent, **also: Any) -> dict[str, Any]:
    if isinstance(event, PartEnds):
        also["access"] = event.access
    return {"state": state, "moved": Moved(command=command, by=event.by, at=event.at), **also}


REFERRAL: Entity[Referral] = Entity(Referral(), evolve)
