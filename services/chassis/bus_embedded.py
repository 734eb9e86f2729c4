"""The embedded bus: topics in one SQLite file beside the logs.

It may lose its newest commits when power fails (synchronous=NORMAL), and nothing is lost by that: publishers go on
behind the last position that the bus still holds, and the logs hold everything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from services.chassis.bus import Batch, BusMessage
from services.chassis.sqlite_wakeup import SQLiteWakeup

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  topic TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (topic, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (topic TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;
"""


class EmbeddedBus:
    """A `Bus` in one SQLite file, shared by all services of this machine."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._wakeup = SQLiteWakeup(path)

    async def publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        """See `Bus.publish`."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(
                "INSERT OR IGNORE INTO messages (topic, position, key, id, body) VALUES (?,?,?,?,?)",
                [(topic, m.position, m.key, m.id, m.body) for m in messages],
            )
            self._db.execute(
                "INSERT INTO progress VALUES (?, ?) ON CONFLICT DO UPDATE SET through = MAX(through, excluded.through)",
                (topic, through),
            )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        self._wakeup.notify()

    def _through(self, topic: str) -> int:
        row = self._db.execute("SELECT through FROM progress WHERE topic = ?", (topic,)).fetchone()
        return int(row[0]) if row else 0

    async def published_through(self, topic: str) -> int:
        """See `Bus.published_through`."""
        return self._through(topic)

    async def read(self, topic: str, after: int, limit: int) -> Batch:
        """See `Bus.read`."""
        # Progress first: a message committed between the two looks is then read now, never skipped.
        through = self._through(topic)
        rows = self._db.execute(
            "SELECT position, key, id, body FROM messages WHERE topic = ? AND position > ? AND position <= ?"
            " ORDER BY position LIMIT ?",
            (topic, after, through, limit),
        ).fetchall()
        messages = [BusMessage(*row) for row in rows]
        return Batch(messages, messages[-1].position if len(messages) == limit else max(through, after))

    async def wait(self, topic: str, after: int, timeout: float) -> None:
        """See `Bus.wait`."""
        await self._wakeup.wait(lambda: self._through(topic) > after, timeout)

    async def close(self) -> None:
        """See `Bus.close`."""
        self._wakeup.close()
        self._db.close()
