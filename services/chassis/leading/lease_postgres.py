"""The lease in the schema of the service's log. Its times are the server's, so replicas need no clocks in step."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from services.chassis.engines.postgres import Database, as_a_log, connect, is_lost, raise_unusable
from services.chassis.engines.store_health import StoreHealth

# Free for others when it has run out, and at once when the connection that took it is gone.
_CLAIM: Final = """
WITH own AS (SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
INSERT INTO leader AS held (holder, backend, backend_start, until)
SELECT %(holder)s, own.pid, own.backend_start, clock_timestamp() + make_interval(secs => %(seconds)s) FROM own
ON CONFLICT (one) DO UPDATE
SET holder = excluded.holder, backend = excluded.backend, backend_start = excluded.backend_start, until = excluded.until
WHERE held.holder = excluded.holder
  OR held.until < clock_timestamp()
  OR NOT EXISTS (
    SELECT FROM pg_stat_activity AS other WHERE other.pid = held.backend AND other.backend_start = held.backend_start
  )
RETURNING true"""


class PostgresLease:
    """A `Lease` in one schema, on a connection of its own."""

    def __init__(self, database: Database, health: StoreHealth | None = None) -> None:
        self._health = health or StoreHealth("lease")
        as_a_log(database, self._health)
        self._database = database
        self._connection: AsyncConnection[Any] | None = None

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._database)
            # After a crash a new leader is found.
            await self._connection.execute("SET synchronous_commit = off")
        return self._connection

    async def claim(self, holder: str, seconds: float) -> bool:
        """See `Lease.claim`."""
        try:
            return await self._claim(holder, seconds)
        except psycopg.Error as failure:
            if not is_lost(failure):
                raise_unusable(failure, self._health)
                raise
        try:
            # Once more: perhaps only the connection failed.
            return await self._claim(holder, seconds)
        except psycopg.Error as failure:
            raise_unusable(failure, self._health)
            raise

    async def _claim(self, holder: str, seconds: float) -> bool:
        try:
            connection = await self._connected()
            cursor = await connection.execute(_CLAIM, {"holder": holder, "seconds": seconds})
            return await cursor.fetchone() is not None
        except BaseException:
            # Also when the caller has timed out: a late reply must not be taken for the next answer.
            await self.close()
            raise

    async def release(self, holder: str) -> None:
        """See `Lease.release`."""
        with contextlib.suppress(psycopg.Error):
            await (await self._connected()).execute("DELETE FROM leader WHERE holder = %s", (holder,))

    async def close(self) -> None:
        """See `Lease.close`."""
        if self._connection is not None:
            await self._connection.close()
        self._connection = None
