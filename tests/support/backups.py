"""A data directory, backups of it, and people who run the commands."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import main
from tests.faults.processes import PROGRAM


@dataclass(frozen=True)
class Output:
    """What became of a command."""

    status: int
    out: str
    err: str

    def refuses(self, *words: str) -> None:
        """It ended badly, and said why in one line that has the words."""
        assert self.status == 2, self
        assert self.err.count("\n") == 1, self.err
        for word in words:
            assert word in self.err

    def is_done(self) -> None:
        """It ended well."""
        assert (self.status, self.err) == (0, ""), self


def caserelay(*arguments: object, data: Path, largest: int | None = None, **settings: str) -> Output:
    """Runs the command. `largest`: bytes beyond which it can write no file, as on a disk that is full."""
    environment = {f"CASERELAY_{name.upper()}": value for name, value in settings.items()} | {
        "CASERELAY_DATA": str(data)
    }
    if largest is None:
        # In this process, where it takes no time to start.
        unset = {name: None for name in os.environ if name.startswith("CASERELAY_")}
        ended = CliRunner().invoke(main, [*map(str, arguments)], env={**unset, **environment}, catch_exceptions=False)
        return Output(ended.exit_code, ended.stdout, ended.stderr)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env={**{name: value for name, value in os.environ.items() if not name.startswith("CASERELAY_")}, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=limit,
    )
    return Output(done.returncode, done.stdout, done.stderr)


def store(file: Path, events: int = 200) -> None:
    """A file such as a service keeps, still with a write-ahead log beside it if somebody has it open."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE IF NOT EXISTS stored_events (position INTEGER PRIMARY KEY AUTOINCREMENT, state BLOB)")
        db.execute("BEGIN")
        # Random, so that it is as large in an archive.
        db.executemany("INSERT INTO stored_events (state) VALUES (randomblob(?))", [(500,)] * events)
        db.execute("COMMIT")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of the referral service and the sandbox, as it is while nothing runs."""
    directory = tmp_path / "data"
    for name in ("referral-log.db", "referral-vault.db", "referral-index.db", "bus.db"):
        store(directory / name)
    (directory / "sandbox-clock.json").write_text('{"sandbox": "2026-01-05T08:00:00+00:00"}', encoding="utf-8")
    (directory / "issuer").mkdir()
    (directory / "issuer" / "ed25519.pem").write_text("a key", encoding="utf-8")
    return directory


@pytest.fixture
def archive(data: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    file = tmp_path / "backup.zip"
    caserelay("backup", file, data=data).is_done()
    return file


def rows(file: Path) -> list[Any]:
    """What a store holds."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        return db.execute("SELECT * FROM stored_events ORDER BY position").fetchall()


def names(directory: Path) -> set[str]:
    """All files below a directory; the sockets by which processes wake each other are none."""
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
