"""How far a consumer has come, where another process of the service does its work."""

from __future__ import annotations

from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Consumer
from services.chassis.memory_stores import MemoryStores
from tests.chassis.following import TOPIC, message


async def nothing(_: object) -> None:
    """What comes of a message here."""


async def test_it_is_asked_of_that_one_and_looked_for_here_while_it_does_not_say(bus: Bus) -> None:
    """Once each: who waits asks again."""
    consumer = Consumer("counters", TOPIC, bus, MemoryStores().consumer_store("counters"), nothing)
    await bus.publish(TOPIC, [message(1), message(2)], 2)
    while await consumer.behind():
        await consumer.round()
    says: list[int | None] = [7, None]

    async def asked() -> int | None:
        return says.pop(0)

    consumer.ask = asked
    assert (await consumer.through(), await consumer.through(), says) == (7, 2, [])
    await consumer.close()
