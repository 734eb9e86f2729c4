"""What fails is parked: it holds up only its own key, is tried again, and is given up in the end."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

from contracts.message import Envelope
from services.chassis.delivery.bus import Bus, BusMessage
from services.chassis.delivery.consumer import USUAL_PACE, Consumer, Pace
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.delivery.redriving import redrive
from services.chassis.operating.supervision import Supervised
from tests.chassis.delivery.consuming import TOPIC, Listener, OpenStore, abreast, make_due, retry, say, until


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


async def test_a_body_that_cannot_be_read_is_parked_too(bus: Bus, store: ConsumerStore) -> None:
    """Bytes that are no CloudEvent are parked and hold up nobody else."""
    listener = Listener()
    consumer = Consumer("counters", TOPIC, bus, store, listener)
    bodies = [b"\xff\x00", b"[]", b'{"id": 7}', b""]
    await bus.publish(TOPIC, [BusMessage(n, f"k{n}", f"i{n}", body) for n, body in enumerate(bodies, start=1)], 4)
    await say(bus, "a")
    await abreast(consumer)
    assert (listener.tried, await consumer.parked(), await consumer.through()) == (["a5"], 4, 5)


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
