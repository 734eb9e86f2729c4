"""Reading many streams at once, and the log by several readers and while others write."""

from __future__ import annotations

import random
from pathlib import Path

from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.log.sqlite import TAILS_AT_ONCE, SQLiteEventLog
from tests.chassis.conftest import OpenLog
from tests.chassis.counters import TYPES
from tests.chassis.log.test_event_log import write


async def test_the_tails_of_many_streams_are_those_of_each_alone(log: EventLog) -> None:
    """However many are asked for, in whatever order; of a stream that is empty, or read to its end, there are none."""
    chance = random.Random(7)
    lengths = {f"counter-{n}": chance.randrange(4) for n in range(2 * TAILS_AT_ONCE + 50)}
    await log.append([write(stream, 0, *range(1, length + 1)) for stream, length in lengths.items() if length])
    tails = [(stream, chance.randrange(length + 1)) for stream, length in lengths.items()]
    chance.shuffle(tails)
    found = await log.read_tails(tails)
    versions = [[one.version for one in tail] for tail in found]
    assert versions == [list(range(after + 1, lengths[stream] + 1)) for stream, after in tails]
    assert [one.stream for tail in found for one in tail] == [
        stream for stream, after in tails for _ in range(lengths[stream] - after)
    ]
    assert found[:5] == [await log.read(stream, after=after) for stream, after in tails[:5]]


async def test_the_tails_of_a_batch_are_read_in_one_statement(tmp_path: Path) -> None:
    """Each statement takes locks of the file, which cost more than the look itself."""
    log = SQLiteEventLog("counters", tmp_path / "log.db", TYPES)
    asked: list[str] = []
    log._reader.set_trace_callback(asked.append)
    await log.read_tails([(f"counter-{n}", 0) for n in range(100)])
    log._reader.set_trace_callback(None)
    assert len(asked) == 1
    await log.close()


async def test_every_reader_meets_the_events_of_every_writer(open_log: OpenLog) -> None:
    """Two write in turns; each reads what it has written itself, and what the other has, in order and none twice."""
    chance = random.Random(5)
    logs = [open_log(), open_log()]
    met: list[list[Recorded]] = [[], []]
    for number in range(120):
        await chance.choice(logs).append([write(f"counter-{number}", 0, *range(1, chance.randrange(2, 5)))])
        for log, seen in zip(logs, met, strict=True):
            if chance.random() < 0.6:
                seen.extend(await log.read_all(seen[-1].position if seen else 0, chance.randrange(1, 6)))
    for log, seen in zip(logs, met, strict=True):
        while more := await log.read_all(seen[-1].position if seen else 0, 4):
            seen.extend(more)
    assert met[0] == met[1]
    assert [one.position for one in met[0]] == list(range(1, await logs[0].head() + 1))
