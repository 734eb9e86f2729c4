"""Background work goes on after failures, and stops when it is told to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from services.chassis.engines.sqlite_wakeup import SQLiteWakeup
from services.chassis.operating.supervision import Supervised


@pytest.fixture
def wakeup(tmp_path: Path) -> Iterator[SQLiteWakeup]:
    """Of a file that nobody writes."""
    wakeup = SQLiteWakeup(tmp_path / "file.db")
    yield wakeup
    wakeup.close()


async def test_work_is_taken_up_again_after_failures(caplog: pytest.LogCaptureFixture) -> None:
    """With growing pauses; while it fails its class is known, and once it runs well again nothing is."""
    caplog.set_level(logging.WARNING)
    times: list[float] = []
    well = asyncio.Event()

    async def work() -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 5:
            raise LookupError("a name that must not be said")
        well.set()
        await asyncio.sleep(0.01)

    supervised = Supervised("work", work, first_pause=0.01)
    supervised.start()
    await asyncio.sleep(0.005)
    states = [supervised.failing]
    await asyncio.wait_for(well.wait(), 30)
    await asyncio.sleep(0.03)
    states.append(supervised.failing)
    await supervised.stop()
    assert states == ["LookupError", None]
    pauses = [later - sooner for sooner, later in pairwise(times[:5])]
    assert all(longer > shorter for shorter, longer in pairwise(pauses))
    assert "must not be said" not in caplog.text


async def test_stopping_ends_work_that_waits_and_work_that_fails() -> None:
    """Both in the middle of a wait and in the pause after a failure."""

    async def wait() -> None:
        await asyncio.sleep(60)

    async def fail() -> None:
        raise RuntimeError

    for work in (wait, fail):
        supervised = Supervised("work", work)
        supervised.start()
        await asyncio.sleep(0.02)
        await asyncio.wait_for(supervised.stop(), 30)


async def test_stopping_ends_work_that_loses_its_cancellation() -> None:
    """One round may answer a cancellation by returning; no other round follows."""
    rounds: list[int] = []

    async def deaf() -> None:
        rounds.append(1)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    supervised = Supervised("work", deaf)
    supervised.start()
    await asyncio.sleep(0.02)
    await asyncio.wait_for(supervised.stop(), 30)
    assert rounds == [1]


async def test_a_wait_that_is_woken_and_cancelled_at_once_is_cancelled(wakeup: SQLiteWakeup) -> None:
    """A commit that comes together with the order to stop does not make the waiter wait on."""
    waiting = asyncio.create_task(wakeup.wait(lambda: False, 60))
    await asyncio.sleep(0.05)
    wakeup.notify()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 30)


async def test_a_waiter_is_not_woken_by_what_does_not_concern_it(wakeup: SQLiteWakeup) -> None:
    """It looks whether it is ready after every commit, and goes on waiting until it is."""
    looks: list[int] = []

    def ready() -> bool:
        looks.append(1)
        return len(looks) > 3

    waiting = asyncio.create_task(wakeup.wait(ready, 60))
    for _ in range(3):
        await asyncio.sleep(0.02)
        assert not waiting.done() or len(looks) > 3
        wakeup.notify()
    await asyncio.wait_for(waiting, 30)
