"""Snapshots in an SQLite file of their own, which is made when the first stream is long enough for one.

Not in the log's file: there they would wait for its disk, and commands for them. Lost or damaged, it is made again.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Final

from services.chassis.engines.sqlite_connection import StoreConnection, open_kept, open_store
from services.chassis.engines.store_health import StoreHealth, Unavailable
from services.chassis.engines.turns import NotNow
from services.chassis.log.snapshots import Snapshot

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS snapshots (
  originator_id TEXT NOT NULL, topic TEXT NOT NULL, made_by TEXT NOT NULL, originator_version INTEGER NOT NULL,
  state BLOB NOT NULL, PRIMARY KEY (originator_id, topic)) WITHOUT ROWID;
"""
_LATEST: Final = "SELECT made_by, originator_version, state FROM snapshots WHERE originator_id = ? AND topic = ?"
_KEEP: Final = """
INSERT INTO snapshots (originator_id, topic, made_by, originator_version, state) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (originator_id, topic) DO UPDATE
  SET made_by = excluded.made_by, originator_version = excluded.originator_version, state = excluded.state
  WHERE made_by <> excluded.made_by OR originator_version < excluded.originator_version"""
_DAMAGED: Final = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
TURN_SECONDS: Final = 1.0
"""How long a snapshot waits, beside the event loop, for another process that writes one."""


class SQLiteSnapshots:
    """A `SnapshotStore` in one file, which several processes may share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._health = StoreHealth("snapshots")
        self._reader: StoreConnection | None = None

    async def latest(self, stream: str, topic: str) -> Snapshot | None:
        """See `SnapshotStore.latest`."""
        if self._reader is None:
            if not self._path.exists():
                return None
            self._reader = open_store(self._path, self._health)
        try:
            row = self._reader.execute(_LATEST, (stream, topic)).fetchone()
        except BaseException:
            self._let_go()
            raise
        return Snapshot(stream, topic, *row) if row is not None else None

    async def keep(self, snapshot: Snapshot) -> None:
        """See `SnapshotStore.keep`."""
        await asyncio.to_thread(self._keep, snapshot)

    def _keep(self, snapshot: Snapshot) -> None:
        try:
            self._write(snapshot)
        except NotNow:
            raise
        except Unavailable as failure:
            if not failure.code.startswith(_DAMAGED):
                raise
            for end in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)
            self._write(snapshot)

    def _write(self, snapshot: Snapshot) -> None:
        # Opened each time: there are hundreds of events between two, and threads differ.
        db = open_kept(self._path, self._health, synchronous="NORMAL", schema=_SCHEMA)
        with closing(db), db.transaction(TURN_SECONDS):
            db.execute(_KEEP, snapshot)

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def close(self) -> None:
        """See `SnapshotStore.close`."""
        self._let_go()
