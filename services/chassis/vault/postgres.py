"""The personal-data vault in a PostgreSQL schema of its own, whose name contains `vault`.

As in the SQLite vault every record is encrypted under a key of its own, and forgetting takes the key. PostgreSQL
leaves deleted rows in its files, so the table of the keys, which is small, is rewritten after some were taken. The
server's write-ahead log and backups keep the old bytes as long as they are kept (docs/decisions/0021-postgresql.md).
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from services.chassis.engines.group_commit import AwaitedGroupCommit
from services.chassis.engines.postgres import (
    PROBE_ROOM,
    Database,
    RefusedDatabase,
    connect,
    is_lost,
    persist,
    probed,
    refused_database,
)
from services.chassis.engines.store_health import StoreHealth
from services.chassis.vault.sealing import Sealed
from services.chassis.vault.vault import ORPHAN_AFTER_SECONDS, SWEPT_AT_ONCE, AlreadyKept, StillInTheLog

_KEEP: Final = """
WITH numbered AS (
  SELECT n, ref, stream, key, record, nextval(pg_get_serial_sequence('keys', 'slot')) AS slot
  FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::bytea[]) WITH ORDINALITY AS u (ref, stream, key, record, n)
), kept AS (
  INSERT INTO records (ref, stream, kept_at, slot, record)
    SELECT ref, stream, %b::float8, slot, record FROM numbered ORDER BY ref, n
  ON CONFLICT (ref) DO NOTHING
  RETURNING slot
), fresh AS (
  INSERT INTO keys (slot, key) OVERRIDING SYSTEM VALUE SELECT slot, key FROM numbered JOIN kept USING (slot)
)
SELECT n FROM numbered JOIN kept USING (slot)
"""
_EMPTY: Final = """
WITH gone AS (
  UPDATE records SET record = '', settled = true WHERE {} AND record <> '' RETURNING slot
), shredded AS (
  DELETE FROM keys WHERE slot IN (SELECT slot FROM gone)
)
SELECT count(*) FROM gone"""
_PROBE: Final = """
INSERT INTO records (ref, stream, kept_at, settled, slot, record) VALUES ('probe', 'probe', 0, true, -1, %b)"""
_OF_STREAM: Final = _EMPTY.format("stream = %b")
_ORPHAN: Final = _EMPTY.format("ref = %b AND NOT settled")


class PostgresVault:
    """A `Vault` in one schema, which may be used by several processes at once."""

    def __init__(
        self, database: Database, now: Callable[[], float] = time.time, health: StoreHealth | None = None
    ) -> None:
        self._health = health or StoreHealth("vault")
        probed(database, self._health, _PROBE, lambda: (secrets.token_bytes(PROBE_ROOM),))
        self._database = database
        self._now = now
        self._fingerprint_key = self._own_secret()
        self._connection: AsyncConnection[Any] | None = None
        self._connecting = asyncio.Lock()
        self._writer: AwaitedGroupCommit[Sealed, None] = AwaitedGroupCommit(self._commit)
        self._reader: AwaitedGroupCommit[str, dict[str, Any] | None] = AwaitedGroupCommit(self._read)
        self._rewrite_due = False

    @property
    def place(self) -> Database:
        """See `Vault.place`."""
        return self._database

    def _own_secret(self) -> bytes:
        drawn = secrets.token_bytes(32)
        try:
            with psycopg.connect(self._database.conninfo, autocommit=True) as connection:
                connection.execute("INSERT INTO secrets VALUES ('fingerprint', %s) ON CONFLICT DO NOTHING", (drawn,))
                row = connection.execute("SELECT secret FROM secrets WHERE name = 'fingerprint'").fetchone()
        except psycopg.Error as failure:
            raise refused_database(failure, "the vault in the database") from None
        if row is None:
            raise RefusedDatabase("the vault in the database of CASERELAY_DATABASE_URL cannot be written")
        return bytes(row[0])

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        # Every statement here may be repeated: a record that is kept already stays as it is.
        async def run() -> list[tuple[Any, ...]]:
            async with self._connecting:
                if self._connection is None or self._connection.closed:
                    self._connection = await connect(self._database)
                connection = self._connection
            try:
                async with connection.cursor(binary=True) as cursor:
                    await cursor.execute(statement, values)
                    return await cursor.fetchall() if cursor.description is not None else []
            except psycopg.Error as failure:
                if is_lost(failure):
                    await connection.close()
                raise

        return await persist(run, health=self._health)

    async def _commit(self, batch: Sequence[Sealed]) -> list[Exception | None]:
        refs, streams, keys, records = (list(column) for column in zip(*batch, strict=True))
        kept = {n for (n,) in await self._rows(_KEEP, refs, streams, keys, records, self._now())}
        results: list[Exception | None] = [None if n in kept else AlreadyKept(ref) for n, ref in enumerate(refs, 1)]
        if any(results):
            # Where the answer to a commit was lost, the statement came a second time: what is there is our own.
            there = dict(await self._rows("SELECT ref, record FROM records WHERE ref = ANY(%b)", refs))
            for n, sealed in enumerate(batch):
                if there.get(sealed.ref) == sealed.record:
                    results[n] = None
        return results

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """See `Vault.keep`."""
        await self._writer.submit(Sealed.of(ref, stream, record))

    async def read(self, ref: str) -> dict[str, Any] | None:
        """See `Vault.read`."""
        return await self._reader.submit(ref)

    async def _read(self, refs: Sequence[str]) -> list[dict[str, Any] | Exception | None]:
        rows = await self._rows("SELECT ref, key, record FROM records JOIN keys USING (slot) WHERE ref = ANY(%b)", refs)
        found = {ref: Sealed.opened(ref, key, record) for ref, key, record in rows}
        return [found.get(ref) for ref in refs]

    async def forget(self, stream: str) -> int:
        """See `Vault.forget`."""
        ((deleted,),) = await self._rows(_OF_STREAM, stream)
        self._rewrite_due = True
        await self._rewrite_keys()
        return int(deleted)

    async def _rewrite_keys(self) -> None:
        # Into new files; the old ones are removed with what deleted rows have left in them. On a connection of its
        # own: it waits for readers of the table, and for nothing else.
        async with await connect(self._database) as connection:
            await connection.execute("SET lock_timeout = '2s'")
            try:
                await connection.execute("VACUUM (FULL) keys")
            except psycopg.errors.LockNotAvailable:
                raise StillInTheLog from None
        self._rewrite_due = False

    def fingerprint(self, body: bytes) -> str:
        """See `Vault.fingerprint`."""
        return hmac.digest(self._fingerprint_key, body, "sha256").hex()

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """See `Vault.sweep`."""
        before, swept = self._now() - ORPHAN_AFTER_SECONDS, 0
        while old := await self._rows(
            "SELECT ref, stream FROM records WHERE NOT settled AND kept_at < %b LIMIT %b", before, SWEPT_AT_ONCE
        ):
            settled = list[str]()
            for ref, stream in old:
                if await refers(stream, ref):
                    settled.append(ref)
                else:
                    ((gone,),) = await self._rows(_ORPHAN, ref)
                    swept += gone
            # Almost all are, and each commit syncs.
            await self._rows("UPDATE records SET settled = true WHERE ref = ANY(%b)", settled)
        if swept or self._rewrite_due:
            self._rewrite_due = True
            await self._rewrite_keys()
        return swept

    async def close(self) -> None:
        """See `Vault.close`."""
        await self._writer.drain()
        await self._reader.drain()
        if self._connection is not None:
            await self._connection.close()
