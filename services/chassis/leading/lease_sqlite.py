"""The lease in an SQLite file, for processes of one machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

from services.chassis.engines.sqlite_connection import open_kept, probed
from services.chassis.engines.store_health import StoreHealth
from services.chassis.engines.turns import in_turn

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lease (
  one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, process INTEGER NOT NULL, until REAL NOT NULL);
"""


class SQLiteLease:
    """A `Lease` in one file. Times are those of the machine's clock."""

    def __init__(self, path: Path, health: StoreHealth | None = None) -> None:
        # If a power failure loses it, it is simply free.
        self._db = open_kept(path, health or StoreHealth("lease"), synchronous="NORMAL", schema=_SCHEMA)
        probed(path, self._db)

    async def claim(self, holder: str, seconds: float) -> bool:
        """See `Lease.claim`."""
        return await in_turn(lambda: self._claim(holder, seconds))

    def _claim(self, holder: str, seconds: float) -> bool:
        # A process that finds it taken does not write, and so blocks no other.
        if not self._free_for(holder):
            return False
        with self._db.transaction():
            free = self._free_for(holder)
            if free:
                self._db.execute(
                    "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?)", (holder, os.getpid(), time.time() + seconds)
                )
        return free

    def _free_for(self, holder: str) -> bool:
        row = self._db.execute("SELECT holder, process, until FROM lease").fetchone()
        return row is None or row[0] == holder or row[2] < time.time() or not alive(row[1])

    async def release(self, holder: str) -> None:
        """See `Lease.release`."""
        await in_turn(lambda: self._release(holder))

    def _release(self, holder: str) -> None:
        with self._db.transaction():
            self._db.execute("DELETE FROM lease WHERE holder = ?", (holder,))

    async def close(self) -> None:
        """See `Lease.close`."""
        self._db.close()


def alive(process: int) -> bool:
    """Whether a process of this machine is there, whoever it belongs to."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's process: alive.
        return True
    return True
