"""Parts of shared work have one owner each, who takes no more than is fair, and loses them when it is gone or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from services.chassis.leading.shares import Shares
from services.chassis.leading.sharing import NOTHING, Sharing
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from tests.chassis.conftest import needs_processes
from tests.chassis.processes import line_of, start

OpenShares = Callable[[], Shares]
PARTS = 8


@pytest.fixture
async def open_shares(stores: StoreOpener) -> AsyncIterator[OpenShares]:
    """Opens the same shares, as often as asked."""
    opened: list[Shares] = []

    def opening() -> Shares:
        opened.append(stores.shares("counters"))
        return opened[-1]

    yield opening
    for shares in opened:
        await shares.close()


async def test_who_is_alone_has_everything(open_shares: OpenShares) -> None:
    """Asked again, it still has."""
    shares = open_shares()
    for _ in range(2):
        claimed = await shares.claim("one", PARTS, 60)
        assert (claimed.mine, claimed.fair) == (frozenset(range(PARTS)), PARTS)


async def test_nobody_has_what_another_has(open_shares: OpenShares) -> None:
    """One that comes later finds nothing free, and the first one hears that it has too much."""
    one, other = open_shares(), open_shares()
    await one.claim("one", PARTS, 60)
    assert (await other.claim("other", PARTS, 60)).mine == frozenset()
    assert (await one.claim("one", PARTS, 60)).fair == PARTS // 2


async def test_what_is_given_back_goes_to_who_has_less_than_its_fair_part(open_shares: OpenShares) -> None:
    """Of three, nobody gets more than three of eight, and together they have all."""
    opened = [open_shares() for _ in range(3)]
    names = ["one", "two", "three"]
    had = [frozenset(range(PARTS)), frozenset[int](), frozenset[int]()]
    for _ in range(3):
        for n, shares in enumerate(opened):
            claimed = await shares.claim(names[n], PARTS, 60)
            for part in sorted(claimed.mine)[claimed.fair :]:
                await shares.give_back(names[n], part)
            had[n] = frozenset(sorted(claimed.mine)[: claimed.fair])
    assert sorted(len(mine) for mine in had) == [2, 3, 3]
    assert sorted(part for mine in had for part in mine) == list(range(PARTS))


async def test_only_who_has_a_part_can_give_it_back(open_shares: OpenShares) -> None:
    """Another one changes nothing."""
    one, other = open_shares(), open_shares()
    await one.claim("one", PARTS, 60)
    await other.give_back("other", 0)
    assert (await other.claim("other", PARTS, 60)).mine == frozenset()


async def test_what_is_not_renewed_is_free_after_its_time(open_shares: OpenShares) -> None:
    """A holder that hangs, its connection open, loses all."""
    one, other = open_shares(), open_shares()
    await one.claim("one", PARTS, 0.2)
    await asyncio.sleep(0.3)
    assert (await other.claim("other", PARTS, 60)).mine == frozenset(range(PARTS))


async def test_who_leaves_lets_go_of_everything(open_shares: OpenShares) -> None:
    """The other one has it all from then on."""
    one, other = open_shares(), open_shares()
    await one.claim("one", PARTS, 60)
    await one.leave("one")
    assert (await other.claim("other", PARTS, 60)).mine == frozenset(range(PARTS))


@needs_processes
async def test_what_a_killed_process_had_is_free_at_once(open_shares: OpenShares, engine: str, tmp_path: Path) -> None:
    """Nobody waits until its time would have run out."""
    holder = start("hold_shares", engine, tmp_path)
    assert await line_of(holder) == "ready"
    shares = open_shares()
    assert not (await shares.claim("here", PARTS, 60)).mine
    os.kill(holder.pid, signal.SIGKILL)
    await asyncio.to_thread(holder.communicate)
    for _ in range(200):
        if (await shares.claim("here", PARTS, 60)).mine == frozenset(range(PARTS)):
            return
        await asyncio.sleep(0.01)
    pytest.fail("what a dead process had was not given to anybody")


async def test_a_part_is_given_back_once_nothing_of_it_is_under_way(open_shares: OpenShares) -> None:
    """Until then neither of the two may begin anything of it."""
    first, second = Sharing(open_shares(), PARTS), Sharing(open_shares(), PARTS)
    await first.seek()
    await second.seek()
    first.idle = lambda part: part != PARTS - 1
    await first.seek()
    await second.seek()
    assert first.owned == frozenset(range(PARTS // 2))
    assert second.owned == frozenset(range(PARTS // 2, PARTS - 1))
    first.idle = lambda _: True
    await first.seek()
    await second.seek()
    assert second.owned == frozenset(range(PARTS // 2, PARTS))


async def test_a_process_that_was_stopped_owns_nothing_when_it_wakes_up(open_shares: OpenShares) -> None:
    """It forgets what it knew of its parts before it has them again."""
    sharing, told = Sharing(open_shares(), PARTS, 0.2), list[frozenset[int]]()
    sharing.changed = told.append
    await sharing.seek()
    assert sharing.owns(3)
    await asyncio.sleep(0.25)
    assert (sharing.owns(3), sharing.owned) == (False, NOTHING)
    await sharing.seek()
    assert told == [frozenset(range(PARTS)), NOTHING, frozenset(range(PARTS))]


async def test_what_runs_out_while_it_is_renewed_is_forgotten_as_well(tmp_path: Path) -> None:
    """Somebody who held the file had it wait: meanwhile nothing could be begun, and others may have had the parts."""
    shares = Stores(tmp_path).shares("counters")
    sharing, told = Sharing(shares, PARTS, 0.4), list[frozenset[int]]()
    sharing.changed = told.append
    await sharing.seek()
    await asyncio.sleep(0.25)
    with closing(sqlite3.connect(tmp_path / "counters-lease.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        renewing = asyncio.create_task(sharing.seek())
        await asyncio.sleep(0.25)
        other.execute("ROLLBACK")
    await renewing
    await shares.close()
    assert told == [frozenset(range(PARTS)), NOTHING, frozenset(range(PARTS))]
