"""A topic that tests follow: what is said on it, and who listens."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from contracts.message import CloudEvent, Envelope, encode
from services.chassis.delivery.bus import Bus, BusMessage
from services.chassis.delivery.consumer import Consumer, Pace
from services.chassis.delivery.consumer_store import ConsumerStore
from tests.chassis.counters import NOW

TOPIC = "caserelay.test.v1"
OpenStore = Callable[[], ConsumerStore]


class Listener:
    """Writes down what it hears, in order, and fails as long as it is told to."""

    def __init__(self) -> None:
        self.heard: dict[str, list[str]] = defaultdict(list)
        self.tried: list[str] = []
        self.sick: set[str] = set()

    async def __call__(self, event: Envelope) -> None:
        """See `React`."""
        self.tried.append(event.id)
        await asyncio.sleep(0)
        if event.id in self.sick:
            raise RuntimeError("a name that must not be kept")
        self.heard[event.partitionkey].append(event.id)


def message(position: int, key: str, ref: str | None = None, **data: str) -> BusMessage:
    """A message at a position; its id names both, unless it is told."""
    event = CloudEvent(
        id=f"{key}{position}" if ref is None else ref,
        source="/services/test",
        type="org.caserelay.test.v1",
        subject=key,
        time=NOW,
        dataschema="urn:caserelay:schema:test",
        sequence=str(position),
        partitionkey=key,
        data=data,
    )
    return BusMessage(position, key, event.id, encode(event))


async def abreast(consumer: Consumer) -> None:
    """Rounds until nothing is left that was published."""
    async with asyncio.timeout(20):
        while await consumer.behind():
            await consumer.round()


async def say(bus: Bus, *keys: str) -> None:
    """Publishes a message for each key, behind what the topic has."""
    after = await bus.resume(TOPIC)
    messages = [message(after + n, key) for n, key in enumerate(keys, start=1)]
    await bus.publish(TOPIC, messages, after + len(keys))


async def until(condition: Callable[[], bool], within: float = 5) -> None:
    """Waits for a condition, and fails when it does not come true in time."""
    ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends
        await asyncio.sleep(0.005)


async def make_due(store: ConsumerStore) -> None:
    """Lets the pauses of all parked messages be over."""
    for one in await store.parked(TOPIC):
        if one.retry_at is not None:
            await store.park(TOPIC, replace(one, retry_at=0.0))


async def retry(consumer: Consumer) -> None:
    """One round of retries, whose failures may be tried again at once."""
    usual, consumer.pace = consumer.pace, Pace(first_pause=0)
    await consumer.retry_round()
    consumer.pace = usual
