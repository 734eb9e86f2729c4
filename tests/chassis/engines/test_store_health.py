"""A store that is back is noticed once, and what had failed by it goes on at once."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from services.chassis.engines.store_health import StoreHealth
from tests.chassis.counting import running
from tests.chassis.engines.test_unavailable_stores import not_writable


async def test_of_several_that_look_after_a_shared_store_one_says_what_it_finds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Three services of a process share the bus: that it failed and that it is back are two lines, not four."""
    health, asked = StoreHealth("bus"), 0

    async def probe() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    health.probe = probe
    caplog.set_level(logging.WARNING)
    health.failed("SQLITE_FULL")
    await asyncio.gather(*(health.look() for _ in range(3)))
    assert health.failing is None
    assert asked == 1
    assert [one.getMessage() for one in caplog.records] == ["a store cannot be used", "a store can be used again"]


async def test_after_a_long_outage_the_work_goes_on_as_soon_as_the_store_is_back(tmp_path: Path) -> None:
    """A process that says it is ready and leads nothing shows people lists without what they have just sent."""
    async with running(tmp_path, first_pause=8.0) as here:
        lease: Any = here.service.leadership._lease
        with not_writable(lease):
            async with asyncio.timeout(5):
                while not (  # noqa: ASYNC110 - the service has no event for it
                    here.service.unavailable() and "counters leadership" in here.service.failing()
                ):
                    await asyncio.sleep(0.02)
        came_back = time.monotonic()
        async with asyncio.timeout(20):
            while (  # noqa: ASYNC110 - nor for this
                here.service.unavailable() or here.service.failing() or not here.service.leadership.leading
            ):
                await asyncio.sleep(0.02)
        assert time.monotonic() - came_back < 3
