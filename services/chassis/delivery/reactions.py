"""The way from a message to the command that follows from it, and the terms on which that command runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from contracts.message import Envelope, Message, occurred_at_of, read_data
from services.chassis.deciding.handler import Call
from services.chassis.modelling.decider import Actor, Command
from services.chassis.modelling.delivery import Delivery
from services.chassis.time.clock import Clock

C = TypeVar("C", bound=Command)


def delivery_of(event: Envelope, by: Actor, clock: Clock) -> Delivery:
    """The delivery of a message now."""
    return Delivery(at=clock.now(), by=by, source_event_id=event.id, source_position=int(event.sequence))


class Reaction(NamedTuple, Generic[C]):
    """What follows from a message: the command, and the call that it runs under."""

    message: Message
    command: C
    call: Call


class Reactions(Generic[C]):
    """The reactions of a service, by message. `by` is in whose name it acts where the message names nobody."""

    def __init__(self, rows: Mapping[type[Message], Callable[[Any, Delivery], C | None]], by: Actor) -> None:
        self._rows = {kind.TYPE: (kind, react) for kind, react in rows.items()}
        self._by = by

    def knows(self, event: Envelope) -> bool:
        """Whether anything may follow from a message of its type."""
        return event.type in self._rows

    def to(self, event: Envelope, clock: Clock) -> Reaction[C] | None:
        """What follows from a message; None where nothing does. Raises msgspec.ValidationError for a wrong shape."""
        if (row := self._rows.get(event.type)) is None:
            return None
        kind, react = row
        message: Message = read_data(kind, event)
        delivery = delivery_of(event, self._by, clock)
        if (command := react(message, delivery)) is None:
            return None
        call = Call(
            actor=command.by,
            causation_id=delivery.source_event_id,
            causation_sequence=delivery.source_position,
            correlation_id=event.id,
            occurred_at=occurred_at_of(message),
            traceparent=event.traceparent,
        )
        return Reaction(message, command, call)
