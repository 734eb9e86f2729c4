"""What every event log owes its users, whatever keeps the bytes."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
import time
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from services.chassis.log.event_log import Conflict, EventLog, Write
from services.chassis.log.metadata import Recorded
from services.chassis.log.sqlite import SQLiteEventLog
from tests.chassis.conftest import OpenLog, needs_processes
from tests.chassis.counters import ANN, NOW, TYPES, Closed, Counted, everything, metadata
from tests.chassis.processes import end_of, line_of, start, tell


def write(stream: str, expected_version: int, *steps: int) -> Write:
    """Counts up in a stream, an event for every step."""
    return Write(stream, expected_version, [(Counted(by=step), metadata(f"{stream}-{step}")) for step in steps])


async def totals(log: EventLog, stream: str) -> list[int]:
    """The steps that a stream holds."""
    return [recorded.event.by for recorded in await log.read(stream)]


async def test_what_was_appended_is_read_back_as_it_was(log: EventLog) -> None:
    """Payload, metadata, place and digest come back; the digest is that of the stored bytes."""
    meta = metadata("e-9", idempotency_key="k", fingerprint="f", legal_basis_id="lb", causation_id="m-1")
    assert await log.append([Write("counter-a", 0, [(Counted(by=3, note="ünï\x00☃"), meta)])]) == 1
    (recorded,) = await log.read("counter-a")
    _, stored = TYPES.encode(Counted(by=3, note="ünï\x00☃"), meta)
    assert recorded == Recorded(1, "counter-a", 1, "counter.counted.v1", Counted(by=3, note="ünï\x00☃"), meta, stored)
    assert recorded.digest == hashlib.sha256(stored).hexdigest()
    assert (recorded.meta.actor, recorded.meta.recorded_at) == (ANN, NOW)


async def test_append_returns_when_another_opener_can_read(open_log: OpenLog) -> None:
    """What was acknowledged is committed: a second opener of the same log sees it at once."""
    log, other = open_log(), open_log()
    for version in range(5):
        position = await log.append([write("counter-a", version, version)])
        assert await other.head() == position == version + 1


async def test_versions_and_positions_count_from_one_without_gaps(log: EventLog) -> None:
    """Events of one append follow one another, in each stream and in the whole log."""
    last = await log.append([write("counter-a", 0, 1, 2), write("counter-b", 0, 3)])
    assert last == await log.append([write("counter-a", 2, 4)]) - 1
    everything = await log.read_all(0, 100)
    assert [(one.position, one.stream, one.version) for one in everything] == [
        (1, "counter-a", 1),
        (2, "counter-a", 2),
        (3, "counter-b", 1),
        (4, "counter-a", 3),
    ]


async def test_reading_is_bounded_by_what_was_asked(log: EventLog) -> None:
    """A stream is read behind and through versions, the log behind a position and up to a limit."""
    await log.append([write("counter-a", 0, 1, 2, 3, 4)])
    assert [one.version for one in await log.read("counter-a", after=1, through=3)] == [2, 3]
    assert [one.position for one in await log.read_all(1, 2)] == [2, 3]
    assert await log.read("counter-b") == []
    assert await log.read_all(4, 2) == []


async def test_an_empty_log_has_head_zero(log: EventLog) -> None:
    """Position 0 means none."""
    assert await log.head() == 0


async def test_a_stale_expected_version_conflicts_and_stores_nothing(log: EventLog) -> None:
    """All writes of an append are stored, or none."""
    await log.append([write("counter-a", 0, 1)])
    with pytest.raises(Conflict) as conflict:
        await log.append([write("counter-b", 0, 2), write("counter-a", 0, 3)])
    assert "counter-a" in conflict.value.streams
    assert await totals(log, "counter-a") == [1]
    assert await totals(log, "counter-b") == []


async def test_an_expected_version_ahead_of_the_stream_conflicts(log: EventLog) -> None:
    """Versions stay contiguous: nothing is stored behind a version that is not there."""
    await log.append([write("counter-a", 0, 1)])
    for stream, version in (("counter-a", 2), ("counter-b", 1)):
        with pytest.raises(Conflict):
            await log.append([write(stream, version, 9)])
    assert await log.head() == 1


async def test_nothing_to_append_is_a_mistake(log: EventLog) -> None:
    """An append without events has no position to return."""
    with pytest.raises(ValueError, match="at least one event"):
        await log.append([])


async def test_a_conflict_fails_only_its_own_command(log: EventLog) -> None:
    """Of appends that share a transaction, those that do not conflict are stored, with contiguous positions."""
    await log.append([write("counter-a", 0, 1)])
    results = await asyncio.gather(
        log.append([write("counter-b", 0, 2)]),
        log.append([write("counter-c", 0, 5, 6), write("counter-a", 0, 3)]),
        log.append([write("counter-a", 1, 4, 5)]),
        log.append([write("counter-b", 0, 7)]),
        log.append([write("counter-d", 0, 8)]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [int, Conflict, int, Conflict, int]
    assert [one.position for one in await log.read_all(0, 100)] == [1, 2, 3, 4, 5]
    assert [results[0], results[2], results[4]] == [2, 4, 5]
    assert (await totals(log, "counter-a"), await totals(log, "counter-c")) == ([1, 4, 5], [])


async def test_many_appends_at_once_are_all_stored_where_they_say(log: EventLog) -> None:
    """More appends than fit one transaction: each position that is returned is the one that its event has."""
    positions = await asyncio.gather(*(log.append([write(f"counter-{n}", 0, n)]) for n in range(700)))
    assert sorted(positions) == list(range(1, 701))
    everything = {one.position: one.stream for one in await log.read_all(0, 1000)}
    assert all(everything[position] == f"counter-{n}" for n, position in enumerate(positions))


async def test_the_mark_differs_whenever_anything_was_appended(open_log: OpenLog) -> None:
    """By this opening or another: a reader that kept a mark knows when there is nothing new to read."""
    log, other = open_log(), open_log()
    marks = [log.mark()]
    for writer, version in ((log, 0), (other, 1), (log, 2), (other, 3)):
        await writer.append([write("counter-a", version, 1)])
        marks.append(log.mark())
    assert all(later != sooner for sooner, later in pairwise(marks))


async def test_the_mark_differs_within_one_turn_of_the_loop(open_log: OpenLog) -> None:
    """Another process may append between two questions, and what it appended be read there already."""
    log, other = open_log(), open_log()
    before = log.mark()
    appending = threading.Thread(target=lambda: asyncio.run(_append_and_close(other)))
    appending.start()
    appending.join()
    assert log.mark() != before


async def _append_and_close(log: EventLog) -> None:
    await log.append([write("counter-a", 0, 1)])
    await log.close()


async def test_what_was_just_written_reads_like_what_is_kept(open_log: OpenLog) -> None:
    """The writer may remember what it wrote; nobody can tell the difference from reading the store."""
    log = open_log()
    await log.append([write("counter-a", 0, 1, 2), Write("counter-b", 0, [(Counted(by=3, note="n"), metadata())])])
    assert await log.read_all(0, 10) == await open_log().read_all(0, 10)
    assert await log.read("counter-b") == await open_log().read("counter-b")


async def test_tails_of_several_streams_are_read_at_once(log: EventLog) -> None:
    """Each answer is that of its own question, in the order asked, also for one that is asked twice or has nothing."""
    await asyncio.gather(log.append([write("counter-a", 0, 1, 2, 3)]), log.append([write("counter-b", 0, 4)]))
    asked = [("counter-a", 1), ("counter-none", 0), ("counter-b", 0), ("counter-a", 1), ("counter-b", 1)]
    first, again = await asyncio.gather(log.read_tails(asked), log.read_tails(asked[2:]))
    assert [[one.event.by for one in tail] for tail in first] == [[2, 3], [], [4], [2, 3], []]
    assert again == first[2:]
    assert await log.read_tails([]) == []


async def test_streams_are_gone_through_in_the_order_of_their_beginnings(log: EventLog) -> None:
    """Page by page, each stream once, whatever else was written between."""
    for stream, version in (("counter-b", 0), ("counter-a", 0), ("counter-b", 1), ("counter-c", 0), ("counter-a", 1)):
        await log.append([write(stream, version, 1)])
    assert await log.beginnings(0, 9) == [(1, "counter-b"), (2, "counter-a"), (4, "counter-c")]
    assert await log.beginnings(0, 2) == [(1, "counter-b"), (2, "counter-a")]
    assert await log.beginnings(2, 2) == [(4, "counter-c")]
    assert await log.beginnings(4, 2) == []


async def test_no_more_of_a_stream_is_read_than_was_asked_for(log: EventLog) -> None:
    """A long one is read in pages: each has the first events behind a version, and an answer's streams each as many."""
    await log.append([write("counter-a", 0, 1, 2, 3, 4, 5), write("counter-b", 0, 6)])
    pages = [await log.read("counter-a", after=after, most=2) for after in (0, 2, 4, 5)]
    assert [[one.event.by for one in page] for page in pages] == [[1, 2], [3, 4], [5], []]
    assert [one.event.by for one in await log.read("counter-a", after=1, through=3, most=9)] == [2, 3]
    tails = await log.read_tails([("counter-a", 1), ("counter-b", 0)], most=3)
    assert [[one.event.by for one in tail] for tail in tails] == [[2, 3, 4], [6]]


