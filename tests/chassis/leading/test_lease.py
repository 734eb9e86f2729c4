"""One process at a time leads, and one that is gone or hangs does not lead for long."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.chassis.leading.leadership import Leadership
from services.chassis.leading.lease import Lease
from services.chassis.store_opener import StoreOpener
from tests.chassis.conftest import needs_processes
from tests.chassis.processes import line_of, start

OpenLease = Callable[[], Lease]


@pytest.fixture
async def open_lease(stores: StoreOpener) -> AsyncIterator[OpenLease]:
    """Opens the same lease, as often as asked."""
    opened: list[Lease] = []

    def opening() -> Lease:
        opened.append(stores.lease("counters"))
        return opened[-1]

    yield opening
    for lease in opened:
        await lease.close()


async def test_a_lease_has_one_holder_who_may_renew_it(open_lease: OpenLease) -> None:
    """Every other process is refused while it lasts."""
    one, other = open_lease(), open_lease()
    assert await one.claim("one", 60)
    assert not await other.claim("other", 60)
    assert await one.claim("one", 60)
    assert not await other.claim("other", 60)


async def test_a_lease_that_was_given_back_is_free_at_once(open_lease: OpenLease) -> None:
    """Only its holder can give it back."""
    one, other = open_lease(), open_lease()
    await one.claim("one", 60)
    await other.release("other")
    assert not await other.claim("other", 60)
    await one.release("one")
    assert await other.claim("other", 60)
    assert not await one.claim("one", 60)


async def test_a_lease_runs_out_by_itself(open_lease: OpenLease) -> None:
    """A holder that hangs, its connection open, loses it."""
    one, other = open_lease(), open_lease()
    assert await one.claim("one", 0.2)
    await asyncio.sleep(0.3)
    assert await other.claim("other", 60)
    assert not await one.claim("one", 60)


@needs_processes
async def test_the_lease_of_a_process_that_was_killed_is_free_at_once(
    open_lease: OpenLease, engine: str, tmp_path: Path
) -> None:
    """Nobody waits until it would have run out."""
    holder = start("hold_lease", engine, tmp_path)
    assert await line_of(holder) == "ready"
    lease = open_lease()
    assert not await lease.claim("here", 60)
    os.kill(holder.pid, signal.SIGKILL)
    await asyncio.to_thread(holder.communicate)
    for _ in range(200):
        if await lease.claim("here", 60):
            return
        await asyncio.sleep(0.01)
    pytest.fail("the lease of a dead process was not given to anybody")


async def test_of_many_that_ask_at_once_one_gets_it(open_lease: OpenLease) -> None:
    """There is no moment between the question and the answer."""
    leases = [open_lease() for _ in range(8)]
    for turn in range(20):
        held = await asyncio.gather(*(lease.claim(f"{n}", 60) for n, lease in enumerate(leases)))
        assert sum(held) == 1, turn
        await leases[held.index(True)].release(f"{held.index(True)}")


async def stands_by(round_: Callable[[], Awaitable[None]]) -> None:
    """It only waits to lead."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await round_()


async def test_who_stands_by_takes_over_when_the_leader_closes(open_lease: OpenLease) -> None:
    """What it does as leader begins with being told so, and the one that closed does nothing more."""
    done: list[str] = []

    async def work(name: str) -> None:
        done.append(name)
        await asyncio.sleep(0.01)

    one, other = Leadership(open_lease()), Leadership(open_lease())
    one.gained.append(lambda: done.append("one leads"))
    other.gained.append(lambda: done.append("other leads"))
    await one.seek()
    await other.seek()
    assert (one.leading, other.leading) == (True, False)
    await one.led(lambda: work("one"))()
    await stands_by(other.led(lambda: work("other")))
    await one.close()
    await other.seek()
    await stands_by(one.led(lambda: work("one")))
    await other.led(lambda: work("other"))()
    assert done == ["one leads", "one", "other leads", "other"]
    await other.close()


async def test_a_leader_that_was_held_up_knows_that_its_time_is_over(open_lease: OpenLease) -> None:
    """It finds out by itself, before it asks anybody; and leads again when it gets the lease again."""
    one, told = Leadership(open_lease(), seconds=0.2), list[int]()
    one.gained.append(lambda: told.append(1))
    seen = list[bool]()
    await one.seek()
    seen.append(one.leading)
    await asyncio.sleep(0.25)
    seen.append(one.leading)
    await one.seek()
    seen.append(one.leading)
    assert (seen, len(told)) == ([True, False, True], 2)
    await one.close()
