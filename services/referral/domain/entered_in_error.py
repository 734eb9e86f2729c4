"""A referral entered in error: one person reports it, another one confirms it. Possible in every state."""

from __future__ import annotations

from contracts.codes import ReferralState
from services.chassis.modelling.decider import To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.live_referral import access_after_end, let_go
from services.referral.domain.offer import OfReferral, PartEnds, acts_for
from services.referral.domain.referral_state import ErrorReport


class MarkError(ReferralCommand, frozen=True, kw_only=True):
    """Report that the referral was entered in error; the justification is in the vault."""

    justification_ref: str


class ConfirmError(ReferralCommand, frozen=True, kw_only=True):
    """Confirm it, as another person."""


class ErrorReported(OfReferral, frozen=True, kw_only=True):
    """Somebody reported that the referral was entered in error; until it is confirmed, everything goes on.

    `by_sub` is the reporter's own staff identifier: the one person who cannot confirm.
    """

    by_sub: str
    justification_ref: str


class ReferralEnteredInError(PartEnds, frozen=True, kw_only=True):
    """Two people of the agency agree that the referral should not have been made."""


def mark(command: MarkError, context: Context) -> list[ErrorReported]:
    """Reports the error. A second report by the same person changes nothing."""
    referral, by = context.referral, command.by
    if (
        referral.error == ErrorReport(org=acts_for(by), sub=by.sub)
        and referral.state is not ReferralState.ENTERED_IN_ERROR
    ):
        return []
    allow("mark-error", context, by)
    return [
        ErrorReported(
            offer=context.offer,
            at=command.at,
            by=acts_for(by),
            deadlines=referral.running,
            by_sub=by.sub,
            justification_ref=command.justification_ref,
        )
    ]


def confirm(command: ConfirmError, context: Context) -> list[ReferralEnteredInError | To]:
    """Ends the referral as entered in error. A second confirmation changes nothing."""
    if context.referral.state is ReferralState.ENTERED_IN_ERROR:
        return []
    allow("confirm-error", context, command.by)
    entered = ReferralEnteredInError(
        offer=context.offer, at=command.at, by=acts_for(command.by), access=access_after_end(context)
    )
    return [*let_go(context, in_error=True), entered]
