"""The event log in an SQLite file, on the `eventsourcing` library's recorder.

Differs from the library's table in two things: positions are AUTOINCREMENT, so that the number of a deleted row is
never given out again, and a trigger refuses an event that would leave a gap behind its stream's last one.
synchronous=FULL: an acknowledged append survives power loss.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
)

from services.chassis.engines.group_commit import InlineGroupCommit
from services.chassis.engines.sqlite_connection import StoreConnection, fetch_tampered, open_kept, open_store, probed
from services.chassis.engines.sqlite_wakeup import SQLiteWakeup
from services.chassis.engines.store_health import StoreHealth
from services.chassis.log.event_log import NOTHING_READ, Conflict, Row, Write, independent
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.vault.vault import Deposit

DECODED_AT_ONCE: Final = 500
TAILS_AT_ONCE: Final = 200
"""Streams that are asked for in one statement."""
REMEMBERED: Final = 512
"""Events kept in memory of those that this process has appended, or read in the order of the log."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stored_events (
  position INTEGER PRIMARY KEY AUTOINCREMENT, originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL,
  topic TEXT NOT NULL, state BLOB NOT NULL, UNIQUE (originator_id, originator_version));
CREATE TRIGGER IF NOT EXISTS stored_events_gap BEFORE INSERT ON stored_events
  WHEN NEW.originator_version <> 1 AND NOT EXISTS (
    SELECT 1 FROM stored_events
    WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version - 1)
  BEGIN SELECT RAISE(ABORT, 'the event before it is missing'); END;
"""
"""The library's columns behind an AUTOINCREMENT position, under its name of the table."""
_COLUMNS = "position, originator_id, originator_version, topic, state"
_IN_ORDER = f"SELECT {_COLUMNS} FROM stored_events WHERE position >= ? ORDER BY position LIMIT ?"  # noqa: S608 - constants


class _OneConnection(SQLiteConnectionPool):
    """The library's pool with one connection, opened as every store's is, so that its errors are told apart."""

    def __init__(self, path: Path, health: StoreHealth) -> None:
        super().__init__(db_name=str(path), pool_size=1, max_overflow=0)
        # FULL makes every commit wait for the disk, whatever default SQLite was compiled with.
        self.opened = open_kept(path, health, synchronous="FULL", schema=_SCHEMA)
        self.opened.row_factory = sqlite3.Row

    def _create_connection(self) -> SQLiteConnection:
        return SQLiteConnection(sqlite_conn=self.opened, max_age=None)


class _Append(NamedTuple):
    events: Sequence[StoredEvent]
    read: Mapping[str, int]

    @property
    def streams(self) -> list[str]:
        return [str(event.originator_id) for event in self.events]


class AutoincrementRecorder(SQLiteApplicationRecorder):
    """The library's recorder with positions that are never used twice, and versions without gaps."""

    def __init__(self, datastore: SQLiteDatastore, opened: StoreConnection) -> None:
        super().__init__(datastore)
        self._opened = opened
        self.insert_events_statement = (
            f"INSERT INTO {self.events_table_name} (originator_id, originator_version, topic, state) VALUES (?,?,?,?)"  # noqa: S608 - constants
        )

    def insert_batch(self, batch: Sequence[_Append]) -> list[int | Conflict]:
        """Stores the events of many commands in one transaction.

        Returns for each command its last position, or the conflict that concerns it alone. Raises NotNow.
        """
        try:
            with self._transaction() as cursor:
                reads = {read for command in batch for read in command.read.items()}
                parts = ((command.streams, command.read) for command in batch)
                if self._stale(cursor, reads) is None and independent(parts):
                    return list(self._insert_all(cursor, [command.events for command in batch]))
                return [self._insert_command(cursor, command) for command in batch]
        except IntegrityError:
            # Some command of the batch conflicts; which one is found out under a savepoint each.
            with self._transaction() as cursor:
                return [self._insert_command(cursor, command) for command in batch]

    def _stale(self, cursor: SQLiteCursor, reads: Iterable[tuple[str, int]]) -> str | None:
        for stream, version in reads:
            cursor.execute("SELECT MAX(originator_version) FROM stored_events WHERE originator_id = ?", (stream,))
            if (cursor.fetchone()[0] or 0) != version:
                return stream
        return None

    @contextmanager
    def _transaction(self) -> Iterator[SQLiteCursor]:
        # Not the library's: it waits where it first writes, and the event loop with it.
        with self._opened.transaction(), SQLiteCursor(self._opened.cursor()) as cursor:
            yield SQLiteCursor(cursor)

    def _insert_all(self, cursor: SQLiteCursor, batch: Sequence[Sequence[StoredEvent]]) -> list[int]:
        rows = [(e.originator_id, e.originator_version, e.topic, e.state) for events in batch for e in events]
        try:
            cursor.executemany(self.insert_events_statement, rows)
        except sqlite3.IntegrityError as conflict:
            raise IntegrityError(conflict) from conflict
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (self.events_table_name,))
        position: int = cursor.fetchone()[0] - len(rows)
        last: list[int] = []
        for events in batch:
            position += len(events)
            last.append(position)
        return last

    def _insert_command(self, cursor: SQLiteCursor, command: _Append) -> int | Conflict:
        if (stale := self._stale(cursor, command.read.items())) is not None:
            return Conflict(command.streams, stale)
        cursor.execute("SAVEPOINT command")
        try:
            (last,) = self._insert_all(cursor, [command.events])
        except IntegrityError:
            cursor.execute("ROLLBACK TO command")
            return Conflict(command.streams)
        finally:
            cursor.execute("RELEASE command")
        return last


