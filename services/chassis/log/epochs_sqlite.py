"""The epochs of a log that is an SQLite file: in a table beside its events, so that they are backed up together."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from services.chassis.engines.sqlite_connection import PATIENCE_SECONDS, StoreConnection, open_store
from services.chassis.engines.store_health import StoreHealth
from services.chassis.log.epochs import Epochs, Row, another

_SCHEMA: Final = """CREATE TABLE IF NOT EXISTS log_epochs (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, begins INTEGER NOT NULL, key BLOB NOT NULL)"""


def epochs_in_file(path: Path, health: StoreHealth | None = None) -> Epochs:
    """The epochs of a log that is there; the first begins when they are asked for the first time."""
    with closing(_opened(path, health)) as db:
        # Only the first time is anything written: a full disk is no reason not to start.
        if not (rows := _stored(db)):
            with db.transaction(PATIENCE_SECONDS):
                db.execute(_SCHEMA)
                if not (rows := _stored(db)):
                    rows = [_begin(db, rows)]
        return Epochs.of(rows)


def begin_in_restored_file(path: Path) -> None:
    """Another epoch for a log that was put back: whatever was recorded after the backup is not in it."""
    with closing(_opened(path, None)) as db, db.transaction(PATIENCE_SECONDS):
        db.execute(_SCHEMA)
        rows = _stored(db)
        if not rows:
            # Made by a version without epochs: it was written in the one before.
            rows = [_begin(db, rows)]
        _begin(db, rows)


def _opened(path: Path, health: StoreHealth | None) -> StoreConnection:
    db = open_store(path, health or StoreHealth("log"))
    db.execute("PRAGMA synchronous = FULL")
    return db


def _stored(db: StoreConnection) -> list[Row]:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'log_epochs'").fetchone():
        return []
    return db.execute("SELECT name, begins, key FROM log_epochs ORDER BY number").fetchall()


def _begin(db: StoreConnection, rows: list[Row]) -> Row:
    (head,) = db.execute("SELECT coalesce(max(position), 0) FROM stored_events").fetchone()
    row = another(rows, head)
    db.execute("INSERT INTO log_epochs (name, begins, key) VALUES (?, ?, ?)", row)
    return row
