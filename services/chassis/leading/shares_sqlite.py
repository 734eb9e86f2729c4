"""Shares in an SQLite file, for processes of one machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

from services.chassis.engines.sqlite_connection import open_kept, probed
from services.chassis.engines.store_health import StoreHealth
from services.chassis.engines.turns import in_turn
from services.chassis.leading.lease_sqlite import alive
from services.chassis.leading.shares import Claimed, fair_part

_SCHEMA = """
CREATE TABLE IF NOT EXISTS member (holder TEXT PRIMARY KEY, process INTEGER NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS share (part INTEGER PRIMARY KEY, holder TEXT NOT NULL);
"""


class SQLiteShares:
    """`Shares` in one file. Times are those of the machine's clock."""

    def __init__(self, path: Path, health: StoreHealth | None = None) -> None:
        # If a power failure loses them, they are simply free.
        self._db = open_kept(path, health or StoreHealth("shares"), synchronous="NORMAL", schema=_SCHEMA)
        probed(path, self._db)

    async def claim(self, holder: str, parts: int, seconds: float) -> Claimed:
        """See `Shares.claim`."""
        return await in_turn(lambda: self._claim(holder, parts, seconds))

    def _claim(self, holder: str, parts: int, seconds: float) -> Claimed:
        with self._db.transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO member VALUES (?, ?, ?)", (holder, os.getpid(), time.time() + seconds)
            )
            members = self._db.execute("SELECT holder, process, until FROM member").fetchall()
            here = {name for name, process, until in members if until >= time.time() and alive(process)}
            for gone in {name for name, _, _ in members} - here:
                self._drop(gone)
            fair = fair_part(parts, len(here))
            had = dict(self._db.execute("SELECT part, holder FROM share WHERE part < ?", (parts,)).fetchall())
            mine = {part for part, having in had.items() if having == holder}
            free = [part for part in range(parts) if part not in had][: max(0, fair - len(mine))]
            self._db.executemany("INSERT INTO share VALUES (?, ?)", [(part, holder) for part in free])
        return Claimed(frozenset(mine.union(free)), fair)

    def _drop(self, holder: str) -> None:
        self._db.execute("DELETE FROM member WHERE holder = ?", (holder,))
        self._db.execute("DELETE FROM share WHERE holder = ?", (holder,))

    async def give_back(self, holder: str, part: int) -> None:
        """See `Shares.give_back`."""
        await in_turn(lambda: self._give_back(holder, part))

    def _give_back(self, holder: str, part: int) -> None:
        with self._db.transaction():
            self._db.execute("DELETE FROM share WHERE holder = ? AND part = ?", (holder, part))

    async def leave(self, holder: str) -> None:
        """See `Shares.leave`."""
        await in_turn(lambda: self._leave(holder))

    def _leave(self, holder: str) -> None:
        with self._db.transaction():
            self._drop(holder)

    async def close(self) -> None:
        """See `Shares.close`."""
        self._db.close()
