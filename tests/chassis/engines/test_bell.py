"""Who waits for a commit of another process hears of it at once, and of one that nobody told of soon."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from services.chassis.delivery.embedded import EmbeddedBus
from services.chassis.engines.bell import DIRECTORY, Bell
from services.chassis.engines.sqlite_wakeup import LOOK_SECONDS, MISSED, SQLiteWakeup
from tests.chassis.processes import line_of, start, tell

Open = Callable[..., SQLiteWakeup]
NEVER = 3600.0


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens wakeups, each as another process would, on files that are made."""
    with ExitStack() as opened:

        def open_(path: Path, look_seconds: float = LOOK_SECONDS) -> SQLiteWakeup:
            with closing(sqlite3.connect(path)) as made:
                made.execute("PRAGMA journal_mode = WAL")
                made.execute("CREATE TABLE IF NOT EXISTS told (n INTEGER)")
            wakeup = SQLiteWakeup(path, look_seconds=look_seconds)
            opened.callback(wakeup.close)
            return wakeup

        yield open_


def commit(path: Path) -> None:
    """Somebody commits, and tells nobody."""
    with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("INSERT INTO told VALUES (1)")


def told(path: Path, more_than: int) -> Callable[[], bool]:
    """Whether so much was committed."""

    def ready() -> bool:
        with closing(sqlite3.connect(path)) as reader:
            return bool(reader.execute("SELECT COUNT(*) FROM told").fetchone()[0] > more_than)

    return ready


async def waiting(wakeup: SQLiteWakeup, ready: Callable[[], bool]) -> asyncio.Task[None]:
    """Somebody who waits, and has looked."""
    task = asyncio.create_task(wakeup.wait(ready, NEVER))
    await asyncio.sleep(0.1)
    assert not task.done()
    return task


async def test_a_commit_of_another_process_is_heard_without_a_look(tmp_path: Path) -> None:
    """Nobody looks by himself in this hour, and yet the message is there."""
    bus = EmbeddedBus(tmp_path / "bus.db", look_seconds=NEVER)
    process = start("publish", "embedded", tmp_path, "topic")
    try:
        assert await line_of(process) == "ready"
        waits = asyncio.create_task(bus.wait("topic", 0, NEVER))
        await asyncio.sleep(0.1)
        tell(process)
        await asyncio.wait_for(waits, 30)
        assert bus.through("topic") == 2
    finally:
        process.kill()
        process.communicate()
        await bus.close()


async def test_the_path_to_a_bell_may_be_long(tmp_path: Path, opened: Open) -> None:
    """Longer than the address of a socket."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    here, there = opened(deep / "file.db", NEVER), opened(deep / "file.db", NEVER)
    waits = await waiting(here, told(deep / "file.db", 0))
    commit(deep / "file.db")
    there.notify()
    await asyncio.wait_for(waits, 10)


async def test_a_commit_that_nobody_told_of_is_seen_soon(tmp_path: Path, opened: Open) -> None:
    """Its process died before the bell; and where bells fail again and again they are not relied on."""
    path = tmp_path / "file.db"
    wakeup = opened(path, 0.05)
    for count in range(MISSED + 1):
        waits = await waiting(wakeup, told(path, count))
        commit(path)
        await asyncio.wait_for(waits, 10)
    waits = await waiting(wakeup, told(path, MISSED + 1))
    wakeup.look_seconds = NEVER
    commit(path)
    await asyncio.wait_for(waits, 10)


async def test_without_a_bell_it_looks_all_the_time(tmp_path: Path, opened: Open) -> None:
    """A file stands where the directory of the bells should."""
    (tmp_path / DIRECTORY).touch()
    path = tmp_path / "file.db"
    waits = await waiting(opened(path, NEVER), told(path, 0))
    commit(path)
    await asyncio.wait_for(waits, 10)


async def test_a_bell_that_was_taken_away_is_hung_again(tmp_path: Path, opened: Open) -> None:
    """Somebody tidied up the directory while the process ran."""
    path = tmp_path / "file.db"
    here, there = opened(path, 0.05), opened(path, 0.05)
    waits = await waiting(here, told(path, 0))
    (bell,) = (tmp_path / DIRECTORY).iterdir()
    bell.unlink()
    await asyncio.sleep(0.2)
    assert len(list((tmp_path / DIRECTORY).iterdir())) == 1
    commit(path)
    there.notify()
    await asyncio.wait_for(waits, 10)


async def test_the_bell_of_a_process_that_was_killed_is_taken_down(tmp_path: Path, opened: Open) -> None:
    """By the next one that rings; those of other files stay, and so do those that hang."""
    path = tmp_path / "file.db"
    here = opened(path)
    waits = await waiting(here, told(path, 0))
    bells = tmp_path / DIRECTORY
    gone, other = bells / "file.db.1-dead", bells / "other.db.1-dead"
    for one in (gone, other):
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as left:
            left.bind(str(one))
    there = opened(path)
    there.notify()
    assert not gone.exists()
    assert other.exists()
    assert len(list(bells.iterdir())) == 2
    waits.cancel()


def test_ringing_at_a_process_that_is_stopped_never_waits(tmp_path: Path) -> None:
    """However often: it need not hear more than that there is something."""
    bell = Bell(tmp_path / "file.db")
    (tmp_path / DIRECTORY).mkdir()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as deaf:
        deaf.bind(str(tmp_path / DIRECTORY / "file.db.1-deaf"))
        signal.alarm(20)
        for _ in range(5000):
            bell.ring()
        signal.alarm(0)
        assert (tmp_path / DIRECTORY / "file.db.1-deaf").exists()
    bell.close()


async def test_a_bell_that_is_closed_leaves_nothing_behind(tmp_path: Path, opened: Open) -> None:
    """Neither a socket in the directory nor an open file."""
    path = tmp_path / "file.db"
    wakeup = opened(path)
    waits = await waiting(wakeup, told(path, 0))
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - of this process, at once
    wakeup.close()
    await asyncio.gather(waits, return_exceptions=True) if waits.cancel() else None
    assert list((tmp_path / DIRECTORY).iterdir()) == []
    assert len(os.listdir("/dev/fd")) < before  # noqa: PTH208 - as above
