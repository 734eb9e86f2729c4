"""A question that an index was made for is answered by it, on each engine."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg

from services.chassis.engines.migrations import index_of
from services.chassis.index.index import Row
from services.chassis.index.postgres import PostgresIndex
from services.chassis.index.sqlite import SQLiteIndex
from tests.chassis.indexing import TABLES, changing


async def test_filters_with_an_index_use_it_and_need_no_sorting(tmp_path: Path) -> None:
    """A page of a long list costs what the page costs."""
    index = SQLiteIndex(tmp_path / "index.db", TABLES, 1)
    plans: list[str] = []

    def explain(statement: str) -> None:
        if statement.startswith("SELECT"):
            plans.extend(row[3] for row in index._db.execute(f"EXPLAIN QUERY PLAN {statement}"))

    index._db.set_trace_callback(explain)
    await index.find("group", {"case": "x"}, after=5, limit=10)
    index._db.set_trace_callback(None)
    index.close()
    assert plans == ["SEARCH group USING INDEX group_1 (case=? AND seq>?)"]


async def test_in_postgresql_a_batch_of_changes_is_one_message(database_url: str) -> None:
    """The server begins when it has all of it, so a process that is stopped while it sends holds no lock."""
    index = PostgresIndex(index_of(database_url, "counters"), TABLES, 1)
    async with changing(index, through=3) as changes:
        changes.put("group", "it's", 1, case="\\' ☃", order=None)
        changes.put("open_counters", "a", 2)
        changes.delete("open_counters", "b'")
    with psycopg.connect(database_url) as connection:
        said = "SELECT query, state FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'UPDATE%'"
        ((query, state),) = connection.execute(said).fetchall()
    assert (query.count("INSERT"), query.count("DELETE"), state) == (2, 1, "idle")
    found = await index.get("group", "it's")
    assert found is not None
    assert found.columns == {"case": "\\' ☃", "order": None, "total": None}
    index.close()


async def test_in_postgresql_filters_with_an_index_use_it(database_url: str) -> None:
    """A page of a long list costs what the page costs: no scan of the table, by the database's own count."""
    index = PostgresIndex(index_of(database_url, "counters"), TABLES, 1)
    async with changing(index) as changes:
        for n in range(3000):
            changes.put("group", f"k{n}", n, case=f"{n % 30}", order=f"{n:05d}")
    index.close()
    with psycopg.connect(index_of(database_url, "counters").conninfo, autocommit=True) as connection:
        connection.execute("ANALYZE")
        before = _scans(connection)
        questions: list[tuple[Callable[[PostgresIndex], Awaitable[list[Row] | tuple[list[Row], int]]], str]] = [
            (lambda asked: asked.find("group", {"case": "7"}, after=5, limit=10), "group_v1_1"),
            (lambda asked: asked.first("group", "order", limit=10, at_most="00100"), "group_v1_2"),
            (lambda asked: asked.find_and_through("group", {"case": "7"}, after=5, limit=10), "group_v1_1"),
        ]
        for question, used in questions:
            index = PostgresIndex(index_of(database_url, "counters"), TABLES, 1)
            assert await question(index) != []
            # A session tells what it scanned when it ends.
            index.close()
            while (after := _scans(connection)) == before:  # noqa: ASYNC110 - the statistics have no event for it
                await asyncio.sleep(0.05)
            assert after - before == Counter({used: 1})
            before = after


def _scans(connection: psycopg.Connection[Any]) -> Counter[str]:
    """How often each index of the table was scanned, and under its own name the table as a whole."""
    scanned = "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE relname = 'group_v1'"
    whole = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = 'group_v1'"
    rows = connection.execute(f"{scanned} UNION ALL {whole}").fetchall()
    return Counter({name: int(count) for name, count in rows})
