"""Tells readers of a PostgreSQL log that somebody appended: by NOTIFY, and by looking now and then where that fails."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import sql

from services.chassis.postgres import FIRST_PAUSE, LONGEST_PAUSE, Database, connect

POLL_SECONDS = 0.5


class PostgresWakeup:
    """One per log and process. Listens on a connection of its own while somebody waits; opens it again when lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: set[asyncio.Future[None]] = set()
        self._listener: asyncio.Task[None] | None = None
        self._closed = False

    def notify(self) -> None:
        """Wakes every waiter of this process."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, ready: Callable[[], Awaitable[bool]], timeout: float) -> None:
        """Returns when `ready()` holds, or after `timeout` seconds of the machine's clock."""
        until = time.monotonic() + timeout
        while not self._closed:
            # Before the look: what is announced between it and the wait is then not missed.
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            if self._listener is None:
                self._listener = asyncio.create_task(self._listen())
            try:
                if await ready() or (left := until - time.monotonic()) <= 0:
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, POLL_SECONDS)):
                        await waiter
            finally:
                self._waiters.discard(waiter)

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            with contextlib.suppress(psycopg.Error):
                async with await connect(self._database) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._database.schema)))
                    # What was announced before this moment went unheard.
                    self.notify()
                    pause = FIRST_PAUSE
                    async for _ in connection.notifies():
                        self.notify()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def close(self) -> None:
        """Wakes all waiters and closes the connection."""
        self._closed = True
        self.notify()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
