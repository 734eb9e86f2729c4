"""Following a topic: nothing twice, nothing lost, and on from where it was after a restart."""

from __future__ import annotations

import asyncio

import pytest

from contracts.message import Envelope
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import Bus, Place
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.log.event_log import EventLog
from services.chassis.operating.supervision import Supervised
from tests.chassis.counters import COUNTER, call, count, handler
from tests.chassis.delivery.consuming import TOPIC, Listener, OpenStore, abreast, say


async def test_every_message_is_handled_once_in_the_order_of_its_key(bus: Bus, store: ConsumerStore) -> None:
    """Within a key in order; the saved position moves to the end of what was published."""
    listener = Listener()
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    await say(bus, *("abcab" * 60))
    await abreast(consumer)
    assert {key: len(ids) for key, ids in listener.heard.items()} == {"a": 120, "b": 120, "c": 60}
    assert all(ids == sorted(ids, key=lambda one: int(one[1:])) for ids in listener.heard.values())
    assert (await consumer.through(), await consumer.behind(), await consumer.parked()) == (300, 0, 0)


async def test_a_consumer_goes_on_where_it_was(bus: Bus, open_store: OpenStore) -> None:
    """Position and parked messages survive a restart; nothing that was covered is handled again."""
    listener = Listener()
    listener.sick = {"a1"}
    await say(bus, "a", "b")
    store = open_store()
    first = Consumer("counters", TOPIC, bus, store, listener)
    await abreast(first)
    await first.close()
    await store.close()
    await say(bus, "a", "b")
    store = open_store()
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    assert (await consumer.through(), await consumer.parked(), await consumer.behind()) == (2, 1, 2)
    await abreast(consumer)
    assert sorted(listener.tried) == ["a1", "b2", "b4"]
    assert (await consumer.through(), await consumer.parked()) == (4, 2)
    await store.close()


async def test_progress_without_messages_moves_the_consumer(bus: Bus, store: ConsumerStore) -> None:
    """Positions of events that publish nothing are covered too."""
    consumer = Consumer("counters", TOPIC, bus, store, Listener())
    await bus.publish(TOPIC, [], 17)
    await abreast(consumer)
    assert await consumer.through() == 17


async def test_a_smaller_place_does_not_take_a_greater_one_back(open_store: OpenStore) -> None:
    """Another process was faster: nobody handles again what lies between; other partitions are saved."""
    one, other = open_store(), open_store()
    await one.advance("a bus", TOPIC, {0: Place(20, 20)})
    await other.advance("a bus", TOPIC, {0: Place(15, 15), 1: Place(3, 7)})
    for store in (one, other):
        assert await store.places("a bus", TOPIC) == {0: Place(20, 20), 1: Place(3, 7)}


async def test_nothing_is_done_twice_after_a_crash_between_effect_and_position(
    bus: Bus, log: EventLog, open_store: OpenStore
) -> None:
    """Killed after the effect and before its position was saved, a consumer repeats the message and not the effect."""
    counting = handler(Streams(log))

    async def react(event: Envelope) -> None:
        await counting.handle(
            count(7), f"counter-{event.subject}", COUNTER, call(causation_id=event.id), must_exist=False
        )

    class Killed(BaseException):
        pass

    async def react_and_die(event: Envelope) -> None:
        await react(event)
        if event.id == "a3":
            raise Killed

    await say(bus, "a", "b", "a")
    dying = open_store()
    victim = Consumer("counters", TOPIC, bus, dying, react_and_die)
    with pytest.raises(Killed):
        await abreast(victim)
    await victim.close()
    await dying.close()
    assert await log.head() == 3
    store = open_store()
    consumer = Consumer("counters", TOPIC, bus, store, react)
    assert await consumer.through() == 0
    await abreast(consumer)
    assert (await consumer.through(), await consumer.parked(), await log.head()) == (3, 0, 3)
    assert [one.meta.causation_id for one in await log.read("counter-a")] == ["a1", "a3"]
    await store.close()


async def test_a_reaction_that_is_cancelled_is_not_parked(bus: Bus, store: ConsumerStore) -> None:
    """Stopping the service in the middle of a message is no failure of the message."""
    started = asyncio.Event()

    async def hang(_event: Envelope) -> None:
        started.set()
        await asyncio.Event().wait()

    consumer = Consumer("counters", TOPIC, bus, store, hang)
    await say(bus, "a")
    work = Supervised("consumer", consumer.round)
    work.start()
    await asyncio.wait_for(started.wait(), 10)
    await work.stop()
    assert (await consumer.through(), await consumer.parked()) == (0, 0)


async def test_waiting_for_a_position_ends_when_it_is_covered(bus: Bus, store: ConsumerStore) -> None:
    """Covered means handled or set aside, and a waiter is told at that moment."""
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(_event: Envelope) -> None:
        entered.set()
        await release.wait()

    consumer = Consumer("counters", TOPIC, bus, store, slow)
    await say(bus, "a", "b")
    waiting = [asyncio.create_task(consumer.wait_through(position)) for position in (1, 2)]
    running = asyncio.create_task(abreast(consumer))
    await asyncio.wait_for(entered.wait(), 20)
    await asyncio.sleep(0.02)
    assert not any(one.done() for one in waiting)
    release.set()
    await asyncio.wait_for(asyncio.gather(running, *waiting), 10)
    await asyncio.wait_for(consumer.wait_through(2), 0.1)