class _Encoded(NamedTuple):
    stored: StoredEvent
    event: Any
    meta: Metadata


class _Command(NamedTuple):
    events: list[_Encoded]
    read: Mapping[str, int]


class SQLiteEventLog:
    """An `EventLog` in one SQLite file, which may be written by several processes at once."""

    def __init__(self, name: str, path: Path, types: EventTypes, health: StoreHealth | None = None) -> None:
        health = health or StoreHealth("log")
        self.name = name
        self.types = types
        self.remote = False
        path.parent.mkdir(parents=True, exist_ok=True)
        # One connection: appends follow one another anyway, and it is the one that syncs fully.
        self._datastore = SQLiteDatastore(str(path), originator_id_type="text")
        pool = self._datastore.pool = _OneConnection(path, health)
        self._recorder = AutoincrementRecorder(self._datastore, pool.opened)
        self._opened = pool.opened
        probed(path, pool.opened)
        # Reads have a connection of their own: the library's pool makes readers queue behind the writer.
        self._reader = open_store(path, health)
        self._reader.execute("PRAGMA query_only = ON")
        self._wakeup = SQLiteWakeup(path, health)
        self._writer: InlineGroupCommit[_Command, int] = InlineGroupCommit(self._commit)
        self._recent: OrderedDict[int, Recorded] = OrderedDict()

    def _commit(self, batch: Sequence[_Command]) -> list[int | Conflict]:
        appends = [_Append([event.stored for event in command.events], command.read) for command in batch]
        results = self._recorder.insert_batch(appends)
        for command, result in zip(batch, results, strict=True):
            if not isinstance(result, Conflict):
                self._remember(command.events, result)
        self._wakeup.notify()
        return results

    def _remember(self, command: list[_Encoded], last: int) -> None:
        # What was just written is about to be indexed and published: it need not be decoded for that, twice.
        for position, encoded in enumerate(command, start=last - len(command) + 1):
            stored = encoded.stored
            self._recent[position] = Recorded(
                position,
                str(stored.originator_id),
                stored.originator_version,
                stored.topic,
                encoded.event,
                encoded.meta,
                stored.state,
            )
        self._forget()

    async def append(
        self, writes: Sequence[Write], *, read: Mapping[str, int] = NOTHING_READ, records: Deposit | None = None
    ) -> int:
        """See `EventLog.append`."""
        events: list[_Encoded] = []
        for write in writes:
            for version, (event, meta) in enumerate(write.events, start=write.expected_version + 1):
                topic, state = self.types.encode(event, meta)
                events.append(_Encoded(StoredEvent(write.stream, version, topic, state), event, meta))
        if not events:
            msg = "an append needs at least one event"
            raise ValueError(msg)
        if records is not None:
            # Another file, so another transaction; an orphan harms nothing.
            await records.keep()
        return await self._writer.submit(_Command(events, read))

    async def read(
        self, stream: str, *, after: int = 0, through: int | None = None, most: int | None = None
    ) -> list[Recorded]:
        """See `EventLog.read`."""
        rows = self._reader.execute(
            f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id = ? AND originator_version > ?"  # noqa: S608 - constants
            " AND originator_version <= ? ORDER BY originator_version LIMIT ?",
            (stream, after, through if through is not None else 2**62, most if most is not None else -1),
        ).fetchall()
        found: list[Recorded] = []
        for number, row in enumerate(rows, start=1):
            found.append(self._recorded(*row))
            if number % DECODED_AT_ONCE == 0:
                # Of a long stream there may be seconds of it.
                await asyncio.sleep(0)
        return found

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """See `EventLog.read_tails`."""
        if len(tails) == 1:
            return [await self.read(stream, after=after, most=most) for stream, after in tails]
        found: list[list[Recorded]] = []
        for first in range(0, len(tails), TAILS_AT_ONCE):
            found += await self._tails(tails[first : first + TAILS_AT_ONCE], most if most is not None else 2**62)
        return found

    async def _tails(self, tails: Sequence[tuple[str, int]], most: int) -> list[list[Recorded]]:
        # Each statement takes locks of the file and lets go of them: more than a look into it costs.
        wanted = ",".join(["(?,?,?)"] * len(tails))
        rows = self._reader.execute(
            f"WITH wanted (number, stream, after) AS (VALUES {wanted}) SELECT number, {_COLUMNS} FROM wanted"  # noqa: S608 - constants
            " CROSS JOIN stored_events ON originator_id = stream AND originator_version > after"
            # A stream has every version from 1 on.
            " AND originator_version <= after + ?"
            " ORDER BY number, originator_version",
            [value for number, (stream, after) in enumerate(tails) for value in (number, stream, after)] + [most],
        ).fetchall()
        found: list[list[Recorded]] = [[] for _ in tails]
        for read, (number, *row) in enumerate(rows, start=1):
            found[number].append(self._recorded(*row))
            if read % DECODED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return found

    async def beginnings(self, after: int, limit: int) -> list[tuple[int, str]]:
        """See `EventLog.beginnings`."""
        return self._reader.execute(
            "SELECT position, originator_id FROM stored_events WHERE position > ? AND originator_version = 1"
            " ORDER BY position LIMIT ?",
            (after, limit),
        ).fetchall()

    async def read_all(self, after: int, limit: int) -> list[Recorded]:
        """See `EventLog.read_all`."""
        if after + 1 in self._recent:
            # Who publishes and who indexes read the same, one soon after the other.
            return list(itertools.islice(self._remembered(after + 1), limit))
        rows = self._reader.execute(_IN_ORDER, (after + 1, limit)).fetchall()
        found = [self._recorded(*row) for row in rows]
        for recorded in found:
            self._recent[recorded.position] = recorded
        self._forget()
        return found

    async def stored(self, first: int, limit: int) -> list[Row]:
        """See `EventLog.stored`."""
        return fetch_tampered(self._reader, _IN_ORDER, (first, limit))

    def _remembered(self, position: int) -> Iterator[Recorded]:
        # Positions have no gaps but where rows were deleted, and nothing comes between two that are stored.
        while (recorded := self._recent.get(position)) is not None:
            yield recorded
            position += 1

    def _forget(self) -> None:
        # By number and not by position: where others write too, positions are not one's own alone.
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)

    def mark(self) -> object:
        """See `EventLog.mark`."""
        # Changes with every commit of another connection; the reader's own never commits. Asked each time: who has read
        # an event, or a row of the index, must not be told what was the answer before it.
        return self._reader.execute("PRAGMA data_version").fetchone()

    async def head(self) -> int:
        """See `EventLog.head`."""
        (head,) = self._reader.execute("SELECT MAX(position) FROM stored_events").fetchone()
        return int(head or 0)

    async def wait(self, after: int, timeout: float) -> bool:
        """See `EventLog.wait`."""
        if self._moved(after):
            return False
        await self._wakeup.wait(lambda: self._moved(after), timeout)
        return True

    def _moved(self, after: int) -> bool:
        if after + 1 in self._recent:
            return True
        row = self._reader.execute("SELECT 1 FROM stored_events WHERE position > ? LIMIT 1", (after,)).fetchone()
        return row is not None

    async def close(self) -> None:
        """See `EventLog.close`."""
        await self._writer.drain()
        self._wakeup.close()
        self._reader.close()
        self._datastore.close()
        # The library's pool knows of it only once it was asked for a connection.
        self._opened.close()

    def _recorded(self, position: int, stream: str, version: int, topic: str, state: bytes) -> Recorded:
        if (recent := self._recent.get(position)) is not None:
            return recent
        event, meta = self.types.decode(topic, state)
        return Recorded(position, stream, version, topic, event, meta, state)
