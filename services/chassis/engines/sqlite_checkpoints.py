"""Moving what was committed from SQLite's write-ahead logs into the files, beside the event loop.

SQLite leaves that to whoever commits when a log has grown to so many pages, and with that one commit its whole loop
waits for ten milliseconds and more. A thread that is ahead of it leaves it a few pages to move. If the thread fails,
nothing is lost but the time: the committing connection still does what is left.

Each time a log begins anew, the commit that begins it waits for the disk once more. So a log is let grow to a share of
what its store would let it grow to, as far as that can be foretold: SQLite does not say how long a log is without
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
"""How long a round is at most while nothing is written: each is twice as long as the one before it."""
MOST_ROUNDS: Final = 60
"""After so many in which something was written it looks, in case that much more is written than before."""
PAUSE_ROUNDS: Final = 200
"""After a failure."""

TICK_NS: Final = 20_000_000
"""More than a file system's clock stands still: what is written meanwhile cannot be told apart by its time."""

log = logging.getLogger(__name__)


class SQLiteCheckpoints:
    """The thread, for the files of one process. Other processes may do the same with the same files."""

    def __init__(self, files: Mapping[Path, int]) -> None:
        """`files`, and how many pages each log may grow to."""
        self._followed = [_Followed(path, pages) for path, pages in files.items()]
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sqlite checkpoints", daemon=True)

    def start(self) -> None:
        """Begins, if there is any file."""
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
            # Its size says nothing: a log that begins anew stays as large as it was.
            written = self._wal.stat().st_mtime_ns
        except OSError:
            # Nobody has opened the file, or everybody has closed it.
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
            # Never makes the file: its store does, or nobody.
            address = f"{self._path.absolute().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
            # Before a log begins anew, what was moved is on the disk, whatever this SQLite was compiled to do.
            self._connection.execute("PRAGMA synchronous = NORMAL")
        blocked, _, moved = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if blocked:
            return
        # A log that began anew is counted from its beginning.
        pages = moved - self._moved if moved >= self._moved else moved
        self._due = max(1, min(MOST_ROUNDS, self._rounds * self._pages // max(pages, 1)))
        self._moved, self._rounds = moved, 0

    def let_go(self) -> None:
        """Closes the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
