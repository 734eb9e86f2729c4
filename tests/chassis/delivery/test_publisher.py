"""What the publisher makes of a log, on every log and every bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from contracts.message import decode_data, decode_event
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.publisher import READ_AT_ONCE, Publisher
from services.chassis.log.event_log import EventLog, Write
from services.chassis.memory_stores import MemoryStores
from services.chassis.operating.supervision import Supervised
from tests.chassis.conftest import BUSES, MEMORY, OpenBus, OpenLog
from tests.chassis.counters import Closed, Counted, CounterMoved, LookedAt, metadata, translate
from tests.chassis.following import TOPIC, Follower


def publisher(log: EventLog, bus: Bus) -> Publisher:
    """Carries the counters' log to the topic."""
    return Publisher(log, bus, topic=TOPIC, source="/services/test", translate=translate)


async def test_what_is_recorded_is_published_as_a_cloud_event(
    log: EventLog, bus: Bus, follow: Callable[..., Follower]
) -> None:
    """The envelope names event, source, type, place, cause and trace; the payload keeps what is null in it."""
    meta = metadata("e-7", traceparent="00-1-2-01", causation_id="e-3", causation_sequence=12)
    await log.append([Write("counter-a", 0, [(LookedAt(), metadata()), (Counted(by=4), meta)])])
    await publisher(log, bus).round()
    follower = follow()
    await follower.reaches(2)
    (sent,) = follower.messages
    event = decode_event(sent.body)
    assert (sent.position, sent.key, sent.id) == (2, "counter-a", "e-7")
    assert (event.id, event.source, event.type) == ("e-7", "/services/test", CounterMoved.TYPE)
    assert (event.subject, event.partitionkey, event.sequence) == ("counter-a", "counter-a", "2")
    assert (event.time, event.traceparent) == (meta.recorded_at, "00-1-2-01")
    assert (event.causationid, event.causationsequence) == ("e-3", "12")
    assert decode_data(CounterMoved, event.data) == CounterMoved(counter="counter-a", by=4, note=None)


async def test_a_publisher_that_had_to_wait_is_asked_again_whether_it_leads(log: EventLog, bus: Bus) -> None:
    """While it waits another process may publish, and go far: what it knew is told to be forgotten, and is."""
    slow = publisher(log, bus)
    await log.append([Write("counter-a", 0, [(Counted(by=1), metadata("e-1"))])])
    await slow.round()
    waiting = asyncio.create_task(slow.round())
    await asyncio.sleep(0.2)
    await log.append([Write("counter-a", 1, [(Counted(by=1), metadata("e-2"))])])
    await asyncio.wait_for(waiting, 2)
    assert await bus.published_through(TOPIC) == 1
    await slow.round()
    assert await bus.published_through(TOPIC) == 2


async def test_a_publisher_goes_on_where_the_bus_stands(
    open_log: OpenLog, open_bus: OpenBus, follow: Callable[..., Follower]
) -> None:
    """After a restart it asks the bus how far it has come, passes private events, and repeats nothing."""
    log, bus = open_log(), open_bus()
    await log.append([Write("a", 0, [(Counted(by=1), metadata("e-1")), (Closed(), metadata("e-2"))])])
    await publisher(log, bus).round()
    assert await bus.resume(TOPIC) == 2
    await log.append([Write("b", 0, [(Counted(by=2), metadata("e-3"))])])
    recreated = open_bus()
    second = publisher(open_log(), recreated)
    assert (await recreated.resume(TOPIC), await second.behind()) == (2, 1)
    await second.round()
    follower = follow(of=bus)
    assert (await second.behind(), sorted(await follower.reaches(3))) == (0, [1, 3])


async def test_a_lost_bus_is_built_again_from_the_log(
    log: EventLog, bus: Bus, kind_of_bus: str, bus_directory: Path, follow: Callable[..., Follower]
) -> None:
    """A bus that starts over holds the same bytes at the same positions once the publisher has caught up."""
    await log.append([Write("a", 0, [(Counted(by=n), metadata(f"e-{n}")) for n in range(READ_AT_ONCE + 50)])])
    one = publisher(log, bus)
    await one.round()
    await one.round()
    recreated = MemoryStores().bus() if kind_of_bus == MEMORY else BUSES[kind_of_bus](bus_directory / "again")
    other = publisher(log, recreated)
    await other.round()
    await other.round()
    before, after = follow(), follow(of=recreated)
    await before.reaches(READ_AT_ONCE + 50, 1000)
    await after.reaches(READ_AT_ONCE + 50, 1000)
    assert before.messages == after.messages
    await after.subscription.close()
    await recreated.close()


async def test_a_backlog_keeps_nobody_waiting(log: EventLog, bus: Bus) -> None:
    """While a publisher catches up, others on the event loop get their turns in between."""
    for _ in range(5):
        version = await log.head()
        events = [(Counted(by=n), metadata(f"e-{version}-{n}")) for n in range(800)]
        await log.append([Write("a", version, events)])
    work = Supervised("publisher", publisher(log, bus).round)
    work.start()
    turns = 0
    while await bus.published_through(TOPIC) < 4000:
        await asyncio.sleep(0)
        turns += 1
    await work.stop()
    assert turns >= 4000 // READ_AT_ONCE
