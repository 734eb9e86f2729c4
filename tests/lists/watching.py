"""What an index is asked, and what it does to answer: taken from the database itself, while services work with it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import AsyncCursor
from psycopg.sql import SQL, Literal

from services.chassis.index.index import Index
from services.chassis.index.postgres import PostgresIndex
from services.chassis.index.sqlite import SQLiteIndex

STEPS_PER_ROW: Final = 100
"""More of SQLite's instructions than a row of any of our tables takes, with its part of the way down an index."""
AT_ONCE: Final = 200
"""Rows that a look-up without a page may read: all of one case."""


@dataclass
class Seen:
    """The questions that were asked, each with what answers it cost that must not grow with the table."""

    asked: set[str] = field(default_factory=set)
    too_dear: list[str] = field(default_factory=list)


@contextmanager
def watched(index: Index, page: int) -> Iterator[Seen]:
    """Watches an index while pages of up to `page` rows are asked for; judges when the block ends."""
    seen = Seen()
    if isinstance(index, SQLiteIndex):
        with _watched_file(index, page, seen):
            yield seen
    else:
        assert isinstance(index, PostgresIndex)
        with _watched_database(index, page, seen):
            yield seen


@contextmanager
def _watched_file(index: SQLiteIndex, page: int, seen: Seen) -> Iterator[None]:
    db, asked, steps = index._db, list[str](), 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    db.set_trace_callback(asked.append)
    db.set_progress_handler(count, 10)
    yield
    db.set_trace_callback(None)
    db.set_progress_handler(None, 0)
    for statement in asked:
        if not _worth_a_look(statement):
            continue
        seen.asked.add(re.sub(r"'[^']*'|\b[0-9]+\b", "?", statement))
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
        if any(re.match(r"SCAN|USE TEMP", step) for step in plan):
            seen.too_dear.append(f"{plan}: {statement}")
    # Each question reads its page, and the start of it.
    if steps > len(asked) * STEPS_PER_ROW * (page + 2):
        seen.too_dear.append(f"{steps} steps for {len(asked)} questions: {asked[-1]}")


@contextmanager
def _watched_database(index: PostgresIndex, page: int, seen: Seen) -> Iterator[None]:
    asked: list[tuple[str, Mapping[Any, Any]]] = []

    class NotingReads(AsyncCursor[Any]):
        async def execute(self, query: Any, params: Any = None, **given: Any) -> Any:
            asked.append((query.decode(), params if isinstance(params, Mapping) else dict(enumerate(params or ()))))
            return await super().execute(query, params, **given)

    class NotingWrites(AsyncCursor[Any]):
        async def execute(self, query: Any, params: Any = None, **given: Any) -> Any:
            # A batch is one message, with its values in it.
            asked.extend((statement, {}) for statement in query.decode().split(";"))
            return await super().execute(query, params, **given)

    reading, writing = list(index._reading._idle), index._writing
    assert reading, "what is watched was asked something before"
    assert writing is not None, "what is watched has taken something in before"
    writing.cursor_factory = NotingWrites
    for connection in reading:
        connection.cursor_factory = NotingReads
    yield
    for connection in (*reading, writing):
        connection.cursor_factory = AsyncCursor
    for statement, values in {f"{one}": one for one in asked}.values():
        if not _worth_a_look(statement):
            continue
        seen.asked.add(statement)
        problem = _judged(_explained(index, statement, values), _most(values, page))
        if problem is not None:
            seen.too_dear.append(f"{problem}: {statement} {values}")


def _worth_a_look(statement: str) -> bool:
    # Of the position alone nothing can be too dear.
    alone = re.match(r'(SELECT through FROM|UPDATE) "?[a-z_]*progress', statement)
    return statement.startswith(("SELECT", "DELETE", "UPDATE", "INSERT")) and not alone


def _most(values: Mapping[Any, Any], page: int) -> int:
    if values.get("at most") == page:
        # A page, or a look of that size for each value of those that may be any of several.
        return (page + 1) * math.prod(len(value) for value in values.values() if isinstance(value, list))
    return AT_ONCE


def _explained(index: PostgresIndex, statement: str, values: Mapping[Any, Any]) -> dict[str, Any]:
    values = {name: value for name, value in values.items() if isinstance(name, int) or f"%({name})s" in statement}
    number = itertools.count(1)
    numbered = re.sub(r"%[sb]", lambda _: f"${next(number)}", statement)
    for n, name in enumerate(values, start=1):
        numbered = numbered.replace(f"%({name})s", f"${n}")
    with (
        psycopg.connect(index._database.conninfo) as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute("SET plan_cache_mode = force_custom_plan")
        connection.execute(f"PREPARE asked AS {numbered}".encode())
        given = SQL(", ").join(Literal(value) for value in values.values())
        called = SQL("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked {}")
        with_values = SQL("({})").format(given) if values else SQL("")
        rows = connection.execute(called.format(with_values)).fetchall()
    plan: dict[str, Any] = rows[0][0][0]["Plan"]
    return plan


def _judged(plan: dict[str, Any], most: int) -> str | None:
    read = 0
    for node in _nodes(plan):
        if "progress" in str(node.get("Relation Name")):
            # It has one row.
            continue
        if node["Node Type"] == "Seq Scan":
            return f"reads all of {node['Relation Name']}"
        if "Relation Name" in node and node["Node Type"] != "ModifyTable":
            skipped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            read += round((node["Actual Rows"] + skipped) * node["Actual Loops"])
    return f"reads {read} rows, not {most}" if read > most else None


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
