"""The lease in an SQLite file, for processes of one machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

from services.chassis.sqlite_connection import open_kept, probed
from services.chassis.store_health import StoreHealth

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lease (
  one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, process INTEGER NOT NULL, until REAL NOT NULL);
"""


class SQLiteLease:
    """A `Lease` in one file. Times are those of the machine's clock."""

    def __init__(self, path: Path, health: StoreHealth | None = None) -> None:
        # Lost with the power, it is simply free.
        self._db = open_kept(path, health or StoreHealth("lease"), synchronous="NORMAL", schema=_SCHEMA)
        probed(path, self._db)

    async def claim(self, holder: str, seconds: float) -> bool:
        """See `Lease.claim`."""
        with self._db.transaction():
            row = self._db.execute("SELECT holder, process, until FROM lease").fetchone()
            free = row is None or row[0] == holder or row[2] < time.time() or not _alive(row[1])
            if free:
                self._db.execute(
                    "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?)", (holder, os.getpid(), time.time() + seconds)
                )
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
