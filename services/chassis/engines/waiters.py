"""The waiters of this process for something to be stored."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable


def _nothing() -> None:
    """For a source that need not know that there are waiters."""


class Waiters:
    """`wake` lets every waiter look; `waiting` is called before each wait."""

    def __init__(self, waiting: Callable[[], None] = _nothing) -> None:
        self._waiting = waiting
        self._waiters: set[asyncio.Future[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def wake(self) -> None:
        """Something was stored."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, ready: Callable[[], bool], timeout: float) -> None:
        """Returns when `ready()` holds after a wake, or after `timeout` seconds of the machine's clock."""
        until = time.monotonic() + timeout
        while not ready() and (left := until - time.monotonic()) > 0:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            self._waiting()
            try:
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the result.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await waiter
            finally:
                self._waiters.discard(waiter)
