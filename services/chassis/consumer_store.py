"""Where consumers keep their positions and the messages that wait aside, in one SQLite file per service."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.chassis.bus import BusMessage

_SCHEMA = """
CREATE TABLE IF NOT EXISTS positions (topic TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parked (
  topic TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
  tries INTEGER NOT NULL, failure TEXT NOT NULL, retry_at REAL, PRIMARY KEY (topic, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parked_by_key ON parked (topic, key, position);
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that waits aside: how often it was tried, the class of the last failure, and when it is tried again.

    `retry_at` is in seconds of the machine's clock; None: given up, until somebody redrives it.
    """

    message: BusMessage
    tries: int
    failure: str
    retry_at: float | None


class ConsumerStore:
    """Positions and parked messages, both in one transaction per batch."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # A position lost with the power is read again and absorbed; it and the parked messages go together.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def through(self, topic: str) -> int:
        """The source position that is covered."""
        row = self._db.execute("SELECT through FROM positions WHERE topic = ?", (topic,)).fetchone()
        return int(row[0]) if row else 0

    def advance(self, topic: str, through: int, parked: Sequence[Parked] = ()) -> None:
        """Saves a position together with the messages that were put aside on the way to it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for one in parked:
                self._park(topic, one)
            self._db.execute(
                "INSERT INTO positions VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET through = MAX(through, excluded.through)",
                (topic, through),
            )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _park(self, topic: str, one: Parked) -> None:
        m = one.message
        self._db.execute(
            "INSERT OR REPLACE INTO parked (topic, position, key, id, body, tries, failure, retry_at)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (topic, m.position, m.key, m.id, m.body, one.tries, one.failure, one.retry_at),
        )

    def park(self, topic: str, one: Parked) -> None:
        """Puts a message aside, or says how its latest try went."""
        self._park(topic, one)

    def unpark(self, topic: str, position: int) -> None:
        """Forgets a parked message: it was handled."""
        self._db.execute("DELETE FROM parked WHERE topic = ? AND position = ?", (topic, position))

    def parked_keys(self, topic: str) -> set[str]:
        """The keys that have messages waiting aside."""
        return {row[0] for row in self._db.execute("SELECT DISTINCT key FROM parked WHERE topic = ?", (topic,))}

    def parked(self, topic: str) -> list[Parked]:
        """All parked messages of a topic in order."""
        rows = self._db.execute(
            "SELECT position, key, id, body, tries, failure, retry_at FROM parked WHERE topic = ? ORDER BY position",
            (topic,),
        )
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in rows]

    def first_parked(self, topic: str) -> list[Parked]:
        """The oldest parked message of each key."""
        rows = self._db.execute(
            "SELECT position, key, id, body, tries, failure, retry_at FROM parked AS p WHERE topic = ? AND position ="
            " (SELECT MIN(position) FROM parked WHERE topic = p.topic AND key = p.key) ORDER BY position",
            (topic,),
        )
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in rows]

    def count_parked(self, topic: str) -> int:
        """How many messages wait aside."""
        return int(self._db.execute("SELECT COUNT(*) FROM parked WHERE topic = ?", (topic,)).fetchone()[0])

    def close(self) -> None:
        """Closes the file."""
        self._db.close()
