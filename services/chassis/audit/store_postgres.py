"""The transparency log in the schema of the service's log, in tables that no append touches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from services.chassis.audit.store import Begun, Growth, Standing
from services.chassis.engines.postgres import Database
from services.chassis.engines.postgres_connections import Connections
from services.chassis.engines.store_health import StoreHealth
from services.chassis.transparency.tiles import Place, Tile

_NEWEST: Final = "(SELECT max(number) FROM audit_epochs)"
_EXTEND: Final = f"""
UPDATE audit_epochs SET size = %s, through = %s
WHERE number = %s AND signer = %s AND size = %s AND note = %s AND number = {_NEWEST} RETURNING true"""  # noqa: S608 - constants
_ENTRIES: Final = """
INSERT INTO audit_entries (epoch, number, position, event, entry)
SELECT %s, %s + n - 1, position, event, entry
FROM unnest(%s::bigint[], %s::text[], %s::bytea[]) WITH ORDINALITY AS given (position, event, entry, n)"""
_TILES: Final = """
INSERT INTO audit_tiles (epoch, level, number, hashes)
SELECT %s, level, number, hashes FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[]) AS given (level, number, hashes)
ON CONFLICT (epoch, level, number) DO UPDATE SET hashes = excluded.hashes"""
_READ_TILES: Final = f"""
SELECT kept.level, kept.number, kept.hashes
FROM unnest(%s::smallint[], %s::bigint[]) AS wanted (level, number)
JOIN audit_tiles AS kept ON kept.epoch = {_NEWEST} AND kept.level = wanted.level AND kept.number = wanted.number"""  # noqa: S608 - constants
# A process that is stopped within it must not keep others from going on.
_BRIEF: Final = "SET idle_in_transaction_session_timeout = '5s'"


class PostgresAuditStore:
    """An `AuditStore` in one schema. A checkpoint is durable before anybody reads it."""

    def __init__(self, database: Database, health: StoreHealth | None = None) -> None:
        self._connections = Connections(database, health or StoreHealth("audit"), _make_brief, most=2)

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async def rows(connection: AsyncConnection[Any]) -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, values)).fetchall()

        return await self._connections.repeat(rows)

    async def standing(self) -> Standing | None:
        """See `AuditStore.standing`."""
        rows = await self._rows(
            "SELECT number, origin, log_epoch, secret, signer, size, through, note FROM audit_epochs"
            " ORDER BY number DESC"
        )
        if not rows:
            return None
        return Standing(*(*rows[0], tuple(origin for _, origin, *_ in rows[1:])))

    async def begin(self, begun: Begun, *, after: int) -> bool:
        """See `AuditStore.begin`."""

        async def begin(connection: AsyncConnection[Any]) -> bool:
            async with connection.transaction():
                await connection.execute("LOCK TABLE audit_epochs IN EXCLUSIVE MODE")
                (newest,) = await (await connection.execute(f"SELECT coalesce({_NEWEST}, 0)")).fetchone() or (0,)
                if newest != after:
                    return False
                await connection.execute(
                    "INSERT INTO audit_epochs (number, origin, log_epoch, secret, reason) VALUES (%s,%s,%s,%s,%s)",
                    (after + 1, begun.origin, begun.log_epoch, begun.secret, begun.reason),
                )
                await connection.execute("INSERT INTO audit_keys (epoch, key) VALUES (%s,%s)", (after + 1, begun.key))
            return True

        return await self._connections.repeat(begin)

    async def take_over(self, epoch: int, signer: str) -> None:
        """See `AuditStore.take_over`."""
        await self._do("UPDATE audit_epochs SET signer = %s WHERE number = %s", signer, epoch)

    async def _do(self, statement: str, *values: object) -> None:
        async def do(connection: AsyncConnection[Any]) -> None:
            await connection.execute(statement, values)

        await self._connections.repeat(do)

    async def extend(self, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
        """See `AuditStore.extend`."""
        epoch, size = standing.epoch, standing.size + len(growth.entries)
        through = growth.entries[-1].position if growth.entries else standing.through
        was = (epoch, standing.signer, standing.size, standing.note)

        async def extend(connection: AsyncConnection[Any]) -> bool:
            async with connection.transaction():
                # Holds the row until the end: nobody else signs meanwhile. What was lost in a commit that was stored
                # all the same is found by nobody here; who asks again where the log stands sees it.
                if not await (await connection.execute(_EXTEND, (size, through, *was))).fetchone():
                    return False
                columns = [[added[n] for added in growth.entries] for n in range(3)]
                await connection.execute(_ENTRIES, (epoch, standing.size, *columns))
                places = [*growth.tiles]
                levels, numbers = [level for level, _ in places], [number for _, number in places]
                await connection.execute(_TILES, (epoch, levels, numbers, [*growth.tiles.values()]))
                # It waits for the disk, where what was signed last is remembered.
                note = await asyncio.to_thread(sign)
                await connection.execute("UPDATE audit_epochs SET note = %s WHERE number = %s", (note, epoch))
            return True

        return await self._connections.repeat(extend)

    async def tiles(self, tiles: Sequence[Tile]) -> dict[Place, bytes]:
        """See `AuditStore.tiles`."""
        rows = await self._rows(_READ_TILES, [tile.level for tile in tiles], [tile.number for tile in tiles])
        return {(level, number): hashes for level, number, hashes in rows}

    async def entries(self, first: int, count: int) -> list[bytes]:
        """See `AuditStore.entries`."""
        rows = await self._rows(
            f"SELECT entry FROM audit_entries WHERE epoch = {_NEWEST} AND number >= %s AND number < %s ORDER BY number",  # noqa: S608 - constants
            first,
            first + count,
        )
        return [entry for (entry,) in rows]

    async def cosigned(self) -> list[bytes]:
        """See `AuditStore.cosigned`."""
        rows = await self._rows(f"SELECT note FROM audit_cosigned WHERE epoch = {_NEWEST} ORDER BY size DESC")  # noqa: S608 - constants
        return [note for (note,) in rows]

    async def keep_cosigned(self, epoch: int, size: int, note: bytes, stay: Sequence[int]) -> None:
        """See `AuditStore.keep_cosigned`."""

        async def keep(connection: AsyncConnection[Any]) -> None:
            async with connection.transaction():
                await connection.execute(
                    "DELETE FROM audit_cosigned WHERE epoch = %s AND size <> ALL (%s::bigint[])", (epoch, [*stay, size])
                )
                await connection.execute(
                    "INSERT INTO audit_cosigned (epoch, size, note) VALUES (%s,%s,%s)"
                    " ON CONFLICT (epoch, size) DO UPDATE SET note = excluded.note",
                    (epoch, size, note),
                )

        await self._connections.repeat(keep)

    async def leaf_of(self, event: str) -> tuple[int, int] | None:
        """See `AuditStore.leaf_of`."""
        rows = await self._rows(
            f"SELECT number, position FROM audit_entries WHERE event = %s AND epoch = {_NEWEST}",  # noqa: S608 - constants
            event,
        )
        return (int(rows[0][0]), int(rows[0][1])) if rows else None

    async def keys(self, origin: str | None = None) -> list[str]:
        """See `AuditStore.keys`."""
        rows = await self._rows(
            "SELECT key FROM audit_keys AS held JOIN audit_epochs AS known ON known.number = held.epoch"
            " WHERE %s IN ('', origin) ORDER BY held.number DESC",
            origin or "",
        )
        return [key for (key,) in rows]

    async def add_key(self, key: str) -> None:
        """See `AuditStore.add_key`."""
        # Under the lock of nobody: a repeat after a lost connection would only add the same key once more.
        await self._do(
            f"INSERT INTO audit_keys (epoch, key) SELECT {_NEWEST}, %s::text"  # noqa: S608 - constants
            " WHERE NOT EXISTS (SELECT FROM audit_keys WHERE key = %s)",
            key,
            key,
        )

    async def close(self) -> None:
        """See `AuditStore.close`."""
        self._connections.close()


async def _make_brief(connection: AsyncConnection[Any]) -> None:
    await connection.execute(_BRIEF)
