"""The transparency log in an SQLite file of its own, so that appends to the event log never wait for it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from services.chassis.audit.store import Begun, Growth, Standing
from services.chassis.engines.sqlite_connection import StoreConnection, as_text, open_kept
from services.chassis.engines.store_health import StoreHealth, Unavailable, errno_name
from services.chassis.engines.turns import NotNow, Pauses
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
CREATE TABLE IF NOT EXISTS cosigned (
  epoch INTEGER NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL, PRIMARY KEY (epoch, size)) WITHOUT ROWID;
"""
_NEWEST: Final = "(SELECT max(number) FROM epochs)"
_EXTEND: Final = """
UPDATE epochs SET size = ?, through = ?, note = ?
WHERE number = ? AND signer = ? AND size = ? AND note = ? AND number = (SELECT max(number) FROM epochs)"""

Done = TypeVar("Done")


class SQLiteAuditStore:
    """An `AuditStore` in one SQLite file, readable by its owner alone: it holds private keys.

    All of it is done in a thread of its own, since every checkpoint waits for the disk. The file is opened when it is
    used first, and again after it failed: nothing else of the service needs it.
    """

    def __init__(self, path: Path, health: StoreHealth | None = None) -> None:
        self._path = path
        self._health = health or StoreHealth("audit")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._db: StoreConnection | None = None
        self._was_open = False

    async def _do(self, work: Callable[[StoreConnection], Done]) -> Done:
        """What `work` returns of the file, which no other work of this process uses meanwhile. Raises Unavailable."""
        pauses = Pauses()
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)
            except NotNow as failure:
                pause = pauses.after(failure)
            # Those that only read have a turn between.
            await asyncio.sleep(pause)

    def _done(self, work: Callable[[StoreConnection], Done]) -> Done:
        try:
            if self._db is None:
                self._db = self._opened()
            return work(self._db)
        except NotNow:
            raise
        except Unavailable:
            self._let_go()
            raise

    def _opened(self) -> StoreConnection:
        # A file that was there before and is not any more is never begun again behind somebody's back.
        flags = os.O_RDWR if self._was_open else os.O_RDWR | os.O_CREAT
        try:
            # Before SQLite makes it readable for others; its write-ahead log takes the mode of the file.
            os.close(os.open(self._path, flags, 0o600))
            self._path.chmod(0o600)
            db = open_kept(self._path, self._health, synchronous="FULL", schema=_SCHEMA)
        except OSError as failure:
            raise self._health.failed(errno_name(failure)) from None
        except sqlite3.Error as failure:
            # Its tables are not ours, or what it says of them cannot be read.
            raise self._health.failed(getattr(failure, "sqlite_errorname", type(failure).__name__)) from None
        # What is verified somebody may have tampered with: then any column may hold anything.
        db.text_factory = as_text
        self._was_open = True
        return db

    def _let_go(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    async def standing(self) -> Standing | None:
        """See `AuditStore.standing`."""
        return await self._do(_standing)

    async def begin(self, begun: Begun, *, after: int) -> bool:
        """See `AuditStore.begin`."""

        def begin(db: StoreConnection) -> bool:
            with db.transaction():
                (newest,) = db.execute(f"SELECT coalesce({_NEWEST}, 0)").fetchone()
                if newest != after:
                    return False
                db.execute(
                    "INSERT INTO epochs (number, origin, log_epoch, secret, reason) VALUES (?,?,?,?,?)",
                    (after + 1, begun.origin, begun.log_epoch, begun.secret, begun.reason),
                )
                db.execute("INSERT INTO keys (epoch, key) VALUES (?,?)", (after + 1, begun.key))
            return True

        return await self._do(begin)

    async def take_over(self, epoch: int, signer: str) -> None:
        """See `AuditStore.take_over`."""

        def take(db: StoreConnection) -> None:
            with db.transaction():
                db.execute("UPDATE epochs SET signer = ? WHERE number = ?", (signer, epoch))

        await self._do(take)

    async def extend(self, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
        """See `AuditStore.extend`."""
        return await self._do(lambda db: self._extend(db, standing, growth, sign))

    def _extend(self, db: StoreConnection, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
        epoch, size = standing.epoch, standing.size + len(growth.entries)
        through = growth.entries[-1].position if growth.entries else standing.through
        was = (epoch, standing.signer, standing.size, standing.note)
        with db.transaction():
            if not db.execute(_EXTEND, (size, through, standing.note, *was)).rowcount:
                return False
            db.executemany(
                "INSERT INTO entries VALUES (?,?,?,?,?)",
                [(epoch, number, *added) for number, added in enumerate(growth.entries, start=standing.size)],
            )
            db.executemany(
                "INSERT INTO tiles VALUES (?,?,?,?)"
                " ON CONFLICT (epoch, level, number) DO UPDATE SET hashes = excluded.hashes",
                [(epoch, level, number, hashes) for (level, number), hashes in growth.tiles.items()],
            )
            db.execute("UPDATE epochs SET note = ? WHERE number = ?", (sign(), epoch))
        return True

    async def tiles(self, tiles: Sequence[Tile]) -> dict[Place, bytes]:
        """See `AuditStore.tiles`."""

        def read(db: StoreConnection) -> dict[Place, bytes]:
            found: dict[Place, bytes] = {}
            for tile in tiles:
                row = db.execute(
                    f"SELECT CAST(hashes AS BLOB) FROM tiles WHERE epoch = {_NEWEST} AND level = ? AND number = ?",  # noqa: S608 - constants
                    tile.place,
                ).fetchone()
                if row is not None:
                    found[tile.place] = row[0]
            return found

        return await self._do(read)

    async def entries(self, first: int, count: int) -> list[bytes]:
        """See `AuditStore.entries`."""
        rows = await self._rows(
            f"SELECT CAST(entry AS BLOB) FROM entries WHERE epoch = {_NEWEST} AND number >= ? AND number < ?"  # noqa: S608 - constants
            " ORDER BY number",
            first,
            first + count,
        )
        return [entry for (entry,) in rows]

    async def _rows(self, statement: str, *values: object) -> list[Any]:
        return await self._do(lambda db: db.execute(statement, values).fetchall())

    async def cosigned(self) -> list[bytes]:
        """See `AuditStore.cosigned`."""
        rows = await self._rows(
            f"SELECT CAST(note AS BLOB) FROM cosigned WHERE epoch = {_NEWEST} ORDER BY size DESC"  # noqa: S608 - constants
        )
        return [note for (note,) in rows]

    async def keep_cosigned(self, epoch: int, size: int, note: bytes, stay: Sequence[int]) -> None:
        """See `AuditStore.keep_cosigned`."""

        def keep(db: StoreConnection) -> None:
            with db.transaction():
                known = db.execute("SELECT size FROM cosigned WHERE epoch = ?", (epoch,)).fetchall()
                db.executemany(
                    "DELETE FROM cosigned WHERE epoch = ? AND size = ?",
                    [(epoch, each) for (each,) in known if each not in stay],
                )
                db.execute(
                    "INSERT INTO cosigned VALUES (?,?,?) ON CONFLICT (epoch, size) DO UPDATE SET note = excluded.note",
                    (epoch, size, note),
                )

        await self._do(keep)

    async def leaf_of(self, event: str) -> tuple[int, int] | None:
        """See `AuditStore.leaf_of`."""
        rows = await self._rows(
            # The plus keeps it from the primary key, which it would take for as good: and read a whole epoch by it.
            f"SELECT number, position FROM entries WHERE event = ? AND +epoch = {_NEWEST}",  # noqa: S608 - constants
            event,
        )
        return rows[0] if rows else None

    async def keys(self, origin: str | None = None) -> list[str]:
        """See `AuditStore.keys`."""
        rows = await self._rows(
            "SELECT key FROM keys JOIN epochs ON epochs.number = keys.epoch WHERE ? IN ('', origin)"
            " ORDER BY keys.number DESC",
            origin or "",
        )
        return [key for (key,) in rows]

    async def add_key(self, key: str) -> None:
        """See `AuditStore.add_key`."""

        def add(db: StoreConnection) -> None:
            with db.transaction():
                db.execute(f"INSERT INTO keys (epoch, key) VALUES ({_NEWEST}, ?)", (key,))  # noqa: S608 - constants

        await self._do(add)

    async def close(self) -> None:
        """See `AuditStore.close`."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._let_go)
        self._thread.shutdown(wait=False)


def _standing(db: StoreConnection) -> Standing | None:
    row = db.execute(
        "SELECT number, origin, log_epoch, CAST(secret AS BLOB), signer, CAST(size AS INTEGER),"
        " CAST(through AS INTEGER), CAST(note AS BLOB) FROM epochs ORDER BY number DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    earlier = db.execute("SELECT origin FROM epochs WHERE number < ? ORDER BY number DESC", (row[0],))
    return Standing(*(*row, tuple(origin for (origin,) in earlier.fetchall())))
