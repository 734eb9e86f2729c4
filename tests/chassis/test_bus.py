"""What every bus owes publishers and consumers, and what the publisher makes of a log."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from contracts.message import CloudEvent
from services.chassis.bus import Bus, BusMessage
from services.chassis.eventlog import EventLog, Write
from services.chassis.publisher import READ_AT_ONCE, Publisher
from services.chassis.supervision import Supervised
from tests.chassis.conftest import BUSES, OpenBus, OpenLog
from tests.chassis.counters import Closed, Counted, CounterMoved, LookedAt, metadata, translate
from tests.chassis.processes import end_of, line_of, start, tell

TOPIC, OTHER = "caserelay.test.v1", "caserelay.other.v1"


def message(position: int, key: str = "a", body: bytes = b"{}") -> BusMessage:
    """A message at a position."""
    return BusMessage(position, key, f"id-{position}", body)


def publisher(log: EventLog, bus: Bus) -> Publisher:
    """Carries the counters' log to the topic."""
    return Publisher(log, bus, topic=TOPIC, source="/services/test", translate=translate)


async def follow(bus: Bus, limit: int) -> tuple[list[int], list[int]]:
    """Reads a topic to its end: the positions of the messages, and the progress after each read."""
    positions, progress = list[int](), [0]
    while (batch := await bus.read(TOPIC, progress[-1], limit)).through > progress[-1]:
        positions += [one.position for one in batch.messages]
        progress.append(batch.through)
    return positions, progress


async def test_an_empty_topic_is_complete_through_nothing(bus: Bus) -> None:
    """Before the first message there is nothing to read and no progress."""
    batch = await bus.read(TOPIC, 0, 10)
    assert (list(batch.messages), batch.through, await bus.published_through(TOPIC)) == ([], 0, 0)


async def test_messages_come_back_in_order_as_they_were_sent(open_bus: OpenBus) -> None:
    """Every byte and every key is as it was published, for whoever opens the bus."""
    sent = [message(n, key=f"k-{n % 3}", body=bytes([0, 255, n])) for n in (1, 2, 5, 9)]
    await open_bus().publish(TOPIC, sent, 9)
    batch = await open_bus().read(TOPIC, 0, 10)
    assert (list(batch.messages), batch.through) == (sent, 9)


async def test_topics_do_not_mix(bus: Bus) -> None:
    """Each topic has its own messages and its own progress."""
    await bus.publish(TOPIC, [message(1)], 3)
    await bus.publish(OTHER, [message(2)], 2)
    assert [one.position for one in (await bus.read(TOPIC, 0, 10)).messages] == [1]
    assert (await bus.published_through(TOPIC), await bus.published_through(OTHER)) == (3, 2)


async def test_a_message_sent_again_is_absorbed(open_bus: OpenBus) -> None:
    """A publisher that does not know whether its last batch arrived sends it again, and nobody reads it twice."""
    await open_bus().publish(TOPIC, [message(1), message(2)], 2)
    again = open_bus()
    await again.publish(TOPIC, [message(1), message(2), message(3)], 3)
    await again.publish(TOPIC, [message(2, body=b"{1}")], 2)
    assert await follow(again, 10) == ([1, 2, 3], [0, 3])
    assert {one.body for one in (await again.read(TOPIC, 0, 10)).messages} == {b"{}"}


async def test_progress_passes_events_that_publish_nothing(bus: Bus) -> None:
    """A batch without messages moves consumers on."""
    await bus.publish(TOPIC, [], 40)
    batch = await bus.read(TOPIC, 0, 10)
    assert (list(batch.messages), batch.through) == ([], 40)
    await bus.publish(TOPIC, [message(45)], 50)
    assert await follow(bus, 10) == ([45], [0, 50])


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
async def test_a_reader_never_covers_more_than_it_has_been_given(bus: Bus, limit: int) -> None:
    """Whatever the limit, every message is read once and `through` never runs ahead of unread ones."""
    await bus.publish(TOPIC, [message(n) for n in (2, 3, 7, 8, 9)], 12)
    read: list[int] = []
    after = 0
    while (batch := await bus.read(TOPIC, after, limit)).through > after:
        assert len(batch.messages) <= limit
        read += [one.position for one in batch.messages]
        after = batch.through
        assert [n for n in (2, 3, 7, 8, 9) if n <= after] == read
    assert after == 12


async def test_covered_positions_are_not_read_again(bus: Bus) -> None:
    """Reading behind the end gives nothing and does not move back."""
    await bus.publish(TOPIC, [message(1), message(2)], 2)
    batch = await bus.read(TOPIC, 5, 10)
    assert (list(batch.messages), batch.through) == ([], 5)


