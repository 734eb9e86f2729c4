"""The organisation corrected its entry on the waiting list in the case, and the referral follows."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.offer import OfReferral, acts_for


class CorrectWaiting(ReferralCommand, frozen=True, kw_only=True):
    """The entry recorded by the event `corrects` should have read like this (casefile reports it)."""

    corrects: str
    reason: str
    expected_by: date


class WaitingCorrected(OfReferral, frozen=True, kw_only=True):
    """The entry recorded by the event `corrects` reads like this from now on; the wait itself goes on unchanged."""

    BYSTANDER: ClassVar[bool] = True

    corrects: str
    reason: str
    since: datetime
    expected_by: date


def correct_waiting(command: CorrectWaiting, context: Context) -> list[WaitingCorrected]:
    """Corrects the entry that the referral shows; a correction of an earlier entry changes nothing.

    No term changes: the reviews and the end of the wait are counted from its first day.
    """
    waiting = context.referral.waiting
    if waiting is None or context.waitlisted_by != command.corrects:
        return []
    if (waiting.reason, waiting.expected_by) == (command.reason, command.expected_by):
        return []
    return [
        WaitingCorrected(
            offer=context.offer,
            at=command.at,
            by=acts_for(command.by),
            deadlines=context.referral.running,
            corrects=command.corrects,
            reason=command.reason,
            since=waiting.since,
            expected_by=command.expected_by,
        )
    ]
