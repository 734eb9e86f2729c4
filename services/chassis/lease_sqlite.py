"""The lease in an SQLite file, for processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lease (
  one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, process INTEGER NOT NULL, until REAL NOT NULL);
"""


class SQLiteLease:
    """A `Lease` in one file. Times are those of the machine's clock."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # Lost with the power, it is simply free.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    async def claim(self, holder: str, seconds: float) -> bool:
        """See `Lease.claim`."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            row = self._db.execute("SELECT holder, process, until FROM lease").fetchone()
            free = row is None or row[0] == holder or row[2] < time.time() or not _alive(row[1])
            if free:
                self._db.execute(
                    "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?)", (holder, os.getpid(), time.time() + seconds)
                )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return free

    async def release(self, holder: str) -> None:
        """See `Lease.release`."""
        self._db.execute("DELETE FROM lease WHERE holder = ?", (holder,))

    async def close(self) -> None:
        """See `Lease.close`."""
        self._db.close()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's process: alive.
        return True
    return True
