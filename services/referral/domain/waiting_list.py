"""The organisation puts the person on its waiting list, with their agreement."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import UNSET

from contracts.codes import (
    DeadlineName,
    ReferralState,
    WaitlistReason,
)
from contracts.waitlist import wrong_of_a_wait
from services.chassis.modelling.decider import Fault, Refused
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.ladder import waits
from services.referral.domain.offer import OfReferral, acts_for
from services.referral.domain.terms import day_of, find


class Waitlist(ReferralCommand, frozen=True, kw_only=True):
    """Put the person on the waiting list, with their agreement."""

    reason: WaitlistReason
    expected_by: date
    client_agreed: bool


class ReferralWaitlisted(OfReferral, frozen=True, kw_only=True):
    """On the waiting list since `since` (the first time, if there were several)."""

    reason: str
    since: datetime
    expected_by: date


def waitlist(command: Waitlist, context: Context) -> list[ReferralWaitlisted]:
    """Puts the referral on the list: reviewed regularly, for a limited time counted from its first day there."""
    referral = context.referral
    waiting = referral.waiting
    if (
        referral.state is ReferralState.WAITLISTED
        and waiting is not None
        and (waiting.reason, waiting.expected_by) == (command.reason.value, command.expected_by)
    ):
        return []
    allow("waitlist", context, command.by)
    today = day_of(context.calendar, command.at)
    if wrong := wrong_of_a_wait(command.expected_by, client_agreed=command.client_agreed, today=today):
        raise Refused.input(*(Fault(*fault) for fault in wrong))
    expiry = find(referral.running, DeadlineName.EXPIRY.value) if waiting is not None else None
    if expiry is None:
        expiry = context.deadline("WAITLIST_EXPIRY", command.at, name=DeadlineName.EXPIRY.value)
    review = context.deadline(DeadlineName.WAITLIST_REVIEW.value, command.at)
    return [
        ReferralWaitlisted(
            offer=context.offer,
            at=command.at,
            by=acts_for(command.by),
            deadlines=(review, expiry),
            reason=command.reason.value,
            since=waiting.since if waiting is not None else command.at,
            expected_by=command.expected_by,
            # The wait itself began earlier, where the person was on the list before.
            late=(waits(context, command.at),) if waiting is None else UNSET,
        )
    ]
