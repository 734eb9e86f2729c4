"""What an index in PostgreSQL is asked when any of several values will do: a look per value, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from services.chassis.index.index import Value
from services.chassis.index.postgres_text import as_text, names_of, placeholders, text_of

Where = Mapping[str, Value | Sequence[Value]]


def without_none(where: Where) -> tuple[Where, ...] | None:
    """Two looks instead of one that asks for several values of which one is none; None where there is no such."""
    for column, wanted in where.items():
        if not (isinstance(wanted, str | int) or wanted is None) and None in wanted:
            known = [value for value in wanted if value is not None]
            return {**where, column: None}, {**where, column: known}
    return None


def split(where: Where) -> tuple[dict[str, Value], dict[str, list[str]]]:
    """The columns of which one value is asked for, and those of which any of several."""
    single, several = dict[str, Value](), dict[str, list[str]]()
    for column, wanted in where.items():
        if isinstance(wanted, str | int) or wanted is None:
            single[column] = wanted
        elif len(values := [value for value in dict.fromkeys(wanted) if value is not None]) == 1:
            # Of one value the planner knows more than of a list that may have any.
            single[column] = values[0]
        else:
            several[column] = [as_text(value) for value in values]
    return single, several


def bound(single: Mapping[str, Value], several: Mapping[str, list[str]]) -> dict[str, object]:
    """The values, by the names of their placeholders."""
    return {**several, **{column: text_of(value) for column, value in single.items()}}


def given(single: Mapping[str, Value], several: Sequence[str]) -> dict[str, Composable]:
    """Where the value of each column stands in a look; those that are to be null have none."""
    return placeholders(single) | {
        column: SQL('{}.value COLLATE "C"').format(Identifier(f"any {column}")) for column in several
    }


def each(several: Sequence[str], look: Composed, order: Sequence[str]) -> Composed:
    """One look per value: their order is that of one value's rows only, and each stops at the limit."""
    if not several:
        return look
    lists = SQL(", ").join(
        SQL("unnest({}::text[]) AS {} (value)").format(Placeholder(column), Identifier(f"any {column}"))
        for column in several
    )
    return SQL("SELECT found.* FROM {}, LATERAL ({}) AS found ORDER BY {} LIMIT {}").format(
        lists, look, names_of(order), Placeholder("at most")
    )


def beside(progress: Identifier, rows: Composed) -> Composed:
    """How far the index has come, and rows of that very moment; where there are none, one of nulls."""
    return SQL("SELECT progress.through, found.* FROM {} AS progress LEFT JOIN LATERAL ({}) AS found ON true").format(
        progress, rows
    )


def each_key(rows: Composed) -> Composed:
    """One look per key, each by the index of the keys: asked for any of many, a planner may read the whole table."""
    look = SQL('{} WHERE key = any_key.value COLLATE "C" LIMIT 1').format(rows)
    return SQL("SELECT found.* FROM unnest(%s::text[]) AS any_key (value), LATERAL ({}) AS found").format(look)
