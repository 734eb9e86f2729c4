"""Copies of several SQLite files: all of one moment, whatever is written meanwhile."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.chassis.engines.sqlite_moment import Unreadable, moment

WRITER = """
import sqlite3, sys
files = [sqlite3.connect(name, isolation_level=None) for name in sys.argv[1:]]
n = 0
while True:
    n += 1
    # What is in the second file follows from what is in the first, and that again from what is in the second.
    for file in files:
        file.execute("INSERT INTO told (n) VALUES (?)", (n,))
"""


def _nothing(*_: object) -> None:
    """Says nothing of its progress."""


def _make(file: Path) -> Path:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE told (n INTEGER PRIMARY KEY, padding BLOB DEFAULT (zeroblob(2000)))")
    return file


def _last(file: Path) -> int:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT COALESCE(MAX(n), 0) FROM told").fetchone()[0])


@contextmanager
def _writing(*files: Path) -> Iterator[None]:
    """Another process that commits to one file after the other, as fast as it can."""
    with subprocess.Popen([sys.executable, "-c", WRITER, *map(str, files)]) as writer:
        try:
            yield
        finally:
            writer.kill()


def test_copies_are_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """The first file is never behind the second, nor more than the one write ahead that was under way."""
    first, second = _make(tmp_path / "first.db"), _make(tmp_path / "second.db")
    seen = set()
    with _writing(first, second):
        for n in range(20):
            # In either order, so that the order of copying cannot be what makes it right.
            files = [first, second] if n % 2 else [second, first]
            with moment(files) as held:
                for file in files:
                    # Long enough for many a commit between one copy and the next.
                    time.sleep(0.02)
                    held.copy(file, tmp_path / f"{n}-{file.name}", _nothing)
            ahead = _last(tmp_path / f"{n}-{first.name}") - _last(tmp_path / f"{n}-{second.name}")
            assert ahead in {0, 1}
            seen.add(_last(tmp_path / f"{n}-{first.name}"))
    assert len(seen) > 10


def test_who_writes_goes_on_while_a_copy_is_made(tmp_path: Path) -> None:
    """Once the moment is fixed, nobody waits for a copy, however long it takes."""
    file = _make(tmp_path / "one.db")
    with moment([file]) as held:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as db:
            for n in range(1, 200):
                db.execute("INSERT INTO told (n) VALUES (?)", (n,))
        held.copy(file, tmp_path / "copy.db", _nothing)
    assert (_last(file), _last(tmp_path / "copy.db")) == (199, 0)


def test_progress_ends_with_all_of_the_bytes(tmp_path: Path) -> None:
    """Of a file of several portions, each is told, and the last makes it whole."""
    file = _make(tmp_path / "one.db")
    with closing(sqlite3.connect(file)) as db, db:
        db.executemany("INSERT INTO told (n) VALUES (?)", ((n,) for n in range(20_000)))
    told: list[tuple[int, int]] = []
    with moment([file]) as held:
        held.copy(file, tmp_path / "copy.db", lambda done, of: told.append((done, of)))
    size = (tmp_path / "copy.db").stat().st_size
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == (size, size)


def test_a_file_that_somebody_holds_on_to_is_given_up_in_time(tmp_path: Path) -> None:
    """The others are let go meanwhile: no writer waits longer than a pause for a copy that never comes."""
    free, held = _make(tmp_path / "a-free.db"), _make(tmp_path / "b-held.db")
    with closing(sqlite3.connect(held, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(Unreadable, match="another process holds"), moment([free, held], patience=1.5):
            pass
        assert time.monotonic() - started < 5
    with closing(sqlite3.connect(free, isolation_level=None, timeout=0)) as db:
        db.execute("INSERT INTO told (n) VALUES (1)")


@pytest.mark.parametrize("content", [b"no database at all, but longer than its header would be" * 40, b""])
def test_what_is_no_database_is_named_and_nothing_is_made_of_it(tmp_path: Path, content: bytes) -> None:
    """A damaged file is refused with its name; one that nobody has written to yet is an empty one."""
    file = tmp_path / "referral-log.db"
    file.write_bytes(content)
    if not content:
        with moment([file]) as held:
            held.copy(file, tmp_path / "copy.db", _nothing)
        return
    with pytest.raises(Unreadable, match=r"referral-log\.db cannot be read: file is not a database"), moment([file]):
        pass


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    """To be copied is no reason to exist."""
    with pytest.raises(Unreadable, match=r"gone\.db"), moment([tmp_path / "gone.db"]):
        pass
    assert not list(tmp_path.iterdir())


def test_a_copy_of_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """A page that was overwritten is found before anybody relies on the copy."""
    file = _make(tmp_path / "one.db")
    with closing(sqlite3.connect(file)) as db, db:
        db.executemany("INSERT INTO told (n) VALUES (?)", ((n,) for n in range(5_000)))
    with file.open("r+b") as damaged:
        for page in itertools.islice(itertools.count(10), 20):
            damaged.seek(4096 * page)
            damaged.write(os.urandom(512))
    with pytest.raises(Unreadable, match=r"one\.db is damaged"), moment([file]) as held:
        held.copy(file, tmp_path / "copy.db", _nothing)