async def test_what_others_wrote_between_is_read_in_its_place(open_log: OpenLog) -> None:
    """A writer that remembers its own events misses none of those that others put before, between and behind them."""
    log, other = open_log(), open_log()
    for version, writer in enumerate((other, log, log, other, log, other)):
        await writer.append([write("counter-a", version, version)])
    for after in range(7):
        assert [one.position for one in await everything(log, after)] == list(range(after + 1, 7))
    assert await everything(log) == await everything(open_log())
    assert [one.position for one in await log.read_all(1, 2)] == [2, 3]


async def test_waiting_ends_with_an_append(open_log: OpenLog) -> None:
    """A waiter in the same process wakes long before its time is over, also one on another opening."""
    log, other = open_log(), open_log()
    waiting = [asyncio.create_task(one.wait(0, 3600)) for one in (log, other)]
    await asyncio.sleep(0.05)
    assert not any(one.done() for one in waiting)
    await log.append([write("counter-a", 0, 1)])
    await asyncio.wait_for(asyncio.gather(*waiting), 60)


async def test_waiting_ends_at_once_where_there_is_more_and_in_time_where_there_is_not(log: EventLog) -> None:
    """What is behind the position already ends the wait; silence ends it after the time that was given."""
    await log.append([write("counter-a", 0, 1)])
    assert not await asyncio.wait_for(log.wait(0, 3600), 60)
    started = time.monotonic()
    assert await log.wait(1, 0.1)
    assert 0.09 < time.monotonic() - started < 1


