"""Tells readers of an SQLite file about commits at once: within the process, and by a bell in other processes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from services.chassis.engines.bell import Bell
from services.chassis.engines.sqlite_connection import open_store
from services.chassis.engines.store_health import StoreHealth, Unavailable
from services.chassis.engines.waiters import Waiters

LOOK_SECONDS: Final = 0.5
"""How often it looks without a ring: a process may die between its commit and its ring."""
POLL_SECONDS: Final = 0.005
"""How often it looks where no bell can be heard, and at most how often where one rings all the time."""
MISSED: Final = 4
"""After this many commits in a row without a ring it does not rely on bells for a while."""
DISTRUST_SECONDS: Final = 60.0


class SQLiteWakeup:
    """One per file and process. `notify` wakes the waiters of this process and rings at the others.

    PRAGMA data_version changes when another connection has committed, and costs about two microseconds to ask. It is
    asked when the bell rings, and twice a second. One task looks for all waiters, and runs only while somebody waits.
    """

    def __init__(self, path: Path, health: StoreHealth | None = None, look_seconds: float = LOOK_SECONDS) -> None:
        self.look_seconds = look_seconds
        self._probe = open_store(path, health or StoreHealth("file"))
        self._bell = Bell(path)
        self._waiters = Waiters(self._look_out)
        self._follower: asyncio.Task[None] | None = None
        self._notified = False
        self._missed = 0
        self._distrusted_until = 0.0

    def notify(self) -> None:
        """This process has committed: wakes anyone who waits here or elsewhere."""
        self._notified = True
        self._waiters.stored()
        self._bell.ring()

    async def wait(self, ready: Callable[[], bool], timeout: float) -> None:
        """Returns when `ready()` holds after a commit, or after `timeout` seconds of the machine's clock."""
        await self._waiters.wait(ready, timeout)

    def _look_out(self) -> None:
        if self._follower is None or self._follower.done():
            self._follower = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        seen: int | None = None
        rung = asyncio.Event()
        hangs, hung_at = False, 0.0
        try:
            while self._waiters:
                # Before the look: a process that commits after it rings.
                if (now := time.monotonic()) >= hung_at + self.look_seconds:
                    hangs, hung_at = self._bell.listen(rung.set), now
                hears = hangs and now >= self._distrusted_until
                try:
                    (version,) = self._probe.execute("PRAGMA data_version").fetchone()
                except Unavailable:
                    # The waiters look for themselves and get the error there.
                    self._waiters.wake()
                    return
                # The first look wakes too: a commit may have come between the waiter's look and this one.
                if version != seen:
                    if seen is not None and hears:
                        self._compare(notified=rung.is_set() or self._notified)
                    seen = version
                    self._waiters.stored()
                rung.clear()
                self._notified = False
                await (self._until_rung(rung) if hears else asyncio.sleep(POLL_SECONDS))
        finally:
            self._bell.deafen()

    async def _until_rung(self, rung: asyncio.Event) -> None:
        looked = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.look_seconds):
                await rung.wait()
        # Commits in close succession are handled together.
        if (left := looked + POLL_SECONDS - time.monotonic()) > 0:
            await asyncio.sleep(left)

    def _compare(self, *, notified: bool) -> None:
        """Counts commits that rang no bell: one commit may be seen before its bell is heard, but not every commit."""
        self._missed = 0 if notified else self._missed + 1
        if self._missed >= MISSED:
            self._missed = 0
            self._distrusted_until = time.monotonic() + DISTRUST_SECONDS

    def close(self) -> None:
        """Wakes all waiters and closes the probe."""
        if self._follower is not None:
            self._follower.cancel()
        self._waiters.wake()
        self._bell.close()
        self._probe.close()
