"""How far a PostgreSQL log has come: announced by NOTIFY, and polled from time to time in case that fails."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import sql

from services.chassis.engines.postgres import FIRST_PAUSE, LONGEST_PAUSE, Database, connect

POLL_SECONDS = 0.5


class PostgresWakeup:
    """One per log and process. Listens on its own connection while there are waiters; opens it again when lost.

    `look` asks the database for the last position. That is needed before the first announcement, after the listener
    was away, and from time to time; otherwise the announcements say whether there is anything to read.
    """

    def __init__(self, database: Database, look: Callable[[], Awaitable[int]]) -> None:
        self._database = database
        self._look = look
        self._head = 0
        self._looked = False
        self._forgotten = 0
        self._listening = False
        self._waiters: set[asyncio.Future[None]] = set()
        self._listener: asyncio.Task[None] | None = None
        self._closed = False

    def reached(self, head: int) -> None:
        """The log has been appended to up to `head`: wakes those who wait for that."""
        if head > self._head:
            self._head = head
            self._wake()

    def forget(self) -> None:
        """The database may be another one, without the newest events of the last: every waiter looks again."""
        self._head = 0
        self._looked = False
        self._forgotten += 1
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, after: int, timeout: float) -> bool:
        """Returns when the head may be beyond `after`, or after `timeout` seconds of the machine's clock.

        Returns whether it had to wait; a look does not count as a wait.
        """
        until, waited = time.monotonic() + timeout, False
        while not self._closed and self._head <= after:
            # Before the look, so that an announcement between the look and the wait is not missed.
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            if self._listener is None:
                self._listener = asyncio.create_task(self._listen())
            try:
                if not self._looked:
                    await self._look_again()
                left = until - time.monotonic()
                if self._head > after or left <= 0:
                    break
                waited = True
                try:
                    async with asyncio.timeout(min(left, POLL_SECONDS)):
                        await waiter
                except TimeoutError:
                    self._looked = False
            finally:
                self._waiters.discard(waiter)
        return waited

    async def _look_again(self) -> None:
        # Only a look that began while listening makes further looks unnecessary; others need not look meanwhile.
        self._looked, forgotten = self._listening, self._forgotten
        try:
            head = await self._look()
        except BaseException:
            self._looked = False
            raise
        if forgotten == self._forgotten:
            self.reached(head)

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            with contextlib.suppress(psycopg.Error):
                async with await connect(self._database) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._database.schema)))
                    # Announcements before this moment were missed.
                    self._listening = True
                    self.forget()
                    pause = FIRST_PAUSE
                    async for announced in connection.notifies():
                        if announced.payload.isdigit():
                            self.reached(int(announced.payload))
                        else:
                            # Announced by the function of before migration 0003, or by hand.
                            self._looked = False
                            self._wake()
            self._listening = self._looked = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def close(self) -> None:
        """Wakes all waiters and closes the connection."""
        self._closed = True
        self._wake()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
