"""The index: filled by tailing the log, rows and position together, and never more than the log can give again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from services.chassis.index.index import Changes, Index, Row
from services.chassis.index.projection import Projection
from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.metadata import Recorded
from services.chassis.operating.supervision import Supervised
from tests.chassis.counters import Closed, Counted, metadata
from tests.chassis.indexing import OpenIndex, Totals, changing, put, totals


async def contents(index: Index) -> tuple[int, list[Row], list[Row]]:
    """All that an index knows."""
    everything = [await index.find(table, {}, after=0, limit=10_000) for table in ("group", "open_counters")]
    return await index.through(), everything[0], everything[1]


async def record(log: EventLog, many: int, seed: int = 7) -> None:
    """Fills a log with random events of ten counters."""
    chance, versions = random.Random(seed), dict[str, int]()
    for name in (f"counter-{n}" for n in range(10)):
        versions[name] = len(await log.read(name))
    for n in range(many):
        name = chance.choice(sorted(versions))
        event: Any = Closed() if chance.random() < 0.1 else Counted(by=chance.randint(1, 9))
        await log.append([Write(name, versions[name], [(event, metadata(f"e-{n}"))])])
        versions[name] += 1


async def test_a_rebuilt_index_equals_one_that_grew(log: EventLog, open_index: OpenIndex) -> None:
    """An index of a new version forgets everything and takes it all in again, to the same end."""
    index = open_index()
    for seed in range(10):
        await record(log, 11, seed)
        await totals(log, index, at_once=7).round()
    await totals(log, index, at_once=7).catch_up()
    grown = await contents(index)
    index.close()
    rebuilt = open_index(version=2)
    assert await contents(rebuilt) == (0, [], [])
    await totals(log, rebuilt, at_once=7).catch_up()
    assert await contents(rebuilt) == grown
    assert grown[0] == 110


async def test_an_index_of_the_same_version_goes_on_where_it_was(log: EventLog, open_index: OpenIndex) -> None:
    """Reopened, it knows what it knew and projects only what is new."""
    await record(log, 20)
    index = open_index()
    await totals(log, index).catch_up()
    known = await contents(index)
    index.close()
    again = open_index()
    assert await contents(again) == known
    seen: list[int] = []
    await record(log, 3, seed=8)
    await Projection(log, again, lambda recorded, _: seen.append(recorded.position)).catch_up()
    assert seen == [21, 22, 23]


async def test_a_crash_in_the_middle_leaves_no_trace(log: EventLog, open_index: OpenIndex) -> None:
    """Rows and position are one transaction: after a failure both are as before, and nobody sees the half of it."""
    await record(log, 30)
    index, outside = open_index(), open_index()
    filling, seen_from_outside = Totals(index), list[tuple[int, int]]()

    def failing(recorded: Recorded, changes: Changes) -> None:
        filling.project(recorded, changes)
        if recorded.position == 20:
            raise RuntimeError

    async def watching() -> None:
        while True:
            rows = len(await outside.find("group", {}, after=0, limit=100))
            seen_from_outside.append((rows, await outside.through()))
            await asyncio.sleep(0)

    watch = asyncio.create_task(watching())
    with pytest.raises(RuntimeError):
        await Projection(log, index, failing, filling.look).catch_up()
    assert await contents(index) == (0, [], [])
    assert set(seen_from_outside) <= {(0, 0)}
    await totals(log, index).catch_up()
    while (whole := (len((await contents(index))[1]), 30)) not in seen_from_outside:
        assert not watch.done()
        await asyncio.sleep(0)
    watch.cancel()
    # The rows are asked for first, so the position may have moved in between, and never the other way round.
    assert set(seen_from_outside) <= {(0, 0), (0, 30), whole}
    other = open_index(of="referral")
    await totals(log, other).catch_up()
    assert await contents(index) == await contents(other)


async def test_rows_are_never_ahead_of_their_position(open_index: OpenIndex) -> None:
    """When the position cannot be moved, because another process was first, the rows are not written either."""
    index, other = open_index(), open_index()
    changes = Changes()
    changes.put("group", "a", 3, case="x")
    changes.delete("group", "b")
    await put(index, "group", "b", 1, case="y")
    for _ in range(2):
        assert await other.apply(Changes(), after=await other.through(), through=await other.through() + 3)
        assert not await index.apply(changes, after=0, through=3)
        assert [row.key for row in (await contents(index))[1]] == ["b"]
    assert await index.through() == 6
    assert await index.apply(changes, after=6, through=7)
    assert (await index.through(), [row.key for row in (await contents(other))[1]]) == (7, ["a"])


async def test_an_index_that_lost_its_newest_changes_takes_them_in_again(log: EventLog, open_index: OpenIndex) -> None:
    """Commits do not wait for the disk, so a server that crashes comes back with fewer; nobody need append first."""
    index, other = open_index(), open_index()
    projection = Projection(
        log, index, lambda recorded, changes: changes.put("open_counters", recorded.stream, 1), idle_seconds=0.01
    )
    await record(log, 5)
    await projection.round()
    assert (await index.through(), await other.apply(Changes(), after=5, through=3)) == (5, True)
    while await index.through() != 5:
        await projection.round()


async def test_two_that_take_in_at_once_project_nothing_twice(log: EventLog, open_index: OpenIndex) -> None:
    """The background round and somebody who must not wait for it share the work."""
    await record(log, 50)
    index = open_index()
    filling, seen = Totals(index), list[int]()

    def noting(recorded: Recorded, changes: Changes) -> None:
        seen.append(recorded.position)
        filling.project(recorded, changes)

    async def looking_up(batch: Sequence[Recorded]) -> None:
        await asyncio.sleep(0.001)
        await filling.look(batch)

    projection = Projection(log, index, noting, looking_up)
    await asyncio.gather(projection.round(), projection.catch_up(), projection.catch_up())
    assert seen == list(range(1, 51))


async def test_a_waiter_is_told_when_its_position_is_indexed(log: EventLog, open_index: OpenIndex) -> None:
    """Not before, and at once if it is there already."""
    index = open_index()
    projection = totals(log, index)
    waiting = asyncio.create_task(projection.wait_through(3))
    work = Supervised("projection", projection.round)
    work.start()
    await record(log, 2)
    await asyncio.sleep(0.05)
    assert (waiting.done(), await index.through()) == (False, 2)
    await record(log, 1, seed=9)
    await asyncio.wait_for(waiting, 30)
    await asyncio.wait_for(projection.wait_through(1), 0.1)
    assert await projection.behind() == 0
    await work.stop()


async def test_a_row_keeps_its_place_and_the_columns_that_are_not_given(open_index: OpenIndex) -> None:
    """The order of lists never changes under a reader: `seq` is the first one, whatever comes later."""
    index = open_index()
    await put(index, "group", "a", 5, case="x", total=1)
    await put(index, "group", "a", 9, total=2)
    await put(index, "open_counters", "a", 5)
    await put(index, "open_counters", "a", 6)
    assert await index.get("group", "a") == Row("a", 5, {"case": "x", "total": 2, "order": None})
    assert await index.get("open_counters", "a") == Row("a", 5, {"to": None})
    assert await index.get("group", "b") is None


async def test_what_one_transaction_writes_follows_its_order(open_index: OpenIndex) -> None:
    """However writes are gathered: the later one counts, and what was removed stays so."""
    index = open_index()
    await put(index, "group", "old", 1, case="x", total=1)
    async with changing(index, through=10) as changes:
        changes.put("group", "a", 5, case="x", total=1)
        changes.put("group", "a", 6, case="y", total=2)
        changes.put("group", "a", 7, order="late")
        changes.put("group", "b", 8, case="x", total=3)
        changes.put("open_counters", "b", 8)
        changes.delete("group", "old")
        changes.delete("group", "b")
        changes.put("group", "b", 9, case="z", total=4)
        changes.put("open_counters", "gone", 9)
        changes.delete("open_counters", "gone")
        changes.delete("open_counters", "never")
        changes.put("group", "c", 10, case=None, total=None)
    assert [(row.key, row.seq, row.columns["total"]) for row in await index.find("group", {}, after=0, limit=9)] == [
        ("a", 5, 2),
        ("b", 9, 4),
        ("c", 10, None),
    ]
    assert await index.get("group", "a") == Row("a", 5, {"case": "y", "total": 2, "order": "late"})
    assert (await index.get("open_counters", "b"), await index.get("open_counters", "gone")) == (
        Row("b", 8, {"to": None}),
        None,
    )
    assert await index.through() == 10


async def test_a_change_that_fails_leaves_nothing_and_harms_nothing(open_index: OpenIndex) -> None:
    """Neither rows nor position are kept, and the next one begins afresh."""
    index, bad = open_index(), Changes()
    bad.put("group", "a", 5, case="x")
    bad.put("group", "b", 5, nothing="y")
    for _ in range(2):
        with pytest.raises(KeyError):
            await index.apply(bad, after=0, through=5)
        assert (await index.get("group", "a"), await index.through()) == (None, 0)
    async with changing(index, through=6) as changes:
        changes.put("open_counters", "b", 6)
    assert (await index.get("group", "a"), await index.get("open_counters", "b"), await index.through()) == (
        None,
        Row("b", 6, {"to": None}),
        6,
    )


@pytest.mark.parametrize("unknown", ["put", "delete"])
async def test_a_change_to_a_table_that_is_not_there_leaves_nothing(open_index: OpenIndex, unknown: str) -> None:
    """Wherever it stands among changes that could be made, and whatever it would do."""
    index, bad = open_index(), Changes()
    bad.put("group", "a", 5, case="x")
    if unknown == "put":
        bad.put("nowhere", "b", 5)
    else:
        bad.delete("nowhere", "b")
    with pytest.raises(Exception, match="nowhere"):
        await index.apply(bad, after=0, through=5)
    assert (await index.get("group", "a"), await index.through()) == (None, 0)


async def test_rows_are_found_by_any_mixture_of_columns(open_index: OpenIndex) -> None:
    """One value, several, NULL, and no condition; in the order of `seq`, behind `after`, up to `limit`."""
    index = open_index()
    for n in range(12):
        await put(index, "group", f"k{n}", 100 - n, case="xyz"[n % 3], total=n % 2, order=None if n < 6 else "late")

    async def keys(where: dict[str, Any], after: int = 0, limit: int = 100) -> list[str]:
        return [row.key for row in await index.find("group", where, after=after, limit=limit)]

    assert await keys({}) == [f"k{n}" for n in reversed(range(12))]
    assert await keys({"case": "x"}) == ["k9", "k6", "k3", "k0"]
    assert await keys({"case": ["x", "y"], "total": 1}) == ["k9", "k7", "k3", "k1"]
    assert await keys({"order": None, "case": "x"}) == ["k3", "k0"]
    assert await keys({"order": [None, "late"]}) == await keys({})
    assert await keys({"case": []}) == []
    assert await keys({"case": "x"}, after=91, limit=2) == ["k6", "k3"]
    with pytest.raises(KeyError):
        await keys({"nothing": 1})


async def test_pages_are_stable_under_writes(open_index: OpenIndex) -> None:
    """Paging through a list shows every row that was there at the start exactly once."""
    index = open_index()
    for n in range(1, 31):
        await put(index, "group", f"k{n}", n, total=0)
    met: list[str] = []
    after = 0
    while page := await index.find("group", {"total": [0, 1]}, after=after, limit=7):
        met += [row.key for row in page]
        after = page[-1].seq
        await put(index, "group", f"new{after}", 1000 + after, total=2)
        await put(index, "group", met[0], 2000, total=1)
    assert met == [f"k{n}" for n in range(1, 31)]


async def test_the_first_rows_by_a_column_come_in_its_order(open_index: OpenIndex) -> None:
    """Smallest first, bounded above, without those that have no value."""
    index = open_index()
    for key, order in (("a", "2026-03"), ("b", None), ("c", "2026-01"), ("d", "2026-02")):
        await put(index, "group", key, 1, order=order)
    assert [row.key for row in await index.first("group", "order", limit=10)] == ["c", "d", "a"]
    assert [row.key for row in await index.first("group", "order", at_most="2026-02", limit=10)] == ["c", "d"]
    assert [row.key for row in await index.first("group", "order")] == ["c"]


async def test_any_version_number_makes_its_tables(open_index: OpenIndex) -> None:
    """Also zero, which is what an SQLite file without a version says."""
    assert await open_index(version=0).through() == 0


async def test_two_processes_that_keep_one_index_project_nothing_twice(log: EventLog, open_index: OpenIndex) -> None:
    """Replicas share the index: an event that one of them has taken in is none for the other."""
    await record(log, 300)
    one, other = open_index(), open_index()
    alone = open_index(of="referral")

    async def looking_up(_batch: Sequence[Recorded]) -> None:
        await asyncio.sleep(0.001)

    await asyncio.gather(*(totals(log, index, looking_up).catch_up() for index in (one, other)))
    await totals(log, alone).catch_up()
    assert await contents(one) == await contents(other) == await contents(alone)
