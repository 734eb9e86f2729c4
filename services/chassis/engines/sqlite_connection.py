"""Connections to SQLite's files; one place tells errors of the store from faults of the program.

Every file of a service is opened here and nowhere else, so that no disk error passes for a fault of the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.chassis.engines.store_health import StoreHealth, Unavailable, errno_name
from services.chassis.engines.turns import NotNow

_UNUSABLE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Primary result codes (https://www.sqlite.org/rescode.html) that concern the file and not the statement."""
_PASSING: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
PATIENCE_SECONDS: Final = 30.0
"""How long a store that is being opened waits for others that open it too."""
_AGAIN_SECONDS: Final = 0.01
_RECOVERY_WAIT: Final = "PRAGMA busy_timeout = 5000"
"""Only for a process that recovers a log after a crash: otherwise no writer holds up a reader."""
_ROOM: Final = 262_144
"""Bytes that must be free beside a file before it counts as usable again: the next append may be this large."""


class StoreConnection(sqlite3.Connection):
    """A connection that raises Unavailable where its file cannot be used, and SQLite's own error for all else."""

    health: StoreHealth

    def cursor(self, factory: Any = None) -> Any:
        """A cursor that does the same."""
        return super().cursor(factory or _StoreCursor)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """See `sqlite3.Connection.execute`, which would make a cursor of its own kind."""
        return _StoreCursor(self).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """See `sqlite3.Connection.executemany`."""
        return _StoreCursor(self).executemany(sql, parameters)

    def executescript(self, script: str, /) -> sqlite3.Cursor:
        """See `sqlite3.Connection.executescript`."""
        return _StoreCursor(self).executescript(script)

    def commit(self) -> None:
        """Commits, or rolls back and raises."""
        try:
            super().commit()
        except sqlite3.Error as failure:
            self.abandon()
            raise_unusable(failure, self.health)
            raise

    def abandon(self) -> None:
        """Ends a transaction that failed, unless SQLite has done so itself, as it does when a disk is full."""
        if self.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                super().rollback()

    @contextmanager
    def transaction(self, patience: float = 0.0) -> Iterator[None]:
        """Everything done within it is stored, or nothing.

        Raises NotNow if another process keeps writing for `patience` seconds, during which this process does nothing
        else (`services.chassis.engines.turns.in_turn` waits beside it).
        """
        self._begin(patience)
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # A commit that fails may leave its transaction open, and the next one could then not begin.
            self.abandon()
            raise

    def _begin(self, patience: float) -> None:
        with self._waiting(patience) as cursor:
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as failure:
                if getattr(failure, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                    raise NotNow(self.health, failure.sqlite_errorname) from None
                raise_unusable(failure, self.health)
                raise

    def fold_log(self) -> bool:
        """Moves all of the write-ahead log into the file and empties it; False when another process is in the way."""
        with self._waiting(0.0) as cursor:
            try:
                (busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as failure:
                raise_unusable(failure, self.health)
                raise
        return not busy

    @contextmanager
    def _waiting(self, patience: float) -> Iterator[sqlite3.Cursor]:
        cursor = sqlite3.Cursor(self)
        cursor.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        try:
            yield cursor
        finally:
            cursor.execute(_RECOVERY_WAIT)


class _StoreCursor(sqlite3.Cursor):
    connection: StoreConnection

    def execute(self, sql: str, parameters: Any = (), /) -> _StoreCursor:
        try:
            super().execute(sql, parameters)
        except sqlite3.Error as failure:
            raise_unusable(failure, self.connection.health)
            raise
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> _StoreCursor:
        try:
            super().executemany(sql, parameters)
        except sqlite3.Error as failure:
            raise_unusable(failure, self.connection.health)
            raise
        return self

    def executescript(self, script: str, /) -> _StoreCursor:
        try:
            super().executescript(script)
        except sqlite3.Error as failure:
            raise_unusable(failure, self.connection.health)
            raise
        return self

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.Error as failure:
            raise_unusable(failure, self.connection.health)
            raise

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.Error as failure:
            raise_unusable(failure, self.connection.health)
            raise

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.Error as failure:
            raise_unusable(failure, self.connection.health)
            raise


def raise_unusable(failure: sqlite3.Error, health: StoreHealth) -> None:
    """Raises Unavailable when the error concerns the file; returns when it concerns the statement."""
    # Errors of the module itself have no code: they are faults of ours.
    primary = getattr(failure, "sqlite_errorcode", 0) & 0xFF
    if primary in _UNUSABLE:
        raise health.failed(failure.sqlite_errorname, passing=primary in _PASSING) from failure


def open_store(path: Path, health: StoreHealth) -> StoreConnection:
    """A connection in autocommit mode, for the thread of the event loop. Raises Unavailable."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=StoreConnection)
    except sqlite3.Error as failure:
        raise_unusable(failure, health)
        raise
    connection.health = health
    return connection


def open_kept(path: Path, health: StoreHealth, *, synchronous: str, schema: str = "") -> StoreConnection:
    """A connection like that of `open_store` to a file in WAL mode that contains `schema`. Raises Unavailable.

    However many processes open a new file at once, none is refused: to switch a file to WAL takes it alone, and where
    two do it at the same moment SQLite says at once to one of them that it is locked, whatever its busy timeout. The
    statements of `schema` may therefore run more than once (`IF NOT EXISTS`).
    """
    connection, until = open_store(path, health), time.monotonic() + PATIENCE_SECONDS
    try:
        # Not through the connection: another process in the way is not yet a failure of the store.
        cursor = sqlite3.Cursor(connection)
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
                cursor.execute(f"PRAGMA synchronous = {synchronous}")
                # In one transaction: else a new file waits for the disk once for each statement.
                cursor.executescript(f"BEGIN; {schema}; COMMIT")
                break
            except sqlite3.Error as failure:
                connection.abandon()
                passing = getattr(failure, "sqlite_errorcode", 0) & 0xFF in _PASSING
                if not passing or time.monotonic() > until:
                    raise_unusable(failure, health)
                    raise
            time.sleep(_AGAIN_SECONDS)
    except BaseException:
        connection.close()
        raise
    return connection


def as_text(stored: bytes) -> str:
    """A text of a file, with U+FFFD in place of what is no UTF-8: only somebody who tampers writes that."""
    return stored.decode("utf-8", "replace")


def fetch_tampered(connection: StoreConnection, statement: str, values: tuple[Any, ...]) -> list[Any]:
    """All rows of a statement, also where a text in them is no UTF-8."""
    try:
        return connection.execute(statement, values).fetchall()
    except sqlite3.OperationalError:
        connection.text_factory = as_text
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.text_factory = str


def probed(path: Path, connection: StoreConnection) -> None:
    """Has the connection's health ask by it whether the file can be written again."""

    async def probe() -> None:
        await asyncio.to_thread(_find_room, path.parent, connection.health.store)
        write_nothing(connection)

    connection.health.probe = probe
    connection.health.write = lambda: write_nothing(connection)


def write_nothing(connection: StoreConnection) -> None:
    """Writes a page of the file as it is. Raises Unavailable when nothing can be written."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def _find_room(directory: Path, store: str) -> None:
    # A page may still fit into a log that has grown before, while the next append does not.
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(_ROOM))
            file.flush()
    except OSError as failure:
        raise Unavailable(store, errno_name(failure)) from None
