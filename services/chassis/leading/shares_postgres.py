"""Shares in the schema of the service's log. Their times are the server's, so replicas need no clocks in step."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection

from services.chassis.engines.postgres import Database, as_a_log, connect, is_lost, raise_unusable
from services.chassis.engines.store_health import StoreHealth
from services.chassis.leading.shares import Claimed, fair_part

T = TypeVar("T")

# One after the other: two that count the members at once would both take more than is fair.
_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtext('caserelay shares'), 'share'::regclass::oid::bigint::integer)"
_ENTER: Final = """
INSERT INTO member (holder, backend, backend_start, until)
SELECT %(holder)s, pid, backend_start, clock_timestamp() + make_interval(secs => %(seconds)s)
FROM pg_stat_activity WHERE pid = pg_backend_pid()
ON CONFLICT (holder) DO UPDATE
SET backend = excluded.backend, backend_start = excluded.backend_start, until = excluded.until"""
# Gone when the time has run out, and at once when the connection that renewed it is gone.
_DROP_THE_GONE: Final = """
DELETE FROM member AS gone WHERE gone.until < clock_timestamp() OR NOT EXISTS (
  SELECT FROM pg_stat_activity AS other WHERE other.pid = gone.backend AND other.backend_start = gone.backend_start
)"""
_TAKE: Final = """
INSERT INTO share (part, holder)
SELECT free.n, %(holder)s FROM generate_series(0, %(parts)s - 1) AS free (n)
WHERE NOT EXISTS (SELECT FROM share WHERE share.part = free.n) ORDER BY free.n LIMIT %(most)s"""
_MINE: Final = "SELECT part FROM share WHERE holder = %(holder)s AND part < %(parts)s"


class PostgresShares:
    """`Shares` in one schema, on a connection of their own."""

    def __init__(self, database: Database, health: StoreHealth | None = None) -> None:
        self._health = health or StoreHealth("shares")
        as_a_log(database, self._health)
        self._database = database
        self._connection: AsyncConnection[Any] | None = None

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._database)
            # After a crash they are claimed again.
            await self._connection.execute("SET synchronous_commit = off")
        return self._connection

    async def claim(self, holder: str, parts: int, seconds: float) -> Claimed:
        """See `Shares.claim`."""
        return await self._persist(lambda: self._claim(holder, parts, seconds))

    async def _claim(self, holder: str, parts: int, seconds: float) -> Claimed:
        connection = await self._connected()
        who = {"holder": holder, "parts": parts, "seconds": seconds}
        async with connection.transaction():
            await connection.execute(_ALONE)
            await connection.execute(_ENTER, who)
            await connection.execute(_DROP_THE_GONE)
            (members,) = await (await connection.execute("SELECT count(*) FROM member")).fetchone() or (1,)
            mine = [part for (part,) in await (await connection.execute(_MINE, who)).fetchall()]
            fair = fair_part(parts, members)
            if len(mine) < fair:
                await connection.execute(_TAKE, {**who, "most": fair - len(mine)})
                mine = [part for (part,) in await (await connection.execute(_MINE, who)).fetchall()]
        return Claimed(frozenset(mine), fair)

    async def give_back(self, holder: str, part: int) -> None:
        """See `Shares.give_back`."""

        async def give() -> None:
            connection = await self._connected()
            await connection.execute("DELETE FROM share WHERE holder = %s AND part = %s", (holder, part))

        await self._persist(give)

    async def leave(self, holder: str) -> None:
        """See `Shares.leave`."""
        with contextlib.suppress(psycopg.Error):
            await (await self._connected()).execute("DELETE FROM member WHERE holder = %s", (holder,))

    async def _persist(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._once(work)
        except psycopg.Error as failure:
            if not is_lost(failure):
                raise_unusable(failure, self._health)
                raise
        try:
            # Once more: perhaps only the connection failed.
            return await self._once(work)
        except psycopg.Error as failure:
            raise_unusable(failure, self._health)
            raise

    async def _once(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        except BaseException:
            # Also when the caller has timed out: a late reply must not be taken for the next answer.
            await self.close()
            raise

    async def close(self) -> None:
        """See `Shares.close`."""
        if self._connection is not None:
            await self._connection.close()
        self._connection = None
