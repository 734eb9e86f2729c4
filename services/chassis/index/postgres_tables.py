"""The tables of an index in PostgreSQL, with the indexes that their questions want."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier

from services.chassis.index.index import Table
from services.chassis.index.postgres_text import names_of

CREATION_SECONDS: Final = 30.0
"""For how long a process that starts waits for another one to create the tables."""
_TEXT_TYPE: Final = SQL('text COLLATE "C"')

Name = Callable[..., Identifier]
"""Makes a name in the index's version, of its own name and a suffix."""


def create_tables(connection: Connection[Any], tables: Collection[Table], name: Name) -> None:
    """Creates what is not there yet. Raises LockNotAvailable when another replica takes too long at it."""
    until = time.monotonic() + CREATION_SECONDS
    while not _is_there(connection, name):
        try:
            _create_all(connection, tables, name)
        except psycopg.errors.LockNotAvailable:
            # Another replica is at it.
            if time.monotonic() > until:
                raise


def _is_there(connection: Connection[Any], name: Name) -> bool:
    # Not by to_regclass: within a transaction a session takes its own word for what it did not find before.
    query = "SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = %s"
    return connection.execute(query, (name("progress").as_string(None).strip('"'),)).rowcount > 0


def _create_all(connection: Connection[Any], tables: Collection[Table], name: Name) -> None:
    with connection.transaction():
        # Replicas start together, and CREATE IF NOT EXISTS is no protection against that.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('caserelay index ' || current_schema()))")
        if _is_there(connection, name):
            return
        connection.execute(SQL("CREATE TABLE {} (through bigint NOT NULL)").format(name("progress")))
        connection.execute(SQL("INSERT INTO {} VALUES (0)").format(name("progress")))
        for table in tables:
            _create(connection, table, name)


def _create(connection: Connection[Any], table: Table, name: Name) -> None:
    columns: list[Composable] = [
        SQL("key {} PRIMARY KEY").format(_TEXT_TYPE),
        SQL("seq bigint NOT NULL"),
        *(SQL("{} {}").format(Identifier(column), _TEXT_TYPE) for column in table.columns),
    ]
    connection.execute(SQL("CREATE TABLE {} ({})").format(name(table.name), SQL(", ").join(columns)))
    for n, index in enumerate(table.sorted_by):
        connection.execute(
            SQL("CREATE INDEX {} ON {} ({})").format(name(table.name, f"_{n}"), name(table.name), names_of(index))
        )
