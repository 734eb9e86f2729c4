"""Moving what was committed from SQLite's write-ahead logs into the files, beside the event loop.

By default SQLite does this in the commit that finds a log grown to a number of pages, and the whole event loop then
waits for ten milliseconds and more. A thread that is ahead leaves that commit only a few pages to move. If the thread
fails, only time is lost: the committing connection still moves what is left.

Each time a log starts over, its first commit waits for the disk once more. So the thread lets a log grow to a share of
what its store allows, as far as it can foresee that: SQLite does not say how long a log is without
moving its pages.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROUND_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 0.25
"""The longest round while nothing is written: each round is twice as long as the one before."""
MOST_ROUNDS: Final = 60
"""It checks after this many rounds with writes, in case much more is written than before."""
PAUSE_ROUNDS: Final = 200
"""The pause after a failure."""

TICK_NS: Final = 20_000_000
"""Longer than a tick of a file system's clock: writes within one tick have the same time."""

log = logging.getLogger(__name__)


class SQLiteCheckpoints:
    """The thread, for the files of one process. Other processes may do the same with the same files."""

    def __init__(self, files: Mapping[Path, int]) -> None:
        """`files`: each with the number of pages that its log may grow to."""
        self._followed = [_Followed(path, pages) for path, pages in files.items()]
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sqlite checkpoints", daemon=True)

    def start(self) -> None:
        """Starts the thread if there is any file."""
        if self._followed:
            self._thread.start()

    def stop(self) -> None:
        """Returns once no file is in use here. Stores that are closed after that move the rest."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = ROUND_SECONDS
        while not self._ending.wait(pause):
            at_work = [database.round() for database in self._followed]
            pause = ROUND_SECONDS if any(at_work) else min(2 * pause, IDLE_SECONDS)
        for database in self._followed:
            database.let_go()


class _Followed:
    """One file. A round counts when something was written since the one before, or may have been."""

    def __init__(self, path: Path, pages: int) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._pages = pages
        self._written = 0
        self._perhaps_more = False
        self._rounds = 0
        self._due = 1
        self._moved = 0
        self._rests = 0
        self._connection: sqlite3.Connection | None = None

    def round(self) -> bool:
        """Moves the pages if there may be enough of them; whether anything was written, or it rests after a failure."""
        if self._rests > 0:
            self._rests -= 1
            return True
        try:
            # Its size says nothing: a log that starts over keeps its size.
            written = self._wal.stat().st_mtime_ns
        except OSError:
            # No process has the file open.
            return False
        if written == self._written and not self._perhaps_more:
            return False
        self._written, self._perhaps_more = written, abs(time.time_ns() - written) < TICK_NS
        self._rounds += 1
        if self._rounds < self._due:
            return True
        try:
            self._checkpoint()
        except sqlite3.Error as failure:
            code = getattr(failure, "sqlite_errorname", type(failure).__name__)
            log.warning("a log of SQLite stays", extra={"store": self._path.name, "code": code})
            self._rests = PAUSE_ROUNDS
            self.let_go()
        return True

    def _checkpoint(self) -> None:
        if self._connection is None:
            # Never creates the file: only its store does.
            address = f"{self._path.absolute().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
            # Before a log starts over, the moved pages are on the disk, whatever options this SQLite was compiled with.
            self._connection.execute("PRAGMA synchronous = NORMAL")
        blocked, _, moved = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if blocked:
            return
        # A log that started over is counted from its beginning.
        pages = moved - self._moved if moved >= self._moved else moved
        self._due = max(1, min(MOST_ROUNDS, self._rounds * self._pages // max(pages, 1)))
        self._moved, self._rounds = moved, 0

    def let_go(self) -> None:
        """Closes the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
