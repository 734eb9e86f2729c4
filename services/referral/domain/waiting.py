"""What was said of a wait reads otherwise: the organisation corrected it in the case, and the referral follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.offer import ReferralEvent, acts_for


class CorrectWaiting(ReferralCommand, frozen=True, kw_only=True):
    """What the event `corrects` said of the wait should have read like this (a fact that casefile tells)."""

    corrects: str
    reason: str
    expected_by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCorrected(ReferralEvent):
    """What the event `corrects` said of the wait reads like this from now on; the wait itself goes on as it did."""

    BYSTANDER: ClassVar[bool] = True

    corrects: str
    reason: str
    since: datetime
    expected_by: date


def correct_waiting(command: CorrectWaiting, context: Context) -> list[Any]:
    """Follows the correction of the entry on the list that the referral shows; one from before it shows no more.

    No term changes with it: the reviews and the end of the wait are counted from its first day.
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
