"""Copies of several SQLite files as they all stood at one moment, made while others write to them.

A writer commits to one file at a time. So if nobody can commit to any of the files for a moment, that moment is
one at which every process might have been killed: what is in the files then is what the system is built to start from.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

PAUSE_SECONDS: Final = 1.0
"""How long all the files are held at most: less than a writer waits for a lock, or a leader for its lease."""
PATIENCE_SECONDS: Final = 30.0
REST_SECONDS: Final = 0.2
PAGES_AT_ONCE: Final = 2048

Progress = Callable[[int, int], object]
"""Called with the number of bytes copied, and of how many."""


class Unreadable(Exception):  # noqa: N818 - reads as what happened
    """A file cannot be copied, or its copy is damaged; the text names the file and says why, and shows no data."""


class Moment:
    """Files as they stood at one moment. Each stays so until it is copied."""

    def __init__(self, readers: dict[Path, sqlite3.Connection]) -> None:
        self._readers = readers

    def copy(self, file: Path, to: Path, progress: Progress) -> None:
        """Makes the file `to`, looks it through, and lets go of `file`: its write-ahead log need grow no longer.

        `to` is not synced. Raises Unreadable, and sqlite3.OperationalError or OSError when it cannot be written.
        """
        reader = self._readers.pop(file)
        with closing(reader), closing(sqlite3.connect(to, isolation_level=None)) as copy:
            # It is read once and thrown away, so it needs neither a journal nor a sync.
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            (size,) = reader.execute("PRAGMA page_size").fetchone()

            def report(_: int, remaining: int, total: int) -> None:
                progress((total - remaining) * size, total * size)

            try:
                # The reader's transaction does not see what others commit meanwhile, so the copy never starts over.
                reader.backup(copy, pages=PAGES_AT_ONCE, progress=report)
            except sqlite3.DatabaseError as failure:
                raise (_unreadable(file, failure) if _is_damage(failure) else failure) from failure
        _look_through(file, to)


@contextmanager
def moment(files: Sequence[Path], patience: float = PATIENCE_SECONDS) -> Iterator[Moment]:
    """Holds the files for less than PAUSE_SECONDS, at a moment within `patience` seconds; none is made if missing.

    Raises Unreadable.
    """
    until = time.monotonic() + patience
    while True:
        with ExitStack() as opened:
            if (held := _held(files, opened)) is not None:
                yield held
                return
        if time.monotonic() > until:
            raise Unreadable("another process holds one of the files; nothing was copied")
        time.sleep(REST_SECONDS)


def _held(files: Sequence[Path], opened: ExitStack) -> Moment | None:
    """None when another process held a file for too long."""
    readers = {file: _opened(file, opened) for file in files}
    with ExitStack() as held:
        until: float | None = None
        for file in files:
            writer = _opened(file, held)
            until = until or time.monotonic() + PAUSE_SECONDS
            left = max(0, int((until - time.monotonic()) * 1000))
            writer.execute(f"PRAGMA busy_timeout = {left}")
            try:
                writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as failure:
                if failure.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    return None
                raise _unreadable(file, failure) from failure
            except sqlite3.DatabaseError as failure:
                raise _unreadable(file, failure) from failure
        for file, reader in readers.items():
            try:
                reader.execute("BEGIN")
                # Only the first look fixes what a transaction sees.
                reader.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            except sqlite3.DatabaseError as failure:
                raise _unreadable(file, failure) from failure
    return Moment(readers)


def _opened(file: Path, opened: ExitStack) -> sqlite3.Connection:
    try:
        # Never creates the file: only its store does.
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    except sqlite3.OperationalError as failure:
        raise _unreadable(file, failure) from failure
    # A connection that was closed before may be closed once more.
    opened.callback(connection.close)
    return connection


def _look_through(file: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as looking:
            (verdict,) = looking.execute("PRAGMA quick_check(1)").fetchone()
            # The copy is what it was made from, and it is to be one file without another beside it.
            found = verdict == "ok"
    except sqlite3.DatabaseError as failure:
        raise (_unreadable(file, failure) if _is_damage(failure) else failure) from failure
    if not found:
        # What SQLite says more of it may name a table, and helps nobody who has only the file.
        raise Unreadable(f"{file.name} is damaged: SQLite finds faults in it")


def _is_damage(failure: sqlite3.DatabaseError) -> bool:
    return failure.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _unreadable(file: Path, failure: sqlite3.DatabaseError) -> Unreadable:
    return Unreadable(f"{file.name} cannot be read: {failure} ({failure.sqlite_errorname})")
