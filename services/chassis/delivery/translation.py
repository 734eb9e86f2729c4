"""Actors and deadlines as messages have them, and back: private and public shapes may part without each other."""

from __future__ import annotations

from collections.abc import Iterable

from contracts import message
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor


def published_actor(actor: Actor) -> message.ActorRef:
    """The actor of an event, for a message."""
    return message.ActorRef(
        sub=actor.sub,
        role=actor.role,
        org=actor.org,
        on_behalf_of=actor.on_behalf_of,
        on_behalf_reason=actor.on_behalf_reason,
    )


def actor_of(ref: message.ActorRef) -> Actor:
    """The one who acted at the source, as the actor of what follows here: in their own name."""
    return Actor(sub=ref.sub, role=ref.role, org=ref.org)


def published_deadline(deadline: Deadline) -> message.Deadline:
    """A deadline of an event, for a message."""
    return message.Deadline(name=deadline.name, due_at=deadline.due_at, remind_at=deadline.remind_at)


def published_deadlines(deadlines: Iterable[Deadline]) -> list[message.Deadline]:
    """The same of several."""
    return [published_deadline(deadline) for deadline in deadlines]


def deadline_of(deadline: message.Deadline) -> Deadline:
    """A deadline that runs at the source, as it is kept here."""
    return Deadline(name=deadline.name, due_at=deadline.due_at, remind_at=deadline.remind_at)
