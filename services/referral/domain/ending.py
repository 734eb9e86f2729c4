"""How a referral ends other than by declining: its agency withdraws it, or the case is handed back.

Every end releases what the referral held: the person's case key, and the place at the organisation.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from contracts.codes import SYSTEM_WITHDRAW_REASONS, Closure, ReferralState, WithdrawReason
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.live_referral import access_after_end, forgotten, let_go
from services.referral.domain.offer import OfReferral, PartEnds, acts_for
from services.referral.domain.referral_state import TERMINAL, EndedWith


class Withdraw(ReferralCommand, frozen=True, kw_only=True):
    """Take the offer back before it is accepted. Free text goes with OTHER only; it is in the vault."""

    reason: WithdrawReason
    text_ref: str | None = None


class CompleteReferral(ReferralCommand, frozen=True, kw_only=True):
    """The agency accepted the handback at `closed_at` (casefile reports it): the loop is closed.

    `access` is when the organisation's access ends, counted from the end of the trajectory, as casefile recorded it.
    """

    closed_at: datetime
    access: Deadline | None = None


class EndAccess(ReferralCommand, frozen=True, kw_only=True):
    """The organisation's access to the case has ended (casefile reports it), and with it the access to its referral."""


class ReferralWithdrawn(PartEnds, frozen=True, kw_only=True):
    """The agency took the offer back, the person withdrew the legal basis, or the draft lapsed."""

    reason: str
    text_ref: str | None = None


class ReferralCompleted(PartEnds, frozen=True, kw_only=True):
    """An accepted referral came to its end."""

    closure: str
    loop_closed_at: datetime


class AccessEnded(OfReferral, frozen=True, kw_only=True):
    """The organisation can no longer read the referral."""

    BYSTANDER: ClassVar[bool] = True


def withdrawn_with(answer: Withdraw | ReferralWithdrawn) -> EndedWith:
    """By what a repeat of the withdrawal is known: all that was given with it."""
    return EndedWith(reason=str(answer.reason), refs=(answer.text_ref,))


def withdraw(command: Withdraw, context: Context) -> list[ReferralWithdrawn | To]:
    """Takes the offer back; after acceptance the way back is the handback."""
    if context.referral.state is ReferralState.WITHDRAWN and context.referral.ended_with == withdrawn_with(command):
        return []
    allow("withdraw", context, command.by)
    if command.reason in SYSTEM_WITHDRAW_REASONS:
        raise Refused.input(Fault("/reason", "SYSTEM_REASON", "only the system records this reason"))
    if command.text_ref is not None and command.reason is not WithdrawReason.OTHER:
        detail = "free text is allowed only with the reason OTHER"
        raise Refused.input(Fault("/text", "TEXT_ONLY_WITH_OTHER", detail, rests_on=("/reason",)))
    withdrawn = ReferralWithdrawn(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        reason=command.reason.value,
        text_ref=command.text_ref,
        access=access_after_end(context),
    )
    return [*let_go(context), withdrawn]


def complete(command: CompleteReferral, context: Context) -> list[ReferralCompleted | To]:
    """Closes the loop. A referral that has ended already, by a consent stop or as an error, stays as it is."""
    if context.referral.state in TERMINAL:
        return []
    allow("complete", context, command.by)
    completed = ReferralCompleted(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        closure=Closure.HANDBACK_ACCEPTED.value,
        loop_closed_at=command.closed_at,
        access=command.access,
    )
    return [*let_go(context), completed]


def end_access(command: EndAccess, context: Context) -> list[AccessEnded | To]:
    """Ends the organisation's access, in whatever state the referral is."""
    referral = context.referral
    if referral.access_ended:
        return []
    ended = AccessEnded(offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=referral.running)
    return [ended, *forgotten(context, "NgoAccessExpired", command.at, acts_for(command.by))]
