"""Tells readers of an SQLite file that somebody committed: at once inside the process, within milliseconds outside."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from services.chassis.sqlite_connection import open_store
from services.chassis.store_health import StoreHealth, Unavailable

POLL_SECONDS = 0.005


class SQLiteWakeup:
    """One per file and process. `notify` wakes the waiters of this process; commits of others are seen by polling.

    PRAGMA data_version changes when another connection has committed, and costs about two microseconds to ask.
    One poller serves all waiters, and runs only while somebody waits.
    """

    def __init__(self, path: Path, health: StoreHealth | None = None) -> None:
        self._probe = open_store(path, health or StoreHealth("file"))
        self._waiters: set[asyncio.Future[None]] = set()
        self._poller: asyncio.Task[None] | None = None

    def notify(self) -> None:
        """Wakes every waiter of this process."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, ready: Callable[[], bool], timeout: float) -> None:
        """Returns when `ready()` holds after a commit, or after `timeout` seconds of the machine's clock."""
        until = time.monotonic() + timeout
        while not ready() and (left := until - time.monotonic()) > 0:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            if self._poller is None or self._poller.done():
                self._poller = asyncio.create_task(self._poll())
            try:
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the result.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await waiter
            finally:
                self._waiters.discard(waiter)

    async def _poll(self) -> None:
        seen = None
        while self._waiters:
            try:
                (version,) = self._probe.execute("PRAGMA data_version").fetchone()
            except Unavailable:
                # Those who wait look for themselves, and meet it there.
                self.notify()
                return
            # The first look notifies too: a commit may have come between the waiter's look and this one.
            if version != seen:
                seen = version
                self.notify()
            await asyncio.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Wakes all waiters and closes the probe."""
        if self._poller is not None:
            self._poller.cancel()
        self.notify()
        self._probe.close()
