"""Processes that start at the same moment over a directory in which there is nothing yet: all of them start."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final

import pytest

from services.casefile.events import EVENT_TYPES
from services.casefile.projection import INDEX_VERSION, TABLES
from services.chassis.stores import Stores
from tests.faults.conftest import Start
from tests.support.repetitions import times

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

AT_ONCE: Final = 2
SECONDS: Final = 60.0


def open_everything(directories: list[Path], together: Barrier, said: Queue[str]) -> None:
    """In each directory every kind of store; says `opened`, or what went wrong."""
    for directory in directories:
        together.wait(SECONDS)
        try:
            stores = Stores(directory)
            stores.bus()
            stores.event_log("casefile", EVENT_TYPES)
            stores.vault("casefile")
            stores.index("casefile", TABLES, INDEX_VERSION)
            stores.consumer_store("casefile")
            stores.lease("casefile")
            stores.require_writable()
        except Exception as failure:  # noqa: BLE001 - it is what the test asks for
            said.put(repr(failure))
        else:
            said.put("opened")


@pytest.mark.timeout(300)
def test_of_two_that_make_the_same_files_at_once_none_is_refused(tmp_path: Path) -> None:
    """Log, vault, index, bus, places of consumers and lease; a hundred directories."""
    directories = [tmp_path / f"{number}" for number in range(times(100))]
    here = multiprocessing.get_context("spawn")
    together, said = here.Barrier(AT_ONCE), here.Queue()
    openers = [here.Process(target=open_everything, args=(directories, together, said)) for _ in range(AT_ONCE)]
    for one in openers:
        one.start()
    try:
        heard = [said.get(timeout=SECONDS) for _ in range(AT_ONCE * len(directories))]
    finally:
        for one in openers:
            one.kill()
            one.join()
    assert set(heard) == {"opened"}


@pytest.mark.timeout(600)
async def test_of_two_programs_that_start_at_once_both_take_work(program: Start) -> None:
    """All services in both, over a new directory each time."""
    for number in range(times(20)):
        both = [program("serve", "all", data=f"data-{number}") for _ in range(AT_ONCE)]
        for one in both:
            one.launch()
        await asyncio.gather(*(one.answers() for one in both))
        for one in both:
            one.kill()