async def test_waiting_ends_with_news_and_in_time_without(bus: Bus) -> None:
    """A waiter wakes when the topic moves on, also without a message; silence ends the wait when asked to."""
    waiting = asyncio.create_task(bus.wait(TOPIC, 0, 10))
    await asyncio.sleep(0.02)
    await bus.publish(OTHER, [], 1)
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await bus.publish(TOPIC, [], 1)
    await asyncio.wait_for(waiting, 1)
    started = time.monotonic()
    await bus.wait(TOPIC, 1, 0.1)
    assert 0.09 < time.monotonic() - started < 1


async def test_another_process_that_publishes_is_noticed_at_once(bus: Bus, kind_of_bus: str, tmp_path: Path) -> None:
    """Less than 100 ms lie between the other process's commit and the end of the wait here."""
    process = start("publish", kind_of_bus, tmp_path, TOPIC)
    assert await line_of(process) == "ready"
    waiting = asyncio.create_task(bus.wait(TOPIC, 0, 10))
    await asyncio.sleep(0.05)
    tell(process)
    await waiting
    noticed = time.time()
    stored = float(await line_of(process))
    await end_of(process)
    assert noticed - stored < 0.1
    assert [one.id for one in (await bus.read(TOPIC, 0, 10)).messages] == ["id-1"]


async def test_what_is_recorded_is_published_as_a_cloud_event(log: EventLog, bus: Bus) -> None:
    """The envelope names event, source, type, place and trace; the payload keeps what is null in it."""
    meta = metadata("e-7", traceparent="00-1-2-01")
    await log.append([Write("counter-a", 0, [(LookedAt(), metadata()), (Counted(by=4), meta)])])
    await publisher(log, bus).round()
    (sent,) = (await bus.read(TOPIC, 0, 10)).messages
    event = CloudEvent.model_validate_json(sent.body)
    assert (sent.position, sent.key, sent.id) == (2, "counter-a", "e-7")
    assert (event.id, event.source, event.type) == ("e-7", "/services/test", CounterMoved.TYPE)
    assert (event.subject, event.partitionkey, event.sequence) == ("counter-a", "counter-a", "2")
    assert (event.time, event.traceparent) == (meta.recorded_at, "00-1-2-01")
    assert CounterMoved.model_validate(event.data) == CounterMoved(counter="counter-a", by=4, note=None)


async def test_a_publisher_goes_on_where_the_bus_stands(open_log: OpenLog, open_bus: OpenBus) -> None:
    """After a restart it asks the bus how far it has come, passes private events, and repeats nothing."""
    log, bus = open_log(), open_bus()
    await log.append([Write("a", 0, [(Counted(by=1), metadata("e-1")), (Closed(), metadata("e-2"))])])
    await publisher(log, bus).round()
    assert await bus.published_through(TOPIC) == 2
    await log.append([Write("b", 0, [(Counted(by=2), metadata("e-3"))])])
    second = publisher(open_log(), open_bus())
    assert await second.behind() == 1
    await second.round()
    assert (await second.behind(), await follow(bus, 10)) == (0, ([1, 3], [0, 3]))


async def test_a_lost_bus_is_built_again_from_the_log(
    log: EventLog, bus: Bus, kind_of_bus: str, tmp_path: Path
) -> None:
    """A bus that begins anew holds the same bytes at the same positions once the publisher has caught up."""
    await log.append([Write("a", 0, [(Counted(by=n), metadata(f"e-{n}")) for n in range(READ_AT_ONCE + 50)])])
    one = publisher(log, bus)
    await one.round()
    await one.round()
    anew = BUSES[kind_of_bus](tmp_path / "anew")
    other = publisher(log, anew)
    await other.round()
    await other.round()
    assert list((await anew.read(TOPIC, 0, 1000)).messages) == list((await bus.read(TOPIC, 0, 1000)).messages)
    await anew.close()


async def test_a_backlog_keeps_nobody_waiting(log: EventLog, bus: Bus) -> None:
    """While a publisher catches up, others on the event loop get their turns in between."""
    for _ in range(5):
        version = await log.head()
        events = [(Counted(by=n), metadata(f"e-{version}-{n}")) for n in range(800)]
        await log.append([Write("a", version, events)])
    work = Supervised("publisher", publisher(log, bus).round)
    work.start()
    longest, turns = 0.0, 0
    while await bus.published_through(TOPIC) < 4000:
        before = time.monotonic()
        await asyncio.sleep(0)
        longest, turns = max(longest, time.monotonic() - before), turns + 1
    await work.stop()
    assert turns >= 4000 // READ_AT_ONCE
    assert longest < 0.5
