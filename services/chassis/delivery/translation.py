"""Actors and deadlines as messages have them, and back: private and public shapes may part without each other."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, UnsetType

from contracts import message
from services.chassis.modelling.deadline import Deadline, PausedDeadline
from services.chassis.modelling.decider import Actor
from services.chassis.modelling.ladder import LevelDue, Receiver


def published_actor(actor: Actor) -> message.ActorRef:
    """The actor of an event, for a message."""
    return message.ActorRef(
        sub=actor.sub,
        role=actor.role,
        org=actor.org,
        on_behalf_of=actor.on_behalf_of,
        on_behalf_reason=actor.on_behalf_reason,
        method=actor.method,
    )


def actor_of(ref: message.ActorRef) -> Actor:
    """The one who acted at the source, as the actor of what follows here: in their own name."""
    return Actor(sub=ref.sub, role=ref.role, org=ref.org, method=ref.method)


def published_deadline(deadline: Deadline) -> message.Deadline:
    """A deadline of an event, for a message."""
    return message.Deadline(name=deadline.name, due_at=deadline.due_at, remind_at=deadline.remind_at)


def published_deadlines(deadlines: Iterable[Deadline]) -> list[message.Deadline]:
    """The same of several."""
    return [published_deadline(deadline) for deadline in deadlines]


def published_pauses(paused: Iterable[PausedDeadline] | UnsetType) -> list[message.PausedDeadline]:
    """The terms that stand still, for a message; none where the event does not say."""
    if paused is UNSET:
        return []
    return [message.PausedDeadline(deadline=held.deadline, due_at=held.due_at, reason=held.reason) for held in paused]


def published_receivers(receivers: Iterable[Receiver] | UnsetType) -> list[message.Receiver]:
    """Who is told of a term, for a message; nobody where the event does not say."""
    return [] if receivers is UNSET else [message.Receiver(role=to.role, org=to.org) for to in receivers]


def published_levels(to_come: Iterable[LevelDue] | UnsetType) -> list[message.LevelDue]:
    """The levels that a missed term comes to, for a message."""
    return [] if to_come is UNSET else [message.LevelDue(level=due.level, at=due.at) for due in to_come]


def receivers_of(receivers: Iterable[message.Receiver]) -> tuple[Receiver, ...]:
    """Who is told at the source, as it is kept here."""
    return tuple(Receiver(role=to.role, org=to.org) for to in receivers)


def deadline_of(deadline: message.Deadline) -> Deadline:
    """A deadline that runs at the source, as it is kept here."""
    return Deadline(name=deadline.name, due_at=deadline.due_at, remind_at=deadline.remind_at)