async def test_closing_stores_what_is_under_way(open_log: OpenLog) -> None:
    """Appends that were begun before the log is closed are stored and answered."""
    log = open_log()
    appending = [asyncio.ensure_future(log.append([write(f"counter-{n}", 0, n)])) for n in range(600)]
    await asyncio.sleep(0)
    await log.close()
    assert len(set(await asyncio.gather(*appending))) == 600
    assert await open_log().head() == 600


@pytest.mark.timeout(60)
@needs_processes
async def test_what_was_read_never_hides_a_later_commit(open_log: OpenLog, engine: str, tmp_path: Path) -> None:
    """Two processes write, a third remembers how far it has read: it meets every event, once, in order.

    So a position at or below one that was read has never become a committed, unread event.
    """
    log = open_log()
    writers = [start("write_log", engine, tmp_path, name, 2000) for name in ("left", "right")]
    for writer in writers:
        assert await line_of(writer) == "ready"
    for writer in writers:
        tell(writer)
    met: list[Recorded] = []
    writing = True
    while writing or await log.head() > met[-1].position:
        writing = any(writer.poll() is None for writer in writers)
        more = await log.read_all(met[-1].position if met else 0, 7)
        met.extend(more)
        if not more:
            await asyncio.sleep(0)
    for writer in writers:
        await end_of(writer)
    everything = await log.read_all(0, 100_000)
    assert [one.position for one in met] == [one.position for one in everything]
    assert met == everything
    streams: dict[str, list[int]] = {}
    for one in everything:
        streams.setdefault(one.stream, []).append(one.version)
    assert all(versions == list(range(1, len(versions) + 1)) for versions in streams.values())
    assert sum(len(versions) for stream, versions in streams.items() if stream != "shared") == 4000
    # Both were at it at the same time, or this shows nothing.
    assert sum(a.stream[:4] != b.stream[:4] for a, b in pairwise(everything)) > 100


