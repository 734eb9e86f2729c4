"""A referral entered in error: one person reports it, another one confirms it. Possible in every state."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.codes import ReferralState
from services.chassis.modelling.decider import To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.offer import OfReferral, PartEnds, acts_for
from services.referral.domain.referral_state import ErrorReport
from services.referral.domain.steps import access_after_end, let_go


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkError(ReferralCommand):
    """Report that the referral was entered in error; the justification is in the vault."""

    justification_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmError(ReferralCommand):
    """Confirm it, as another person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReported(OfReferral):
    """Somebody reported that the referral was entered in error; until it is confirmed, everything goes on.

    `by_sub` is the reporter's own staff identifier: the one person who cannot confirm.
    """

    by_sub: str
    justification_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralEnteredInError(PartEnds):
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
