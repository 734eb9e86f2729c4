"""Connections for short statements of one store: none of them waits for a server any longer than it is worth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection

from services.chassis.engines.postgres import Database, Prepare, connect, is_lost, persist
from services.chassis.engines.store_health import NO_ANSWER, StoreHealth, Unavailable

T = TypeVar("T")

ANSWER_SECONDS: Final = 3.0
"""How long a statement is tried on a database that is away or silent, before its store counts as unavailable."""


class Connections:
    """Up to `most` connections, opened when there is work for them and again when they were lost.

    Work has a connection to itself until it ends. Who asks for one waits without holding up the event loop.
    """

    def __init__(self, database: Database, health: StoreHealth, also: Prepare | None = None, *, most: int = 1) -> None:
        self._database = database
        self._health = health
        self._also = also
        self._room = asyncio.Semaphore(most)
        self._idle: list[AsyncConnection[Any]] = []
        self._away_at, self._away = float("-inf"), NO_ANSWER
        self._closed = False

    async def repeat(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        """Does work that may be done twice, again while the connection is lost. Raises Unavailable in the end.

        That is after ANSWER_SECONDS. The time in which others have all connections does not count: they are no sign of
        a server that hangs. Where it does hang, those who wait behind them hear of it with them.
        """
        since = time.monotonic()
        async with self._room:
            if self._away_at >= since:
                raise self._health.failed(self._away)
            try:
                return await persist(lambda: self._try(work), ANSWER_SECONDS, health=self._health)
            except Unavailable as failure:
                lost = isinstance(failure.__cause__, psycopg.Error) and is_lost(failure.__cause__)
                if lost or failure.code == NO_ANSWER:
                    self._away_at, self._away = time.monotonic(), failure.code
                raise

    async def _try(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        connection = await self._take()
        working = asyncio.ensure_future(work(connection))
        try:
            done = await asyncio.shield(working)
        except asyncio.CancelledError:
            # The driver asks a server that hangs to stop, and waits for that in its turn: nobody waits with it.
            working.add_done_callback(partial(_let_go, connection))
            working.cancel()
            raise
        except psycopg.Error as failure:
            if is_lost(failure):
                connection.pgconn.finish()
                # What one has found out of the server goes for those that were opened before.
                self._finish_idle()
            self._give_back(connection)
            raise
        except BaseException:
            # Nobody knows what comes next on it: the answer, perhaps.
            connection.pgconn.finish()
            raise
        self._give_back(connection)
        return done

    async def _take(self) -> AsyncConnection[Any]:
        while self._idle:
            if not (connection := self._idle.pop()).closed:
                return connection
        return await connect(self._database, self._also)

    def _give_back(self, connection: AsyncConnection[Any]) -> None:
        if self._closed:
            connection.pgconn.finish()
        elif not connection.closed:
            self._idle.append(connection)

    def _finish_idle(self) -> None:
        for connection in self._idle:
            connection.pgconn.finish()
        self._idle.clear()

    def close(self) -> None:
        """Closes all that nobody works with; each other one when its work ends."""
        self._closed = True
        self._finish_idle()


def _let_go(connection: AsyncConnection[Any], working: asyncio.Future[Any]) -> None:
    if not working.cancelled():
        # Looked at, so that nobody reports it as overlooked: the connection is given up whatever it was.
        working.exception()
    connection.pgconn.finish()
