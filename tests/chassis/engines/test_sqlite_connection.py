"""How a file of a store is opened, and what becomes of one that is new."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.chassis.engines.sqlite_connection import open_kept
from services.chassis.engines.store_health import StoreHealth

TABLES = "SELECT name FROM sqlite_master"


@pytest.mark.parametrize(("asked", "kept"), [("NORMAL", 1), ("FULL", 2)])
def test_a_file_waits_for_the_disk_as_its_store_asks(tmp_path: Path, asked: str, kept: int) -> None:
    """Numbered as https://www.sqlite.org/pragma.html#pragma_synchronous has them."""
    for _ in range(2):
        with closing(open_kept(tmp_path / "a.db", StoreHealth("a"), synchronous=asked, schema="")) as opened:
            assert opened.execute("PRAGMA synchronous").fetchone() == (kept,)
            assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert not opened.in_transaction


def test_a_new_file_has_all_of_its_tables_or_none(tmp_path: Path) -> None:
    """They are made in one transaction, which waits for the disk once."""
    path, half = tmp_path / "a.db", "CREATE TABLE first (x); SELECT x FROM missing;"
    with pytest.raises(sqlite3.OperationalError, match="missing"):
        open_kept(path, StoreHealth("a"), synchronous="FULL", schema=half)
    with closing(sqlite3.connect(path)) as looking:
        assert looking.execute(TABLES).fetchall() == []
    schema = "CREATE TABLE IF NOT EXISTS first (x); CREATE TABLE IF NOT EXISTS second (x);"
    for _ in range(2):
        with closing(open_kept(path, StoreHealth("a"), synchronous="FULL", schema=schema)) as opened:
            assert opened.execute(TABLES).fetchall() == [("first",), ("second",)]
