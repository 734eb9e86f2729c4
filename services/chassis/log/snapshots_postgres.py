"""Snapshots in PostgreSQL, in the schema of what can be made again, in a table that is made with the first of them."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from services.chassis.engines.postgres import Database, make_undemanding
from services.chassis.engines.postgres_connections import Connections
from services.chassis.engines.store_health import StoreHealth
from services.chassis.log.snapshots import Snapshot

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('caserelay snapshots ' || current_schema()))"
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS snapshots (
  originator_id text COLLATE "C", topic text COLLATE "C", made_by text NOT NULL, originator_version bigint NOT NULL,
  state bytea NOT NULL, PRIMARY KEY (originator_id, topic))"""
_LATEST: Final = "SELECT made_by, originator_version, state FROM snapshots WHERE originator_id = %b AND topic = %b"
_KEEP: Final = """
INSERT INTO snapshots AS kept (originator_id, topic, made_by, originator_version, state) VALUES (%b, %b, %b, %b, %b)
  ON CONFLICT (originator_id, topic) DO UPDATE
  SET made_by = excluded.made_by, originator_version = excluded.originator_version, state = excluded.state
  WHERE kept.made_by <> excluded.made_by OR kept.originator_version < excluded.originator_version"""


class PostgresSnapshots:
    """A `SnapshotStore` in one schema, which several processes may share."""

    def __init__(self, database: Database) -> None:
        self._connections = Connections(database, StoreHealth("snapshots"), make_undemanding)

    async def latest(self, stream: str, topic: str) -> Snapshot | None:
        """See `SnapshotStore.latest`."""

        async def ask(connection: AsyncConnection[Any]) -> tuple[str, int, bytes] | None:
            async with connection.cursor(binary=True) as cursor:
                await cursor.execute(_LATEST, (stream, topic))
                return await cursor.fetchone()

        try:
            row = await self._connections.repeat(ask)
        except psycopg.errors.UndefinedTable:
            return None
        return Snapshot(stream, topic, *row) if row is not None else None

    async def keep(self, snapshot: Snapshot) -> None:
        """See `SnapshotStore.keep`."""
        try:
            await self._connections.repeat(lambda connection: _keep(connection, snapshot))
        except psycopg.errors.UndefinedTable:
            await self._connections.repeat(_create)
            await self._connections.repeat(lambda connection: _keep(connection, snapshot))

    async def close(self) -> None:
        """See `SnapshotStore.close`."""
        self._connections.close()


async def _keep(connection: AsyncConnection[Any], snapshot: Snapshot) -> None:
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_KEEP, snapshot)


async def _create(connection: AsyncConnection[Any]) -> None:
    async with connection.transaction():
        # Processes start together, and CREATE IF NOT EXISTS is no protection against that.
        await connection.execute(_LOCK)
        await connection.execute(_TABLE)
