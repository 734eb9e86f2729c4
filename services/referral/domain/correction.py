"""A referral entered in error: one person says so, another one confirms it. Possible in every state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.codes import ReferralState
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.ending import access_after_end, let_go
from services.referral.domain.guards import allow
from services.referral.domain.offer import PartEnds, ReferralEvent, acts_for
from services.referral.domain.referral_state import ErrorReport


class MarkError(ReferralCommand, frozen=True, kw_only=True):
    """Say that the referral was entered in error; the justification is in the vault."""

    justification_ref: str


class ConfirmError(ReferralCommand, frozen=True, kw_only=True):
    """Confirm it, as another person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReported(ReferralEvent):
    """Somebody said that the referral was entered in error; until it is confirmed, everything goes on.

    `by_sub` is the reporter's own staff identifier: the one person who cannot confirm.
    """

    by_sub: str
    justification_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralEnteredInError(PartEnds):
    """Two people of the agency agree that the referral should not have been made."""


def mark(command: MarkError, context: Context) -> list[Any]:
    """Reports the error. Reported by the same person already, it stays as it is."""
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


def confirm(command: ConfirmError, context: Context) -> list[Any]:
    """Ends the referral as entered in error. Confirmed already, it stays as it is."""
    if context.referral.state is ReferralState.ENTERED_IN_ERROR:
        return []
    allow("confirm-error", context, command.by)
    entered = ReferralEnteredInError(
        offer=context.offer, at=command.at, by=acts_for(command.by), access=access_after_end(context)
    )
    return [*let_go(context, in_error=True), entered]
