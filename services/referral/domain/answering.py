"""The addressed organisation acknowledges an offer, and accepts or declines it."""

from __future__ import annotations

from contracts.codes import (
    DECLINE_RULES,
    DeadlineName,
    DeclineReason,
    ReferralState,
    Reliance,
)
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.live_referral import access_after_end, let_go, relied_on
from services.referral.domain.offer import OfReferral, PartEnds, acts_for
from services.referral.domain.organisation import CapacityTaken, organisation_stream
from services.referral.domain.referral_state import EndedWith
from services.referral.domain.terms import only


class Receive(ReferralCommand, frozen=True, kw_only=True):
    """Acknowledge receipt."""


class Accept(ReferralCommand, frozen=True, kw_only=True):
    """Take the person on; `coordinator` (a staff identifier of the organisation) is to be responsible for the case."""

    coordinator: str


class Decline(ReferralCommand, frozen=True, kw_only=True):
    """Decline. Free text goes with OTHER only; the texts are in the vault, under the references."""

    reason: DeclineReason
    text_ref: str | None = None
    suggestion_ref: str | None = None


class ReferralReceived(OfReferral, frozen=True, kw_only=True):
    """Receipt was acknowledged."""


class ReferralAccepted(OfReferral, frozen=True, kw_only=True):
    """The organisation took the person on."""

    coordinator: str


class ReferralDeclined(PartEnds, frozen=True, kw_only=True):
    """The organisation declined; the event keeps what its reason implied then (`contracts.codes.DeclineRule`)."""

    reason: str
    re_referable: bool
    agency_action: str
    text_ref: str | None
    suggestion_ref: str | None


def receive(command: Receive, context: Context) -> list[ReferralReceived]:
    """Acknowledges receipt, which meets the RECEIPT term."""
    if context.referral.state is ReferralState.RECEIVED and context.legal_basis.withdrawn_at is None:
        return []
    allow("receive", context, command.by)
    running = only(context.referral.running, DeadlineName.DECISION.value, DeadlineName.EXPIRY.value)
    return [ReferralReceived(offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=running)]


def accept(command: Accept, context: Context) -> list[ReferralAccepted | To]:
    """Takes the person on: the answer is given, a place is taken, and the basis is relied on for what follows."""
    referral = context.referral
    if referral.state is ReferralState.ACCEPTED and referral.coordinator == command.coordinator:
        return []
    allow("accept", context, command.by)
    if not command.coordinator.strip():
        raise Refused.input(Fault("/coordinator", "REQUIRED", "name the coordinator who will be responsible"))
    offer, organisation = context.offer, context.offer.organisation or ""
    return [
        *relied_on(context, Reliance.ACCEPT, command.at),
        To(
            organisation_stream(organisation),
            CapacityTaken(organisation=organisation, referral_id=offer.referral_id),
        ),
        ReferralAccepted(offer=offer, at=command.at, by=acts_for(command.by), coordinator=command.coordinator),
    ]


def declined_with(answer: Decline | ReferralDeclined) -> EndedWith:
    """By what a repeat of the answer is known: all that the organisation gave with it."""
    return EndedWith(reason=str(answer.reason), refs=(answer.text_ref, answer.suggestion_ref))


def decline(command: Decline, context: Context) -> list[ReferralDeclined | To]:
    """Declines: the case returns to the agency, and the person may be referred again."""
    if context.referral.state is ReferralState.DECLINED and context.referral.ended_with == declined_with(command):
        return []
    allow("decline", context, command.by)
    if command.text_ref is not None and command.reason is not DeclineReason.OTHER:
        detail = "free text is allowed only with the reason OTHER"
        raise Refused.input(Fault("/text", "TEXT_ONLY_WITH_OTHER", detail, rests_on=("/reason",)))
    rule = DECLINE_RULES[command.reason]
    declined = ReferralDeclined(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        reason=command.reason.value,
        re_referable=rule.re_referable,
        agency_action=rule.agency_action.value,
        text_ref=command.text_ref,
        suggestion_ref=command.suggestion_ref,
        access=access_after_end(context),
    )
    return [*let_go(context), declined]
