"""A referral: one offer of one person to one mentoring organisation (the state machine of domain reference, 7.2).

`decide` is the only place that refuses; `evolve` tells what each event made of the referral.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts.codes import DeadlineName, ReferralState
from services.chassis.decider import Command, Entity
from services.referral.domain import answering, correction, disclosure, drafting, ending, submission, timekeeping
from services.referral.domain.deadlines import find
from services.referral.domain.desk import Desk
from services.referral.domain.legal_basis import WithdrawLegalBasis
from services.referral.domain.offer import ReferralEvent
from services.referral.domain.referral_state import Answer, Asked, ErrorReport, Moved, Referral, Waiting

_S = ReferralState


_DECISIONS: dict[type, Callable[[Any, Desk], list[Any]]] = {
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
    disclosure.DiscloseContact: disclosure.disclose,
    timekeeping.RemindDeadline: timekeeping.remind,
    timekeeping.PassDeadline: timekeeping.let_pass,
}


def decide(command: Command, desk: Desk) -> list[Any]:
    """What follows from the command; [] where it is so already. Raises Refused.

    Events without `To` belong to the command's own stream: the referral's, for WithdrawLegalBasis the legal basis'.
    """
    return _DECISIONS[type(command)](command, desk)


def evolve(referral: Referral, event: Any) -> Referral:
    """The referral after one more event; one that is not about it changes nothing."""
    if not isinstance(event, ReferralEvent):
        return referral
    after = replace(referral, offer=event.offer, running=event.deadlines)
    match event:
        case drafting.ReferralDrafted():
            return _moved(replace(after, packet=event.packet), _S.DRAFT, "draft", event)
        case drafting.DraftEdited():
            return replace(after, packet=event.packet)
        case submission.ReferralSubmitted():
            submitted = replace(after, packet=event.packet, legal_basis_id=event.legal_basis_id)
            return _moved(submitted, _S.SUBMITTED, "submit", event)
        case answering.ReferralReceived():
            return _moved(after, _S.RECEIVED, "receive", event)
        case answering.InformationRequested():
            paused = find(referral.running, DeadlineName.DECISION.value)
            asked = Asked(codes=event.codes, at=event.at, paused=paused)
            counted = replace(after, asked=asked, requests=referral.requests + 1)
            return _moved(counted, _S.INFO_REQUESTED, "request-information", event)
        case answering.InformationProvided():
            return _moved(replace(after, asked=None), _S.RECEIVED, "provide-information", event)
        case answering.ReferralWaitlisted():
            waiting = Waiting(reason=event.reason, since=event.since, expected_by=event.expected_by)
            return _moved(replace(after, waiting=waiting), _S.WAITLISTED, "waitlist", event)
        case answering.ReferralAccepted():
            return _moved(replace(after, coordinator=event.coordinator), _S.ACCEPTED, "accept", event)
        case answering.ReferralDeclined():
            said = Answer(reason=event.reason, refs=(event.text_ref, event.suggestion_ref))
            return _moved(replace(after, ended_with=said), _S.DECLINED, "decline", event)
        case ending.ReferralWithdrawn():
            said = Answer(reason=event.reason, refs=(event.text_ref,))
            return _moved(replace(after, ended_with=said), _S.WITHDRAWN, "withdraw", event)
        case ending.ReferralCompleted():
            return _moved(replace(after, ended_with=Answer(reason=event.closure)), _S.COMPLETED, "complete", event)
        case ending.AccessEnded():
            return replace(after, access_ended=True)
        case timekeeping.ReferralExpired():
            return _moved(after, _S.EXPIRED, "expire", event)
        case timekeeping.DeadlineMissed():
            return replace(after, missed=referral.missed | {event.deadline})
        case correction.ErrorReported():
            return replace(after, error=ErrorReport(org=event.by, sub=event.by_sub))
        case correction.ReferralEnteredInError():
            return _moved(after, _S.ENTERED_IN_ERROR, "confirm-error", event)
        case _:
            return after


def _moved(referral: Referral, state: ReferralState, command: str, event: ReferralEvent) -> Referral:
    return replace(referral, state=state, moved=Moved(command=command, by=event.by, at=event.at))


REFERRAL: Entity[Referral] = Entity(Referral(), evolve)
