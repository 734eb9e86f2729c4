"""The transparency log in an SQLite file of its own, so that appends to the event log never wait for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from services.chassis.audit.store import Begun, Growth, Standing
from services.chassis.engines.sqlite_connection import as_text, open_kept
from services.chassis.engines.store_health import StoreHealth
from services.chassis.engines.turns import in_turn
from services.chassis.transparency.tiles import Place, Tile

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS epochs (
  number INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, log_epoch TEXT NOT NULL, secret BLOB NOT NULL,
  reason TEXT NOT NULL, signer TEXT NOT NULL DEFAULT '', size INTEGER NOT NULL DEFAULT 0,
  through INTEGER NOT NULL DEFAULT 0, note BLOB NOT NULL DEFAULT x'');
CREATE TABLE IF NOT EXISTS keys (
  number INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL REFERENCES epochs, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tiles (
  epoch INTEGER NOT NULL, level INTEGER NOT NULL, number INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY (epoch, level, number));
CREATE TABLE IF NOT EXISTS entries (
  epoch INTEGER NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL,
  entry BLOB NOT NULL, PRIMARY KEY (epoch, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_event ON entries (event, epoch);
"""
_NEWEST: Final = "(SELECT max(number) FROM epochs)"
_EXTEND: Final = """
UPDATE epochs SET size = ?, through = ?, note = ?
WHERE number = ? AND signer = ? AND size = ? AND note = ? AND number = (SELECT max(number) FROM epochs)"""


class SQLiteAuditStore:
    """An `AuditStore` in one SQLite file, readable by its owner alone: it holds private keys."""

    def __init__(self, path: Path, health: StoreHealth | None = None) -> None:
        # Before SQLite makes it readable for others; its write-ahead log takes the mode of the file.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        self._db = open_kept(path, health or StoreHealth("audit"), synchronous="FULL", schema=_SCHEMA)
        # What is verified somebody may have tampered with: then any column may hold anything.
        self._db.text_factory = as_text

    async def standing(self) -> Standing | None:
        """See `AuditStore.standing`."""
        row = self._db.execute(
            "SELECT number, origin, log_epoch, CAST(secret AS BLOB), signer, CAST(size AS INTEGER),"
            " CAST(through AS INTEGER), CAST(note AS BLOB) FROM epochs ORDER BY number DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        earlier = self._db.execute("SELECT origin FROM epochs WHERE number < ? ORDER BY number DESC", (row[0],))
        return Standing(*(*row, tuple(origin for (origin,) in earlier.fetchall())))

    async def begin(self, begun: Begun, *, after: int) -> bool:
        """See `AuditStore.begin`."""
        return await in_turn(lambda: self._begin(begun, after))

    def _begin(self, begun: Begun, after: int) -> bool:
        with self._db.transaction():
            (newest,) = self._db.execute(f"SELECT coalesce({_NEWEST}, 0)").fetchone()
            if newest != after:
                return False
            self._db.execute(
                "INSERT INTO epochs (number, origin, log_epoch, secret, reason) VALUES (?,?,?,?,?)",
                (after + 1, begun.origin, begun.log_epoch, begun.secret, begun.reason),
            )
            self._db.execute("INSERT INTO keys (epoch, key) VALUES (?,?)", (after + 1, begun.key))
        return True

    async def take_over(self, epoch: int, signer: str) -> None:
        """See `AuditStore.take_over`."""

        def take() -> None:
            with self._db.transaction():
                self._db.execute("UPDATE epochs SET signer = ? WHERE number = ?", (signer, epoch))

        await in_turn(take)

    async def extend(self, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
        """See `AuditStore.extend`."""
        return await in_turn(lambda: self._extend(standing, growth, sign))

    def _extend(self, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
        epoch, size = standing.epoch, standing.size + len(growth.entries)
        through = growth.entries[-1].position if growth.entries else standing.through
        was = (epoch, standing.signer, standing.size, standing.note)
        with self._db.transaction():
            if not self._db.execute(_EXTEND, (size, through, standing.note, *was)).rowcount:
                return False
            self._db.executemany(
                "INSERT INTO entries VALUES (?,?,?,?,?)",
                [(epoch, number, *added) for number, added in enumerate(growth.entries, start=standing.size)],
            )
            self._db.executemany(
                "INSERT INTO tiles VALUES (?,?,?,?)"
                " ON CONFLICT (epoch, level, number) DO UPDATE SET hashes = excluded.hashes",
                [(epoch, level, number, hashes) for (level, number), hashes in growth.tiles.items()],
            )
            self._db.execute("UPDATE epochs SET note = ? WHERE number = ?", (sign(), epoch))
        return True

    async def tiles(self, tiles: Sequence[Tile]) -> dict[Place, bytes]:
        """See `AuditStore.tiles`."""
        found: dict[Place, bytes] = {}
        for tile in tiles:
            row = self._db.execute(
                f"SELECT CAST(hashes AS BLOB) FROM tiles WHERE epoch = {_NEWEST} AND level = ? AND number = ?",  # noqa: S608 - constants
                tile.place,
            ).fetchone()
            if row is not None:
                found[tile.place] = row[0]
        return found

    async def entries(self, first: int, count: int) -> list[bytes]:
        """See `AuditStore.entries`."""
        rows = self._db.execute(
            f"SELECT CAST(entry AS BLOB) FROM entries WHERE epoch = {_NEWEST} AND number >= ? AND number < ?"  # noqa: S608 - constants
            " ORDER BY number",
            (first, first + count),
        )
        return [entry for (entry,) in rows.fetchall()]

    async def leaf_of(self, event: str) -> tuple[int, int] | None:
        """See `AuditStore.leaf_of`."""
        row: tuple[int, int] | None = self._db.execute(
            f"SELECT number, position FROM entries WHERE event = ? AND epoch = {_NEWEST}",  # noqa: S608 - constants
            (event,),
        ).fetchone()
        return row

    async def keys(self, origin: str | None = None) -> list[str]:
        """See `AuditStore.keys`."""
        rows = self._db.execute(
            "SELECT key FROM keys JOIN epochs ON epochs.number = keys.epoch WHERE ? IN ('', origin)"
            " ORDER BY keys.number DESC",
            (origin or "",),
        )
        return [key for (key,) in rows.fetchall()]

    async def add_key(self, key: str) -> None:
        """See `AuditStore.add_key`."""

        def add() -> None:
            with self._db.transaction():
                self._db.execute(f"INSERT INTO keys (epoch, key) VALUES ({_NEWEST}, ?)", (key,))  # noqa: S608 - constants

        await in_turn(add)

    async def close(self) -> None:
        """See `AuditStore.close`."""
        self._db.close()
