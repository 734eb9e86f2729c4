"""One process of a service leads: it publishes the log, fills the index, fires deadlines, and tries parked messages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Awaitable, Callable

from services.chassis.leading.lease import Lease

LEASE_SECONDS = 3.0
"""How long a leader that hangs delays the others."""
RENEW_SECONDS = 0.5
IDLE_SECONDS = 2.0
"""How long a round lasts in a process that does not lead: it is woken at once when it becomes the leader."""


class Leadership:
    """Whether this process leads. `gained` is called each time it becomes the leader, before any work is done."""

    def __init__(self, lease: Lease, seconds: float = LEASE_SECONDS) -> None:
        """`seconds`: how long each lease lasts."""
        self._seconds = seconds
        self._lease = lease
        self._holder = f"{os.getpid()}-{uuid.uuid4()}"
        self._until = 0.0
        self._leads = asyncio.Event()
        self.gained: list[Callable[[], None]] = []

    @property
    def leading(self) -> bool:
        """Whether the lease is held. A process that was suspended finds out here that its lease has expired."""
        return time.monotonic() < self._until

    async def seek(self) -> None:
        """Takes or renews the lease if it is free."""
        before = self.leading
        # Counted from before the request: the answer may have taken long.
        requested_at = time.monotonic()
        async with asyncio.timeout(self._seconds):
            held = await self._lease.claim(self._holder, self._seconds)
        self._until = requested_at + self._seconds if held else 0.0
        if held and not before:
            for tell in self.gained:
                tell()
        (self._leads.set if held else self._leads.clear)()

    async def round(self) -> None:
        """Tries to get the lease, then rests until it is time to renew it."""
        try:
            await self.seek()
        finally:
            await asyncio.sleep(RENEW_SECONDS)

    def led(self, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """`work` as a round that runs while this process leads, and otherwise waits to lead."""

        async def round_of_a_leader() -> None:
            if self.leading:
                await work()
                return
            if self._leads.is_set():
                # The lease ran out before it could be renewed.
                self._leads.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._leads.wait()

        return round_of_a_leader

    async def close(self) -> None:
        """Releases the lease, so that another process can continue at once."""
        self._until = 0.0
        # If the store does not answer now, the lease expires by itself.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._lease.release(self._holder)
        await self._lease.close()
