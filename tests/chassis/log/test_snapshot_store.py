"""What every store of snapshots does, on each engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.log.snapshots import Snapshot, SnapshotStore
from services.chassis.log.snapshots_sqlite import SQLiteSnapshots
from services.chassis.store_opener import StoreOpener

ONE = Snapshot("counter-a", "counted", "code-1", 300, b"\x00\xff three hundred")


@pytest.fixture
async def store(stores: StoreOpener) -> AsyncIterator[SnapshotStore]:
    """An empty one."""
    opened = stores.snapshots("counters")
    yield opened
    await opened.close()


async def test_what_was_kept_comes_back_to_everybody_who_shares_the_store(
    store: SnapshotStore, stores: StoreOpener
) -> None:
    """Byte by byte; of another stream, or another fold, there is none."""
    assert await store.latest("counter-a", "counted") is None
    await store.keep(ONE)
    other = stores.snapshots("counters")
    assert await store.latest("counter-a", "counted") == await other.latest("counter-a", "counted") == ONE
    assert await other.latest("counter-b", "counted") is None
    assert await other.latest("counter-a", "paid") is None
    await other.close()


async def test_of_a_stream_the_latest_snapshot_is_kept_and_no_other(store: SnapshotStore) -> None:
    """An older one changes nothing, unless the newer one is of other code and so of no use."""
    await store.keep(ONE)
    newer = ONE._replace(version=600, state=b"six hundred")
    await store.keep(newer)
    await store.keep(ONE._replace(version=500))
    assert await store.latest("counter-a", "counted") == newer
    deployed = ONE._replace(made_by="code-2", version=400)
    await store.keep(deployed)
    assert await store.latest("counter-a", "counted") == deployed


async def test_processes_may_keep_their_first_snapshots_at_once(stores: StoreOpener) -> None:
    """The first to come makes the table."""
    opened = [stores.snapshots("counters") for _ in range(4)]
    await asyncio.gather(*(store.keep(ONE._replace(stream=f"s-{n}")) for n, store in enumerate(opened)))
    for n in range(4):
        assert await opened[0].latest(f"s-{n}", "counted") == ONE._replace(stream=f"s-{n}")
    for store in opened:
        await store.close()


async def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    """Nobody is asked to mend it, for nothing in it is worth that."""
    path = tmp_path / "snapshots.db"
    path.write_bytes(b"nothing that SQLite knows" * 200)
    store = SQLiteSnapshots(path)
    await store.keep(ONE)
    assert await store.latest("counter-a", "counted") == ONE
    await store.close()


async def test_no_file_is_made_before_there_is_a_snapshot(tmp_path: Path) -> None:
    """Most services never have a stream that is long enough."""
    store = SQLiteSnapshots(tmp_path / "snapshots.db")
    assert await store.latest("counter-a", "counted") is None
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240 - nobody else has the loop