class TestSQLite:
    """What only the SQLite file can be asked."""

    async def test_a_position_is_never_used_again_after_rows_were_deleted_by_hand(self, tmp_path: Path) -> None:
        """The number of a deleted last row is not given to another event, also after a restart."""
        path = tmp_path / "log.db"
        log = SQLiteEventLog("counters", path, TYPES)
        await log.append([write("counter-a", 0, 1, 2, 3)])
        await log.close()
        with sqlite3.connect(path) as by_hand:
            by_hand.execute("DELETE FROM stored_events WHERE position >= 2")
        by_hand.close()
        log = SQLiteEventLog("counters", path, TYPES)
        assert await log.append([write("counter-a", 1, 4)]) == 4
        assert await log.append([write("counter-b", 0, 5)]) == 5
        await log.close()

    async def test_every_commit_waits_for_the_disk(self, tmp_path: Path) -> None:
        """The connection that appends runs with synchronous=FULL (2) on a write-ahead log."""
        log = SQLiteEventLog("counters", tmp_path / "log.db", TYPES)
        with log._datastore.transaction(commit=True) as cursor:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == 2
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone()[0] == "wal"
        await log.close()

    @pytest.mark.fault
    async def test_a_full_disk_fails_the_append_and_nothing_after_it(self, tmp_path: Path) -> None:
        """While no file may grow, appends raise; once there is room again, they are stored."""
        process = start("fill_the_disk", tmp_path)
        assert await line_of(process) == "ready"
        tell(process)
        said = [await line_of(process) for _ in range(4)]
        await end_of(process)
        assert said[3] == "stored"
        assert "stored" not in said[:3]
        log = SQLiteEventLog("counters", tmp_path / "counters-log.db", TYPES)
        assert [one.stream for one in await log.read_all(0, 10)] == ["before", "after"]
        await log.close()

    async def test_a_batch_is_one_transaction(self, tmp_path: Path) -> None:
        """Appends that are asked at once cost one commit: to a reader, all of them appear at the same moment."""
        path = tmp_path / "log.db"
        log = SQLiteEventLog("counters", path, TYPES)
        commits: list[str] = []
        with log._datastore.get_connection(commit=True) as connection:
            connection._sqlite_conn.set_trace_callback(commits.append)
        await asyncio.gather(*(log.append([Write(f"c-{n}", 0, [(Closed(), metadata())])]) for n in range(50)))
        assert commits.count("COMMIT") == 1
        await log.close()


async def test_a_name_that_a_store_cannot_read_is_no_other_readers_matter(log: EventLog) -> None:
    """Others who read at the same moment get their events; its own reader gets an error, or no events."""
    await log.append([Write("known", 0, [(Counted(by=1), metadata())])])
    first, wrong, last = await asyncio.gather(
        log.read("known"), log.read("not\0a name"), log.read_tails([("known", 0)]), return_exceptions=True
    )
    assert isinstance(first, list)
    assert isinstance(last, list)
    assert [one.stream for one in (*first, *last[0])] == ["known"] * 2
    assert wrong == [] or isinstance(wrong, psycopg.DataError)
