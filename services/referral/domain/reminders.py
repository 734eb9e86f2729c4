"""The reminders sent about one referral, in a stream of their own so that they do not move the referral's ETag."""

from __future__ import annotations

from typing import assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Entity, Event
from services.chassis.modelling.growing import GrowingSet
from services.chassis.modelling.ladder import Receiver
from services.referral.domain.offer import Offer


def reminders_stream(referral_id: str) -> str:
    """The stream of the reminders about one referral."""
    return f"reminders-{referral_id}"


class DeadlineReminded(Event, frozen=True, kw_only=True):
    """The share `REMIND_AFTER` of a term had passed: the organisation `awaited` was reminded, and `notified` heard.

    `level` and `notified` are unset in what was stored before there was a ladder.
    """

    offer: Offer
    deadline: Deadline
    awaited: str
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET


class Reminders(Struct, frozen=True, kw_only=True):
    """The deadlines that somebody was reminded of; the same deadline with another due time is another one."""

    of: GrowingSet[Deadline] = GrowingSet()


RemindersEvent = DeadlineReminded


def evolve(reminders: Reminders, event: RemindersEvent) -> Reminders:
    """The reminders after one more event."""
    match event:
        case DeadlineReminded():
            return replace(reminders, of=reminders.of | {event.deadline})
        case _:
            assert_never(event)


REMINDERS: Entity[Reminders] = Entity(Reminders(), evolve)
