"""What every bus owes publishers and consumers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest

from services.chassis.delivery.bus import START, Bus, BusMessage, Place
from tests.chassis.conftest import OpenBus, on_buses_of_processes
from tests.chassis.following import OTHER, TOPIC, Follower, message
from tests.chassis.processes import end_of, line_of, start, tell


async def test_an_empty_topic_is_complete_through_nothing(bus: Bus, follow: Callable[..., Follower]) -> None:
    """Before the first message there is nothing to read and no progress."""
    follower = follow()
    assert (await follower.take(), follower.through, await bus.resume(TOPIC)) == ([], 0, 0)


async def test_messages_come_back_in_order_as_they_were_sent(
    open_bus: OpenBus, follow: Callable[..., Follower]
) -> None:
    """Every byte and every key is as it was published, for every subscriber; in order within a key."""
    sent = [message(n, key=f"k-{n % 3}", body=bytes([0, 255, n])) for n in (1, 2, 5, 9)]
    await open_bus().publish(TOPIC, sent, 9)
    follower = follow(of=open_bus())
    await follower.reaches(9)
    assert sorted(follower.messages, key=attrgetter("position")) == sent
    assert [one.position for one in follower.messages if one.key == "k-2"] == [2, 5]


async def test_topics_do_not_mix(bus: Bus, follow: Callable[..., Follower]) -> None:
    """Each topic has its own messages and its own progress."""
    await bus.publish(TOPIC, [message(1)], 3)
    await bus.publish(OTHER, [message(2)], 2)
    assert await follow().reaches(3) == [1]
    assert await follow(OTHER).reaches(2) == [2]
    assert (await bus.resume(TOPIC), await bus.resume(OTHER)) == (3, 2)


async def test_whether_a_message_was_handled_is_told_by_its_key_and_the_saved_places(
    open_bus: OpenBus, follow: Callable[..., Follower]
) -> None:
    """As soon as the places are saved, whatever was announced."""
    sent = [message(n, key=key) for n, key in enumerate("abcdefgh", start=1)]
    await open_bus().publish(TOPIC, sent, 9)
    follower = follow(of=open_bus())

    def handled() -> list[BusMessage]:
        return [one for one in sent if follower.subscription.position_of(one.key, follower.places) >= one.position]

    while len(follower.messages) < len(sent):
        assert handled() == sorted(follower.messages, key=attrgetter("position"))
        await follower.take(1)
    assert handled() == sent


async def test_who_never_takes_knows_how_far_others_of_the_group_have_come(
    open_bus: OpenBus, follow: Callable[..., Follower]
) -> None:
    """By the places that they saved: the process that answers asks so of the one that works for it."""
    await open_bus().publish(TOPIC, [message(n, key=f"k-{n}") for n in range(1, 6)], 7)
    works, asks = follow(of=open_bus()), follow(of=open_bus())
    async with asyncio.timeout(20):
        while asks.subscription.behind({}) < 5:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    assert asks.subscription.through({}) == 0
    await works.reaches(7)
    assert (asks.subscription.through(works.places), asks.subscription.behind(works.places)) == (7, 0)


async def test_a_message_sent_again_is_absorbed(open_bus: OpenBus, follow: Callable[..., Follower]) -> None:
    """A publisher that does not know whether its last batch arrived sends it again, and nobody reads it twice."""
    await open_bus().publish(TOPIC, [message(1), message(2)], 2)
    again = open_bus()
    await again.publish(TOPIC, [message(1), message(2), message(3)], 3)
    await again.publish(TOPIC, [message(2, body=b"{1}")], 2)
    follower = follow(of=again)
    assert await follower.reaches(3) == [1, 2, 3]
    assert await follower.take() == []
    assert {one.body for one in follower.messages} == {b"{}"}
    assert await again.resume(TOPIC) == 3


async def test_of_two_that_publish_at_once_nobody_reads_anything_twice(
    open_bus: OpenBus, follow: Callable[..., Follower]
) -> None:
    """A leader that hung goes on from where it stood; what the next one published meanwhile is in order, and once."""
    hung, leader = open_bus(), open_bus()
    keys = "abcdefgh"
    messages = [message(n, key=keys[n % len(keys)]) for n in range(1, 41)]
    await hung.publish(TOPIC, messages[:10], 10)
    await leader.resume(TOPIC)
    await leader.publish(TOPIC, messages[10:30], 30)
    await hung.publish(TOPIC, messages[10:20], 20)
    await leader.publish(TOPIC, messages[30:], 40)
    await hung.publish(TOPIC, messages[20:30], 30)
    follower = follow(of=leader)
    assert sorted(await follower.reaches(40)) == list(range(1, 41))
    await follower.take()
    for key in keys:
        positions = [one.position for one in follower.messages if one.key == key]
        assert positions == sorted(set(positions))
    assert len(follower.messages) == 40


async def test_progress_passes_events_that_publish_nothing(bus: Bus, follow: Callable[..., Follower]) -> None:
    """A batch without messages moves consumers on."""
    await bus.publish(TOPIC, [], 40)
    follower = follow()
    assert await follower.reaches(40) == []
    await bus.publish(TOPIC, [message(45)], 50)
    assert await follower.reaches(50) == [45]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
async def test_a_reader_never_covers_more_than_it_has_been_given(
    bus: Bus, follow: Callable[..., Follower], limit: int
) -> None:
    """Whatever the limit, every message is read once and `through` never runs ahead of unread ones."""
    await bus.publish(TOPIC, [message(n, key=f"k{n}") for n in (2, 3, 7)], 7)
    await bus.publish(TOPIC, [message(n, key=f"k{n}") for n in (8, 9)], 12)
    follower = follow()
    until = time.monotonic() + 10
    while follower.through < 12:
        assert time.monotonic() < until
        assert len(await follower.take(limit, 0.1)) <= limit
        read = {one.position for one in follower.messages}
        assert {n for n in (2, 3, 7, 8, 9) if n <= follower.through} <= read
    assert sorted(one.position for one in follower.messages) == [2, 3, 7, 8, 9]


async def test_who_comes_back_goes_on_where_the_group_was(bus: Bus, follow: Callable[..., Follower]) -> None:
    """Saved places count, from any process; covered messages are not read again."""
    await bus.publish(TOPIC, [message(1), message(2)], 2)
    first = follow()
    await first.reaches(2)
    await first.subscription.close()
    second = follow()
    second.places = dict(first.places)
    await bus.publish(TOPIC, [message(3)], 3)
    assert await second.reaches(3) == [3]


async def test_what_was_taken_and_not_confirmed_comes_again(bus: Bus, follow: Callable[..., Follower]) -> None:
    """A failure between taking and saving repeats the messages."""
    await bus.publish(TOPIC, [message(1), message(2)], 2)
    follower = follow()
    until = time.monotonic() + 10
    while not (first := await follower.subscription.take(10, 0.2)):
        assert time.monotonic() < until
    assert await follower.reaches(2) == [one.position for batch in first for one in batch.messages] == [1, 2]


async def test_places_that_the_database_lost_are_made_up_for_without_anything_new(
    bus: Bus, follow: Callable[..., Follower]
) -> None:
    """A killed server loses its newest commits: the reader goes on from what is saved, though nobody publishes."""
    await bus.publish(TOPIC, [message(n, key=f"k-{n}") for n in range(1, 7)], 6)
    follower = follow()
    assert sorted(await follower.reaches(6)) == [1, 2, 3, 4, 5, 6]
    follower.places.clear()
    assert follower.subscription.behind(follower.places) > 0
    until = time.monotonic() + 30
    while follower.subscription.behind(follower.places):
        assert time.monotonic() < until, follower.places
        await follower.take(timeout=0.1)
    assert sorted(one.position for one in follower.messages) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


async def test_members_of_a_group_share_the_work_and_lose_nothing(
    bus: Bus, kind_of_bus: str, follow: Callable[..., Follower]
) -> None:
    """With Kafka each key is one member's; when one leaves, the other goes on where it was, and keys stay in order."""
    shared: dict[int, Place] = {}
    one, other = follow(), follow()
    one.places = other.places = shared

    async def work(follower: Follower) -> None:
        while follower.through < 400:
            new = await follower.subscription.take(10, 0.1)
            fresh = [batch for batch in new if batch.place.position >= shared.get(batch.partition, START).position]
            follower.messages += [m for batch in fresh for m in batch.messages]
            shared.update({batch.partition: batch.place for batch in fresh})
            await follower.subscription.taken({batch.partition: batch.place for batch in fresh})
            await asyncio.sleep(0.001)

    workers = [asyncio.create_task(work(one)), asyncio.create_task(work(other))]
    for first in range(1, 401, 20):
        await bus.publish(TOPIC, [message(n, key=f"k{n % 40}") for n in range(first, first + 20)], first + 19)
        await asyncio.sleep(0.1 if kind_of_bus == "kafka" else 0)
        if first == 201 and kind_of_bus == "kafka":
            workers[1].cancel()
            await asyncio.wait([workers[1]])
            await other.subscription.close()
    await asyncio.wait_for(workers[0], 30)
    workers[1].cancel()
    positions = sorted({m.position for follower in (one, other) for m in follower.messages})
    assert positions == list(range(1, 401))
    for follower in (one, other):
        for key in range(40):
            mine = [m.position for m in follower.messages if m.key == f"k{key}"]
            assert mine == sorted(set(mine))
    if kind_of_bus == "kafka":
        assert one.messages
        assert len(one.messages) + len(other.messages) == 400


