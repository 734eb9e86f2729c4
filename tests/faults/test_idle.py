"""A process that has nothing to do leaves the processor to others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.conftest import Start

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

SECONDS = 5.0
MOST_A_SECOND = 80
"""Every 5 ms for one of its files alone would be 200. A slow machine makes fewer of them."""


def wake_ups(process: int) -> int:
    """How often its threads have gone to sleep by themselves, and so have been woken."""
    count = 0
    for status in Path(f"/proc/{process}/task").glob("*/status"):
        lines = status.read_text().splitlines()
        count += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return count


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux counts how often a process is woken")
async def test_a_process_with_nothing_to_do_is_hardly_woken(program: Start) -> None:
    """Alone over its files, and beside another one that leads."""
    alone = program("sandbox", "--empty", data="alone", processes="2")
    both = [program("serve", "all", processes="2") for _ in range(2)]
    await alone.start()
    await asyncio.gather(*(one.start() for one in both))
    running = [alone, *both]
    # What the start left to do is done.
    await asyncio.sleep(3)
    # The process that answers and its worker together are to be as quiet as one.
    before = [sum(map(wake_ups, one.pids)) for one in running]
    await asyncio.sleep(SECONDS)
    found = [(sum(map(wake_ups, one.pids)) - then) / SECONDS for one, then in zip(running, before, strict=True)]
    assert max(found) < MOST_A_SECOND, found
    for one in running:
        await one.stop()
