"""Who waits is woken for what it waits for, and for nothing else."""

from __future__ import annotations

import asyncio

from services.chassis.engines.store_health import StoreHealth, Unavailable
from services.chassis.engines.waiters import Waiters

LONG = 30.0


class Waiting:
    """Somebody who waits for a number, and how often it began to."""

    def __init__(self, wanted: int) -> None:
        self.at = 0
        self.fails = False
        self.began = 0
        self._wanted = wanted
        self.waiters = Waiters(self._begins)

    def _begins(self) -> None:
        self.began += 1

    def ready(self) -> bool:
        """Whether the number is reached, unless the store fails."""
        if self.fails:
            raise StoreHealth("log").failed("BROKEN")
        return self.at >= self._wanted


async def test_news_for_others_wake_nobody() -> None:
    """Of a hundred commits that are not for it, who waits notices nothing; the one that is wakes it."""
    one = Waiting(wanted=1)
    waits = asyncio.create_task(one.waiters.wait(one.ready, LONG))
    for _ in range(100):
        await asyncio.sleep(0)
        one.waiters.stored()
    assert (one.began, waits.done()) == (1, False)
    one.at = 1
    one.waiters.stored()
    async with asyncio.timeout(5):
        await waits
    assert one.began == 1


async def test_a_store_that_fails_is_an_error_for_who_waits_and_not_for_who_writes() -> None:
    """Looking on behalf of others, the writer hears nothing of their failure; they hear of it themselves."""
    one = Waiting(wanted=1)
    waits = asyncio.create_task(one.waiters.wait(one.ready, LONG))
    await asyncio.sleep(0)
    one.fails = True
    one.waiters.stored()
    async with asyncio.timeout(5):
        (failure,) = await asyncio.gather(waits, return_exceptions=True)
    assert isinstance(failure, Unavailable)
