"""What time does to a referral: reminders, breaches, lapse and expiry, each recorded once.

A scheduler sends the commands, possibly late or repeatedly. It need not know whether the deadline still holds: nothing
follows for a deadline that was met, moved or missed before, or that is not reached yet.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, UnsetType

from contracts.codes import DeadlineName, WithdrawReason
from contracts.terms import LadderLevel
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import To
from services.chassis.modelling.ladder import Receiver
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.ending import AccessEnded, ReferralWithdrawn
from services.referral.domain.ladder import climbs, receivers_at
from services.referral.domain.live_referral import access_after_end, let_go
from services.referral.domain.offer import OfReferral, PartEnds, acts_for
from services.referral.domain.reminders import DeadlineReminded, reminders_stream
from services.referral.domain.terms import find

NGO_ACCESS = "NGO_ACCESS"
"""The end of the access of an organisation that was one of several: nobody else counts it."""


class RemindDeadline(ReferralCommand, frozen=True, kw_only=True):
    """Remind of the deadline `name` that is due at `due_at`."""

    name: str
    due_at: datetime


class PassDeadline(ReferralCommand, frozen=True, kw_only=True):
    """The deadline `name` that was due at `due_at` has passed."""

    name: str
    due_at: datetime


class DeadlineMissed(OfReferral, frozen=True, kw_only=True):
    """The deadline passed without the act of `awaited` that it waited for, and those in `notified` hear of it.

    `level` and `notified` are unset in what was stored before there was a ladder.
    """

    deadline: Deadline
    awaited: str
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET


class ReferralExpired(PartEnds, frozen=True, kw_only=True):
    """The offer lapsed unanswered; `last_actor` is the organisation whose act was awaited when it did.

    `level` and `notified` as of a missed term.
    """

    last_actor: str
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET


def remind(command: RemindDeadline, context: Context) -> list[To]:
    """Reminds, in a stream of its own; the referral itself does not change."""
    deadline = _unmissed(command, context)
    if deadline is None or deadline in context.reminders.of or command.at < deadline.remind_at:
        return []
    if deadline.name == NGO_ACCESS:
        return []  # it waits for nobody's act
    offer = context.offer
    awaited = context.referral.awaited(deadline.name)
    receivers = receivers_at(LadderLevel.L0, context, awaited)
    reminded = DeadlineReminded(
        offer=offer, deadline=deadline, awaited=awaited, level=LadderLevel.L0.value, notified=receivers
    )
    return [To(reminders_stream(offer.referral_id), reminded)]


def let_pass(
    command: PassDeadline, context: Context
) -> list[ReferralWithdrawn | ReferralExpired | DeadlineMissed | AccessEnded | To]:
    """Records the breach; ends the referral where the deadline was its last."""
    deadline = _unmissed(command, context)
    if deadline is None or command.at < deadline.due_at:
        return []
    offer, by, referral = context.offer, acts_for(command.by), context.referral
    awaited = referral.awaited(deadline.name)
    match deadline.name:
        case "NGO_ACCESS":
            return [AccessEnded(offer=offer, at=command.at, by=by)]
        case DeadlineName.DRAFT_LAPSE:
            lapsed = WithdrawReason.DRAFT_LAPSED.value
            return [*let_go(context), ReferralWithdrawn(offer=offer, at=command.at, by=by, reason=lapsed)]
        case DeadlineName.EXPIRY:
            access = access_after_end(context)
            expired = ReferralExpired(
                offer=offer,
                at=command.at,
                by=by,
                last_actor=awaited,
                access=access,
                level=LadderLevel.L1.value,
                notified=receivers_at(LadderLevel.L1, context, awaited),
            )
            return [*let_go(context), expired]
        case DeadlineName.WAITLIST_REVIEW:
            running = _next_review(deadline, context)
        case _:
            running = referral.running
    return [
        DeadlineMissed(
            offer=offer,
            at=command.at,
            by=by,
            deadlines=running,
            deadline=deadline,
            awaited=awaited,
            level=LadderLevel.L1.value,
            notified=receivers_at(LadderLevel.L1, context, awaited),
            late=(climbs(context, deadline),),
        )
    ]


def _unmissed(command: RemindDeadline | PassDeadline, context: Context) -> Deadline | None:
    """The deadline, unless the referral has moved on, the term was moved, or the breach is recorded."""
    deadline = find(context.referral.running, command.name)
    if deadline is None or deadline.due_at != command.due_at or deadline in context.referral.missed:
        return None
    return deadline


def _next_review(missed: Deadline, context: Context) -> tuple[Deadline, ...]:
    others = tuple(deadline for deadline in context.referral.running if deadline != missed)
    # From the due time, not from now: a scheduler that was down shifts no review.
    following = context.deadline(missed.name, missed.due_at)
    expiry = find(others, DeadlineName.EXPIRY.value)
    if expiry is not None and following.due_at >= expiry.due_at:
        return others
    return (following, *others)
