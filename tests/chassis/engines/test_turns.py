"""Who has to write waits for another process that writes, and everything else goes on meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.embedded import EmbeddedBus
from services.chassis.engines.store_health import StoreHealth, Unavailable
from services.chassis.index.index import Changes, Table
from services.chassis.index.sqlite import SQLiteIndex
from services.chassis.leading.lease_sqlite import SQLiteLease
from services.chassis.log.event_log import Write
from services.chassis.log.sqlite import SQLiteEventLog
from services.chassis.vault.sqlite import SQLiteVault
from tests.chassis.counters import TYPES, Counted, metadata

Write_ = Callable[[], Awaitable[object]]
STORES = ("log", "vault", "index", "bus", "lease")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process is in the middle of a transaction, and stays there."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def opened(store: str, path: Path, health: StoreHealth) -> Write_:
    """Opens a store; the one write of it that comes most often."""
    match store:
        case "log":
            log = SQLiteEventLog("counters", path, TYPES, health)
            return lambda: log.append([Write("s", 0, [(Counted(by=1), metadata("e-1"))])])
        case "vault":
            vault = SQLiteVault(path, health=health)
            return lambda: vault.keep("ref", "s", {"n": 1})
        case "index":
            index = SQLiteIndex(path, [Table("t", columns=("c",))], 1, health)
            return lambda: index.apply(Changes(), after=0, through=1)
        case "bus":
            bus = EmbeddedBus(path, health)
            return lambda: bus.publish("topic", [BusMessage(1, "key", "id", b"{}")], 1)
        case _:
            lease = SQLiteLease(path, health)
            return lambda: lease.claim("one", 60)


@pytest.mark.parametrize("store", STORES)
async def test_a_writer_has_its_turn_when_the_other_one_ends(store: str, tmp_path: Path) -> None:
    """Others have theirs meanwhile, and nothing was an error."""
    path, health, turned = tmp_path / "file.db", StoreHealth(store), 0
    write = opened(store, path, health)
    with held(path):
        writing = asyncio.ensure_future(write())
        for _ in range(50):
            await asyncio.sleep(0.001)
            turned += not writing.done()
    assert turned == 50
    await asyncio.wait_for(writing, 10)
    assert not health.errors


@pytest.mark.parametrize("store", STORES)
async def test_a_writer_that_never_has_its_turn_is_told(store: str, tmp_path: Path) -> None:
    """After a while, by the store's name and the engine's code, which is counted once; and later it can write."""
    path, health = tmp_path / "file.db", StoreHealth(store, turn_seconds=0.1)
    write = opened(store, path, health)
    with held(path):
        with pytest.raises(Unavailable) as failure:
            await write()
        assert (failure.value.store, failure.value.code) == (store, "SQLITE_BUSY")
        assert health.errors == {"SQLITE_BUSY": 1}
        assert health.failing is None
    await write()
