"""Committed pages are moved from the write-ahead logs into the files by a thread, and nobody depends on it."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.chassis.engines.sqlite_checkpoints import SQLiteCheckpoints

ROWS = 500


@contextmanager
def writer(path: Path) -> Iterator[Callable[[int], None]]:
    """Commits rows one by one, and never moves a page itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number INTEGER PRIMARY KEY, filling TEXT)")

        def write(rows: int) -> None:
            for _ in range(rows):
                connection.execute("INSERT INTO kept (filling) VALUES (?)", ("x" * 500,))

        yield write


@contextmanager
def checkpoints(*files: Path, pages: int = 1) -> Iterator[None]:
    """The thread is at work as long as the block runs."""
    thread = SQLiteCheckpoints(dict.fromkeys(files, pages))
    thread.start()
    try:
        yield
    finally:
        thread.stop()


def in_the_file(path: Path) -> int:
    """How many rows the file holds without its log."""
    alone = path.with_name("alone.db")
    shutil.copy(path, alone)
    with closing(sqlite3.connect(alone)) as connection:
        try:
            return int(connection.execute("SELECT COUNT(*) FROM kept").fetchone()[0])
        except sqlite3.DatabaseError:
            # Pages are being moved at this moment, or none was yet.
            return 0


def comes_to(path: Path, rows: int) -> None:
    """Returns once the file holds so many rows."""
    until = time.monotonic() + 10
    while in_the_file(path) < rows:
        assert time.monotonic() < until, in_the_file(path)
        time.sleep(0.01)


def test_what_was_committed_comes_into_the_file_while_its_writer_goes_on(tmp_path: Path) -> None:
    """All of it, also what is committed after a while of rest."""
    path = tmp_path / "log.db"
    with writer(path) as write:
        write(ROWS)
        assert in_the_file(path) == 0
        with checkpoints(path):
            for times in (1, 2, 3):
                comes_to(path, times * ROWS)
                time.sleep(0.2)
                write(ROWS)


def test_a_log_that_is_followed_begins_anew_and_does_not_grow(tmp_path: Path) -> None:
    """Its pages are used again after a rest, however much is written."""
    path = tmp_path / "log.db"
    wal = path.with_name("log.db-wal")
    with writer(path) as write:
        write(ROWS)
        once = wal.stat().st_size
        with checkpoints(path):
            for times in range(2, 6):
                write(ROWS)
                comes_to(path, times * ROWS)
        assert wal.stat().st_size < 3 * once


def test_a_log_in_which_little_is_written_is_left_alone(tmp_path: Path) -> None:
    """The commit that starts a log over waits for the disk: not for a page or two."""
    path = tmp_path / "log.db"
    with writer(path) as write:
        write(1)
        with checkpoints(path, pages=1000):
            comes_to(path, 1)
            for _ in range(10):
                write(1)
                time.sleep(0.1)
            assert in_the_file(path) == 1


@pytest.mark.parametrize("content", [None, b"no database" * 1000], ids=["missing", "damaged"])
def test_a_file_that_cannot_be_used_is_left_as_it_is_and_holds_up_no_other(
    tmp_path: Path, content: bytes | None
) -> None:
    """Nothing is made in its place."""
    good, bad = tmp_path / "good.db", tmp_path / "bad.db"
    bad.with_name("bad.db-wal").write_bytes(b"something")
    if content is not None:
        bad.write_bytes(content)
    with writer(good) as write, checkpoints(bad, good):
        write(ROWS)
        comes_to(good, ROWS)
    assert (bad.read_bytes() if bad.exists() else None) == content


def test_a_reader_that_stays_where_it_is_holds_up_only_what_came_after(tmp_path: Path) -> None:
    """The writer goes on, and what is written once the reader has gone brings the rest along."""
    path = tmp_path / "log.db"
    with writer(path) as write, checkpoints(path):
        write(ROWS)
        comes_to(path, ROWS)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT COUNT(*) FROM kept").fetchone() == (ROWS,)
            write(ROWS)
            time.sleep(0.3)
            assert in_the_file(path) == ROWS
            assert reader.execute("SELECT COUNT(*) FROM kept").fetchone() == (ROWS,)
        write(1)
        comes_to(path, 2 * ROWS + 1)


def test_a_thread_that_was_never_needed_can_be_stopped(tmp_path: Path) -> None:
    """Neither without files nor before its start is there anything to wait for."""
    SQLiteCheckpoints({}).stop()
    SQLiteCheckpoints({tmp_path / "log.db": 1}).stop()
