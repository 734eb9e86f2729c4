"""What an index in PostgreSQL stores as text, and pieces of the statements that ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from services.chassis.index.index import Value

BEHIND_EVERY_TEXT: Final = "t"
"""Sorts behind whatever `as_text` makes."""
LISTED: Final = SQL("ARRAY(SELECT json_array_elements_text(%s))")
"""The texts of a JSON array."""


def shape_of(where: Mapping[str, Value]) -> Iterator[str]:
    """What tells one statement from another: the columns, and which of them are to be null."""
    return (f"{column} {value is None}" for column, value in where.items())


def placeholders(where: Mapping[str, Value]) -> dict[str, Composable]:
    """Where the values go, for those columns that are not to be null."""
    return {column: Placeholder(column) for column, value in where.items() if value is not None}


def compared(how: str, to: Mapping[str, Composable]) -> Composed:
    """Rows compared as a whole, which PostgreSQL answers from one stretch of an index."""
    return SQL("({}) {} ({})").format(names_of(tuple(to)), SQL(how), SQL(", ").join(to.values()))


def names_of(columns: Sequence[str]) -> Composed:
    """Names, separated by commas."""
    return SQL(", ").join(map(Identifier, columns))


def moving(progress: Identifier) -> Composed:
    """Moves the position from one to another."""
    # Where another process was first there is nothing to move to: the column refuses that, and the transaction
    # ends without a question in between that would hold its lock.
    return SQL("UPDATE {} SET through = CASE WHEN through = %s::bigint THEN %s::bigint END").format(progress)


def putting(table: Identifier, columns: Sequence[Identifier]) -> Composed:
    """Adds or changes rows, given as a JSON array of keys, one of `seq` and one for each column."""
    changes = SQL(", ").join(SQL("{} = excluded.{}").format(name, name) for name in columns)
    # A row that stays as it is need not be written into every index again.
    differs = SQL(" OR ").join(SQL("held.{} IS DISTINCT FROM excluded.{}").format(name, name) for name in columns)
    given = SQL(", ").join([SQL("key"), SQL("seq"), *columns])
    return SQL(
        "INSERT INTO {} AS held ({}) SELECT {} FROM ROWS FROM ({}) AS given ({}) ON CONFLICT (key) DO {}"
    ).format(
        table,
        given,
        SQL(", ").join([SQL("key"), SQL("seq::bigint"), *columns]),
        SQL(", ").join([SQL("json_array_elements_text(%s)")] * (len(columns) + 2)),
        given,
        SQL("UPDATE SET {} WHERE {}").format(changes, differs) if columns else SQL("NOTHING"),
    )


def deleting(table: Identifier) -> Composed:
    """Removes the rows with these keys."""
    return SQL("DELETE FROM {} WHERE key = ANY({})").format(table, LISTED)


def text_of(value: Value) -> str | None:
    """A value as it is stored."""
    return None if value is None else as_text(value)


def as_text(value: str | int) -> str:
    """A column holds numbers and texts, and orders numbers before texts, each kind as one expects."""
    return f"i{value + 2**63:020d}" if isinstance(value, int) else f"s{value}"


def value_of(text: str | None) -> Value:
    """The inverse of `text_of`."""
    if text is None:
        return None
    return int(text[1:]) - 2**63 if text[0] == "i" else text[1:]


def encoded(value: str | int | bytes) -> bytes:
    """What goes between the quotes of a literal."""
    return value if isinstance(value, bytes) else str(value).encode()
