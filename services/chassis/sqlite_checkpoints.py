"""Moving what was committed from SQLite's write-ahead logs into the files, beside the event loop.

SQLite leaves that to whoever commits when a log has grown to a thousand pages, and with that one commit its whole loop
waits for ten milliseconds and more. A thread that is ahead of it leaves it a few pages to move. If the thread fails,
nothing is lost but the time: the committing connection still does what is left.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

EVERY_SECONDS: Final = 0.05


class SQLiteCheckpoints:
    """The thread, for the files of one process. Other processes may do the same with the same files."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = {path: path.with_name(f"{path.name}-wal") for path in files}
        self._seen: dict[Path, tuple[int, int]] = {}
        self._open: dict[Path, sqlite3.Connection] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sqlite checkpoints", daemon=True)

    def start(self) -> None:
        """Begins, if there is any file."""
        if self._files:
            self._thread.start()

    def stop(self) -> None:
        """Returns once no file is in use here. Stores that are closed after that move the rest."""
        self._ending.set()
        if self._files:
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            for path, wal in self._files.items():
                try:
                    self._checkpoint(path, wal)
                except (OSError, sqlite3.Error):
                    # No log, no space, or no such file any more: anew in the next round.
                    self._forget(path)
        for path in self._files:
            self._forget(path)

    def _checkpoint(self, path: Path, wal: Path) -> None:
        found = wal.stat()
        # A log that begins anew keeps its size: the time says that it was written.
        seen = (found.st_size, found.st_mtime_ns)
        if self._seen.get(path) == seen:
            return
        if path not in self._open:
            # Never makes the file: its store does, or nobody.
            address = f"{path.absolute().as_uri()}?mode=rw"
            self._open[path] = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
        blocked, pages, moved = self._open[path].execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        # Not all, if somebody reads what was before, or does the same at the moment.
        if not blocked and pages == moved:
            self._seen[path] = seen

    def _forget(self, path: Path) -> None:
        self._seen.pop(path, None)
        if (connection := self._open.pop(path, None)) is not None:
            connection.close()
