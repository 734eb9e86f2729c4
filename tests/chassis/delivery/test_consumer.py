"""Following a topic: nothing twice, nothing lost, and what fails holds up only its own key."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.message import CloudEvent, Envelope, encode
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.bus import Bus, BusMessage, Place
from services.chassis.delivery.consumer import USUAL_PACE, Consumer, Pace
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.delivery.redriving import redrive
from services.chassis.log.event_log import EventLog
from services.chassis.operating.supervision import Supervised
from services.chassis.store_opener import StoreOpener
from tests.chassis.counters import COUNTER, NOW, call, count, handler

TOPIC = "caserelay.test.v1"


OpenStore = Callable[[], ConsumerStore]


@pytest.fixture
async def open_store(stores: StoreOpener) -> AsyncIterator[OpenStore]:
    """Opens the consumer's store, as often as asked."""
    opened: list[ConsumerStore] = []

    def opening() -> ConsumerStore:
        opened.append(stores.consumer_store("counters"))
        return opened[-1]

    yield opening
    for store in opened:
        await store.close()


@pytest.fixture
def store(open_store: OpenStore) -> ConsumerStore:
    """The consumer's store."""
    return open_store()


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


def message(position: int, key: str) -> BusMessage:
    """A message at a position, with an id that names both."""
    event = CloudEvent(
        id=f"{key}{position}",
        source="/services/test",
        type="org.caserelay.test.v1",
        subject=key,
        time=NOW,
        dataschema="urn:caserelay:schema:test",
        sequence=str(position),
        partitionkey=key,
        data={},
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


async def test_what_another_process_parked_holds_up_its_key_for_who_takes_over(bus: Bus, open_store: OpenStore) -> None:
    """Also for one that had seen nothing parked before: the other one had the topic in between."""
    listener = Listener()
    first, second = (Consumer("counters", TOPIC, bus, open_store(), listener) for _ in range(2))
    await say(bus, "a", "b")
    await abreast(first)
    await first.close()
    listener.sick = {"a3"}
    await say(bus, "a", "b")
    await abreast(second)
    await second.close()
    listener.sick.clear()
    third = Consumer("counters", TOPIC, bus, open_store(), listener)
    await say(bus, "a", "b", "a")
    await abreast(third)
    assert (listener.heard["a"], listener.heard["b"], await third.parked()) == (["a1"], ["b2", "b4", "b6"], 3)
    store = open_store()
    await make_due(store)
    await retry(third)
    await say(bus, "a")
    await abreast(third)
    assert (listener.heard["a"], await third.parked()) == (["a1", "a3", "a5", "a7", "a8"], 0)
    await third.close()


async def test_what_a_process_parks_itself_holds_up_its_key_from_then_on(bus: Bus, store: ConsumerStore) -> None:
    """It has not asked what is parked since it began, when nothing was."""
    listener = Listener()
    listener.sick = {"a3"}
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    for keys in ("ab", "a", "ab"):
        await say(bus, *keys)
        await abreast(consumer)
    assert (listener.heard, await consumer.parked()) == ({"a": ["a1"], "b": ["b2", "b5"]}, 2)


async def test_progress_without_messages_moves_the_consumer(bus: Bus, store: ConsumerStore) -> None:
    """Positions of events that publish nothing are covered too."""
    consumer = Consumer("counters", TOPIC, bus, store, Listener())
    await bus.publish(TOPIC, [], 17)
    await abreast(consumer)
    assert await consumer.through() == 17


async def test_a_poison_message_holds_up_only_its_own_key(bus: Bus, store: ConsumerStore) -> None:
    """Other keys go on; later messages of its key queue up behind it and follow in order once it heals."""
    listener = Listener()
    listener.sick = {"a1"}
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    await say(bus, "a", "b", "a")
    await abreast(consumer)
    await say(bus, "a", "b")
    await abreast(consumer)
    assert (dict(listener.heard), await consumer.through(), await consumer.parked()) == ({"b": ["b2", "b5"]}, 5, 3)
    assert [one.failure for one in await store.parked(TOPIC)] == ["RuntimeError", "BehindAnother", "BehindAnother"]
    await make_due(store)
    await retry(consumer)
    assert sorted(listener.tried) == ["a1", "a1", "b2", "b5"]
    listener.sick.clear()
    await make_due(store)
    await retry(consumer)
    assert (listener.heard["a"], await consumer.parked()) == (["a1", "a3", "a4"], 0)
    await say(bus, "a")
    await abreast(consumer)
    assert listener.heard["a"][-1] == "a6"


async def test_pauses_grow_and_end_for_an_operator(bus: Bus, store: ConsumerStore) -> None:
    """After the last try a message waits for a redrive, which gives it all its tries again."""
    listener = Listener()
    listener.sick = {"a1"}
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    # A round looks whether another process has parked something before the pause is over, and here it is over then.
    consumer.pace = Pace(first_pause=0.02, look_again=0.01)
    await say(bus, "a", "a")
    pauses: list[float] = []
    for attempt in range(USUAL_PACE.tries):
        await make_due(store)
        before = time.time()
        await (consumer.retry_round() if attempt else abreast(consumer))
        retry_at = (await store.parked(TOPIC))[0].retry_at
        pauses += [retry_at - before] if retry_at is not None else []
    assert len(pauses) == USUAL_PACE.tries - 1
    # The first one is measured from before the first round, which may have to join a group.
    assert all(later > sooner * 1.5 for sooner, later in pairwise(pauses[1:]))
    first, second = await store.parked(TOPIC)
    assert (first.tries, first.retry_at, second.tries) == (USUAL_PACE.tries, None, 0)
    await make_due(store)
    await retry(consumer)
    assert listener.tried == ["a1"] * USUAL_PACE.tries
    listener.sick.clear()
    assert await redrive(store, TOPIC) == 1
    await retry(consumer)
    assert (listener.heard["a"], await consumer.parked()) == (["a1", "a2"], 0)


async def test_what_a_failure_says_is_not_kept(bus: Bus, store: ConsumerStore, tmp_path: Path) -> None:
    """The parking place holds the class of a failure; its message may quote what was being processed."""
    listener = Listener()
    listener.sick = {"a1"}
    await say(bus, "a")
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    await abreast(consumer)
    assert (await store.parked(TOPIC))[0].failure == "RuntimeError"
    assert "must not be kept" not in repr(await store.parked(TOPIC))
    kept = await asyncio.to_thread(lambda: [file.read_bytes() for file in tmp_path.glob("*consumers.db*")])
    assert not any(b"must not be kept" in one for one in kept)


async def test_a_smaller_place_does_not_take_a_greater_one_back(open_store: OpenStore) -> None:
    """Another process was faster: nobody handles again what lies between; other partitions are saved."""
    one, other = open_store(), open_store()
    await one.advance("a bus", TOPIC, {0: Place(20, 20)})
    await other.advance("a bus", TOPIC, {0: Place(15, 15), 1: Place(3, 7)})
    for store in (one, other):
        assert await store.places("a bus", TOPIC) == {0: Place(20, 20), 1: Place(3, 7)}


async def test_a_body_that_cannot_be_read_is_parked_too(bus: Bus, store: ConsumerStore) -> None:
    """Bytes that are no CloudEvent are parked and hold up nobody else."""
    listener = Listener()
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    bodies = [b"\xff\x00", b"[]", b'{"id": 7}', b""]
    await bus.publish(TOPIC, [BusMessage(n, f"k{n}", f"i{n}", body) for n, body in enumerate(bodies, start=1)], 4)
    await say(bus, "a")
    await abreast(consumer)
    assert (listener.tried, await consumer.parked(), await consumer.through()) == (["a5"], 4, 5)


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


async def test_retries_beside_new_messages_keep_the_order_of_a_key(bus: Bus, store: ConsumerStore) -> None:
    """With both loops running and messages that fail now and then, each key is handled in order, without a gap."""
    heard: dict[str, list[int]] = defaultdict(list)
    tries: dict[str, int] = defaultdict(int)

    async def moody(event: Envelope) -> None:
        await asyncio.sleep(0.0005 * (int(event.sequence) % 3))
        tries[event.id] += 1
        if int(event.sequence) % 5 == 0 and tries[event.id] <= int(event.sequence) % 3 + 1:
            raise RuntimeError
        heard[event.partitionkey].append(int(event.sequence))

    consumer = Consumer("counters", TOPIC, bus, store, moody, Pace(first_pause=0.001, at_once=7))
    rounds: list[Callable[[], Awaitable[None]]] = [consumer.round, consumer.retry_round]
    work = [Supervised(one.__name__, one) for one in rounds]
    for one in work:
        one.start()
    for _ in range(20):
        await say(bus, *"abacabad")
        await asyncio.sleep(0.002)
    await until(lambda: sum(map(len, heard.values())) == 160)
    await asyncio.gather(*(one.stop() for one in work))
    assert await consumer.parked() == 0
    assert all(positions == sorted(set(positions)) for positions in heard.values())
