"""The tables of an index in PostgreSQL, with the indexes that their questions want."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier

from services.chassis.index.index import Table
from services.chassis.index.postgres_text import names_of

_TEXT_TYPE: Final = SQL('text COLLATE "C"')


def create_table(connection: Connection[Any], table: Table, name: Callable[..., Identifier]) -> None:
    """Creates a table; `name` makes a name in the index's version of its own and a suffix."""
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
