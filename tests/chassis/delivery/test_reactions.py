"""From a message to the command that follows from it, and the terms on which that runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from contracts.message import ActorRef, CloudEvent, Envelope, Message, encode, open_envelope
from contracts.referral import ReferralReceived
from services.chassis.delivery.reactions import Reactions
from services.chassis.modelling.decider import Actor, Command
from services.chassis.modelling.delivery import Delivery
from services.chassis.time.clock import Clock

NOW, THEN, WRITTEN = (datetime(2026, 1, day, tzinfo=UTC) for day in (9, 5, 6))
SYSTEM, TOM = Actor(sub="shop", role="SYSTEM", org="shop"), Actor(sub="tom", role="CLERK", org="shop")


class Opened(Message, frozen=True, kw_only=True):
    """A message of a moment that only its envelope knows."""

    TYPE = "shop.opened.v1"
    NAME = "Opened"
    door: str


class Note(Command, frozen=True, kw_only=True):
    """What follows."""

    text: str


class StoppedClock(Clock):
    """It is always now."""

    def now(self) -> datetime:
        """The same moment."""
        return NOW


def opened(message: Opened, delivery: Delivery) -> Note | None:
    """In the name of the service; nothing follows from the back door."""
    text = f"{message.door} {delivery.source_event_id} {delivery.source_position}"
    return Note(at=delivery.at, by=delivery.by, text=text) if message.door != "back" else None


def received(message: ReferralReceived, delivery: Delivery) -> Note:
    """In the name of somebody at the source."""
    return Note(at=delivery.at, by=TOM, text=message.case)


REACTIONS = Reactions[Note]({Opened: opened, ReferralReceived: received}, SYSTEM)


def event(kind: str, **data: Any) -> Envelope:
    """A message in its envelope."""
    sent = CloudEvent(
        id="e-7",
        source="/shop",
        type=kind,
        subject="s",
        time=WRITTEN,
        dataschema="d",
        sequence="12",
        partitionkey="s",
        traceparent="00-1",
        data=data,
    )
    return open_envelope(encode(sent))


def test_a_command_runs_once_per_message_in_the_name_of_its_actor() -> None:
    """The id of the message is the cause, by which a repeat is known; the trace goes on."""
    reaction = REACTIONS.to(event("shop.opened.v1", door="front"), StoppedClock())
    assert reaction is not None
    assert reaction.command == Note(at=NOW, by=SYSTEM, text="front e-7 12")
    call = reaction.call
    assert (call.actor, call.causation_id, call.causation_sequence) == (SYSTEM, "e-7", 12)
    assert (call.correlation_id, call.traceparent, call.occurred_at) == ("e-7", "00-1", None)


def test_what_happened_at_the_source_happened_then_and_was_done_by_them() -> None:
    """Where a message says when and by whom, the call says so too."""
    actor = msgspec.to_builtins(ActorRef(sub="tom", role="NGO_LEAD", org="shop"))
    data = {
        "case": "c",
        "actor": actor,
        "digest": "0",
        "referral": "r",
        "agency": "a",
        "organisation": "o",
        "occurredAt": "2026-01-05T00:00:00Z",
        "recordedAt": "2026-01-06T00:00:00Z",
        "programme": "p",
        "programmeVersion": 1,
    }
    reaction = REACTIONS.to(event(ReferralReceived.TYPE, **data), StoppedClock())
    assert reaction is not None
    assert (reaction.call.actor, reaction.call.occurred_at) == (TOM, THEN)


def test_nothing_follows_from_what_is_not_reacted_to() -> None:
    """Neither from a type that has no reaction, nor from a message whose reaction says so."""
    assert REACTIONS.to(event("shop.closed.v1"), StoppedClock()) is None
    assert REACTIONS.to(event("shop.opened.v1", door="back"), StoppedClock()) is None


def test_data_that_nobody_reacts_to_are_not_read() -> None:
    """The type alone says so: what the data hold, and whether they are an object at all, is nobody's concern here."""
    body = encode(event("shop.closed.v1", door="front"))
    odd = body.replace(b'{"door":"front"}', b"[1e999]")
    assert odd != body
    assert REACTIONS.to(open_envelope(odd), StoppedClock()) is None


def test_data_of_a_wrong_shape_are_refused() -> None:
    """The consumer parks such a message."""
    with pytest.raises(msgspec.ValidationError):
        REACTIONS.to(event("shop.opened.v1", door=7), StoppedClock())
