"""Runs the one command of this service: every message that is published is taken in, once."""

from __future__ import annotations

from contracts.message import CloudEvent
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer import React
from services.chassis.time.clock import Clock
from services.notifications.domain.inbox import INBOX, Inbox, TakeMessage, decide
from services.notifications.reactions import SYSTEM, when_something_is_published_take_it_in


def taking_in(streams: Streams, clock: Clock) -> React:
    """Takes a published message into its inbox; a repeat finds the message's id there and changes nothing."""
    handler = Handler[TakeMessage, Inbox](streams, OwnState(), decide)

    async def take_in(event: CloudEvent) -> None:
        stream, command = when_something_is_published_take_it_in(event, clock.now())
        call = Call(actor=SYSTEM, causation_id=event.id, occurred_at=command.occurred_at, traceparent=event.traceparent)
        await handler.handle(command, stream, INBOX, call, must_exist=False)

    return take_in