async def test_waiting_ends_with_news_and_in_time_without(bus: Bus, follow: Callable[..., Follower]) -> None:
    """A member wakes when the topic moves on; silence ends the wait when asked to."""
    await bus.publish(TOPIC, [message(1)], 1)
    follower = follow()
    await follower.reaches(1)
    waiting = asyncio.create_task(follower.reaches(2))
    await asyncio.sleep(0.02)
    await bus.publish(OTHER, [], 1)
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await bus.publish(TOPIC, [message(2)], 2)
    await asyncio.wait_for(waiting, 2)
    started = time.monotonic()
    assert await follower.take(10, 0.1) == []
    assert 0.09 < time.monotonic() - started < 1


@on_buses_of_processes
async def test_another_process_that_publishes_is_noticed_at_once(
    bus: Bus, follow: Callable[..., Follower], kind_of_bus: str, bus_directory: Path
) -> None:
    """Less than 100 ms lie between the other process's commit and the end of the wait here."""
    process = start("publish", kind_of_bus, bus_directory, TOPIC)
    assert await line_of(process) == "ready"
    await bus.publish(TOPIC, [message(1)], 1)
    follower = follow()
    await follower.reaches(1)
    waiting = asyncio.create_task(follower.take(10, 10))
    await asyncio.sleep(0.05)
    tell(process)
    while not (new := await waiting):
        waiting = asyncio.create_task(follower.take(10, 10))
    noticed = time.time()
    stored = float(await line_of(process))
    await end_of(process)
    assert noticed - stored < 0.1
    assert [one.id for one in new] == ["id-2"]
