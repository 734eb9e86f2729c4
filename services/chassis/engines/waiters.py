"""The waiters of this process for something to be stored."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from services.chassis.engines.store_health import Unavailable


def _nothing() -> None:
    """For a source that need not know that there are waiters."""


class Waiters:
    """`wake` lets every waiter look, `stored` only those who find something; `waiting` is called before each wait."""

    def __init__(self, waiting: Callable[[], None] = _nothing) -> None:
        self._waiting = waiting
        self._waiters: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def wake(self) -> None:
        """All look for themselves, also for what keeps them from looking."""
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters:
            _look(waiter)

    def stored(self) -> None:
        """Something was stored: wakes those for whom there is something, so that one topic's news are no other's."""
        for waiter, ready in tuple(self._waiters.items()):
            try:
                found = ready()
            except Unavailable:
                # It looks for itself and gets the error there.
                found = True
            if found:
                self._waiters.pop(waiter, None)
                _look(waiter)

    async def wait(self, ready: Callable[[], bool], timeout: float) -> None:
        """Returns when `ready()` holds after a wake, or after `timeout` seconds of the machine's clock."""
        until = time.monotonic() + timeout
        while not ready() and (left := until - time.monotonic()) > 0:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters[waiter] = ready
            self._waiting()
            try:
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the result.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await waiter
            finally:
                self._waiters.pop(waiter, None)


def _look(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
