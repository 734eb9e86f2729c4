"""No statement of any store looks through what grows with the number of referrals."""

from __future__ import annotations

import gc
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.casefile.cases import CaseContext
from tests.support.people import INES, LOTTE

STAYS_SMALL: Final = (
    "progress",
    "lease",
    "places",
    "parked",
    "log_epochs",
    "secrets",
    "sqlite_",
    "member",
    "epochs",
    "keys",
)
"""Tables with a row for each part of the system, for each key that signs, or for each message that was not taken in."""


_VALUE: Final = re.compile(r"'(?:[^']|'')*'|\b\d+\b")


@contextmanager
def told() -> Iterator[dict[str, tuple[str, sqlite3.Connection]]]:
    """The statements that are run meanwhile, by their shapes: one of each, with its connection."""
    found: dict[str, tuple[str, sqlite3.Connection]] = {}
    followed = [one for one in gc.get_objects() if isinstance(one, sqlite3.Connection) and _is_open(one)]
    for connection in followed:
        connection.set_trace_callback(
            lambda text, of=connection: found.setdefault(_VALUE.sub("?", text), (text, of))  # type: ignore[misc]
        )
    yield found
    for connection in followed:
        connection.set_trace_callback(None)


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.set_trace_callback(None)
    except sqlite3.ProgrammingError:
        return False
    return True


def scans(connection: sqlite3.Connection, statement: str) -> list[str]:
    """Where the statement reads every row of a table, or sorts what it has found."""
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    lines = [str(line[3]) for line in plan]
    return [
        line
        for line in lines
        if (line.startswith("SCAN ") and not line.removeprefix("SCAN ").startswith(STAYS_SMALL))
        or "TEMP B-TREE" in line
    ]


@pytest.mark.on_files
async def test_no_statement_reads_a_whole_table_or_sorts_it(context: CaseContext) -> None:
    """Of all that are run while a case is lived through, its lists read, and its vault swept."""
    with told() as statements:
        case = await context.brought_to("FINALISED")
        for person in (INES, LOTTE):
            for path in ("/v1/referrals", "/v1/cases", "/v1/worklist", "/v1/feed", f"{case.path}/timeline"):
                await context.running.get(person, path)
        for service in context.running.services.values():
            if service.vault is not None and service.refers is not None:
                await service.vault.sweep(service.refers)
            await service.settled()
    kinds = ("SELECT", "INSERT", "UPDATE", "DELETE")
    asked = [(text, connection) for text, connection in statements.values() if text.lstrip().startswith(kinds)]
    assert len(asked) > 50
    assert [(text, found) for text, connection in asked if (found := scans(connection, text))] == []
