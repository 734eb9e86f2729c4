"""Two processes of one service share its index and its consumers' positions: neither undoes what the other has done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.message import Envelope
from services.chassis.delivery.bus import Place
from services.chassis.delivery.consumer import Consumer
from services.chassis.delivery.consumer_store_sqlite import SQLiteConsumerStore
from services.chassis.delivery.embedded import EmbeddedBus
from services.chassis.delivery.publisher import Publisher
from services.chassis.index.sqlite import SQLiteIndex
from services.chassis.log.event_log import Write
from services.chassis.log.metadata import Recorded
from services.chassis.log.sqlite import SQLiteEventLog
from tests.chassis.counters import TYPES, Counted, metadata, translate
from tests.chassis.indexing import TABLES, totals

pytestmark = [pytest.mark.fault, pytest.mark.xdist_group("fault")]

TOPIC = "caserelay.test.v1"


async def test_a_process_that_was_overtaken_projects_nothing_twice(tmp_path: Path) -> None:
    """It read five events, the other one read and projected eight: the index stays where the other one brought it."""
    log = SQLiteEventLog("counters", tmp_path / "log.db", TYPES)
    indexes = [SQLiteIndex(tmp_path / "index.db", TABLES, 1) for _ in range(2)]
    swift = totals(log, indexes[1])
    overtaken = list[int]()

    async def record(many: int, behind: int) -> None:
        events = [(Counted(by=1), metadata(f"e-{behind + n}")) for n in range(many)]
        await log.append([Write("counter", behind, events)])

    async def while_the_other_one_is_swift(recorded: Sequence[Recorded]) -> None:
        if not overtaken:
            overtaken.append(recorded[-1].position)
            await record(3, behind=5)
            await swift.catch_up()

    slow = totals(log, indexes[0], while_the_other_one_is_swift)
    await record(5, behind=0)
    await slow.catch_up()
    assert overtaken == [5]
    assert [await index.through() for index in indexes] == [8, 8]
    (row,) = await indexes[0].find("group", {}, after=0, limit=10)
    assert row.columns["total"] == 8
    for index in indexes:
        index.close()
    await log.close()


async def test_a_consumer_that_was_overtaken_does_not_take_the_position_back(tmp_path: Path) -> None:
    """Its own batch ends before the other one's, and nobody handles the difference again."""
    path = tmp_path / "c.db"
    one, other = SQLiteConsumerStore(path), SQLiteConsumerStore(path)
    await one.advance("embedded", TOPIC, {0: Place(20, 20)})
    await other.advance("embedded", TOPIC, {0: Place(15, 15), 1: Place(3, 7)})
    for store in (one, other):
        assert await store.places("embedded", TOPIC) == {0: Place(20, 20), 1: Place(3, 7)}
        await store.close()


async def test_who_waits_in_one_process_is_woken_when_the_other_one_was_faster(tmp_path: Path) -> None:
    """The position that both share is looked at again although there was nothing left to do here."""
    bus, log = EmbeddedBus(tmp_path / "bus.db"), SQLiteEventLog("counters", tmp_path / "log.db", TYPES)
    publisher = Publisher(log, bus, topic=TOPIC, source="/services/test", translate=translate)
    handled = list[str]()

    async def hear(event: Envelope) -> None:
        handled.append(event.id)

    path = tmp_path / "c.db"
    one, other = SQLiteConsumerStore(path), SQLiteConsumerStore(path)
    here, there = Consumer("counters", TOPIC, bus, one, hear), Consumer("counters", TOPIC, bus, other, hear)
    waiting = asyncio.create_task(here.wait_through(1))
    await asyncio.sleep(0)
    await log.append([Write("counter", 0, [(Counted(by=1), metadata("e-1"))])])
    await publisher.round()
    await there.round()
    idle = asyncio.create_task(here.round())
    # Far sooner than an idle round, which looks again by itself.
    await asyncio.wait_for(waiting, 2)
    idle.cancel()
    await asyncio.gather(idle, return_exceptions=True)
    assert handled == ["e-1"]
    for store in (one, other):
        await store.close()
    await log.close()
    await bus.close()
