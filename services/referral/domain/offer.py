"""The offer that a referral is: who refers to whom, in which case, under which rules."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor, Event
from services.chassis.modelling.ladder import LevelDue


class Offer(Struct, frozen=True, kw_only=True):
    """What every event of a referral repeats, so that it can be published without another look-up.

    `organisation` is None as long as there is only a draft: nobody has been offered anything yet.
    `programme_version` is the version in force when the event happened. `broadcast` is set as long as the offer is one
    of several of which none has won: the organisation does not know yet whose offer it is.
    """

    referral_id: str
    case_id: str
    case_key: str
    agency: str
    organisation: str | None
    programme: str
    programme_version: int
    # Unset, it is not written at all: every other offer has the bytes that it always had.
    broadcast: str | UnsetType = UNSET

    @property
    def is_anonymous(self) -> bool:
        """Whether the organisation does not know yet whose offer it is."""
        return self.broadcast is not UNSET


class LateTerm(Struct, frozen=True, kw_only=True):
    """A missed term whose act is still awaited: the level it has come to, and the levels to come, each with its time.

    A wait for a place, from its first day on, is one that has come to no level yet.
    """

    deadline: str
    due_at: datetime
    level: str
    to_come: tuple[LevelDue, ...] = ()

    def is_of(self, deadline: str, due_at: datetime) -> bool:
        """Whether it is that term, due at that time: one that recurs is missed again."""
        return (self.deadline, self.due_at) == (deadline, due_at)


class OfReferral(Event, frozen=True, kw_only=True):
    """What all events of a referral's own stream have in common.

    `by` is the organisation that acted; `deadlines` are all that run after the event, overdue ones included, and `late`
    the ladders of those that were missed (`services.referral.domain.ladder`), unset where there are none.
    """

    offer: Offer
    at: datetime
    by: str
    deadlines: tuple[Deadline, ...] = ()
    late: tuple[LateTerm, ...] | UnsetType = UNSET


class PartEnds(OfReferral, frozen=True, kw_only=True):
    """An event that ends the organisation's part.

    `access` is when it reads nothing more, in whichever service: computed once, here. None where nobody was addressed,
    where access ended at once, and in events from before it was written down.
    """

    access: Deadline | None = None


def acts_for(actor: Actor) -> str:
    """The organisation whose act it is: a system user may act on behalf of another."""
    return actor.on_behalf_of or actor.org


def referral_stream(referral_id: str) -> str:
    """The stream of one referral."""
    return f"referral-{referral_id}"
