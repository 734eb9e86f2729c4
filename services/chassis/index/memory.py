"""The index in memory, for tests and experiments: nothing survives the process.

Every question looks through all rows of its table, so it suits some thousands of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from services.chassis.index.index import Changes, Delete, Put, Row, Step, Table, Value


class MemoryIndexContents:
    """What is in one version of an index, for everybody in the process who opens it."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.through = 0
        self.columns = {table.name: table.columns for table in tables}
        self.rows: dict[str, dict[str, Row]] = {table.name: {} for table in tables}


class MemoryIndex:
    """An `Index` in memory, used from one event loop."""

    def __init__(self, contents: MemoryIndexContents) -> None:
        self._contents = contents

    async def through(self) -> int:
        """See `IndexReader.through`."""
        return self._contents.through

    async def apply(self, changes: Changes, *, after: int, through: int) -> bool:
        """See `Index.apply`."""
        if self._contents.through != after:
            return False
        # All of it or nothing: what cannot be done is found before anything is.
        for step in changes.steps:
            self._require(step.table, () if isinstance(step, Delete) else step.columns)
        for step in changes.steps:
            self._take(step)
        self._contents.through = through
        return True

    def _take(self, step: Step) -> None:
        rows = self._contents.rows[step.table]
        match step:
            case Put(table, columns, put):
                for key, (seq, values) in put.items():
                    held = rows.get(key) or Row(key, seq, dict.fromkeys(self._contents.columns[table]))
                    rows[key] = Row(key, held.seq, {**held.columns, **dict(zip(columns, values, strict=True))})
            case Delete(_, keys):
                for key in keys:
                    rows.pop(key, None)

    async def replace(self, table: str, held: Row, columns: Mapping[str, Value]) -> None:
        """See `Index.replace`."""
        self._require(table, columns)
        rows = self._contents.rows[table]
        if (row := rows.get(held.key)) is None or row.columns != held.columns:
            return
        if columns:
            rows[row.key] = Row(row.key, row.seq, {**row.columns, **columns})
        else:
            del rows[row.key]

    async def get(self, table: str, key: str) -> Row | None:
        """See `IndexReader.get`."""
        return self._contents.rows[table].get(key)

    async def rows(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        """See `IndexReader.rows`."""
        held = self._contents.rows[table]
        return {key: held[key] for key in keys if key in held}

    async def find(
        self,
        table: str,
        where: Mapping[str, Value | Sequence[Value]],
        *,
        after: int,
        limit: int,
        only: Sequence[str] = (),
    ) -> list[Row]:
        """See `IndexReader.find`."""
        self._require(table, where)
        found = (row for row in self._matching(table, where) if row.seq > after)
        rows = sorted(found, key=attrgetter("seq"))[:limit]
        return [Row(row.key, row.seq, {name: row.columns[name] for name in only}) for row in rows] if only else rows

    async def find_and_through(
        self, table: str, where: Mapping[str, Value | Sequence[Value]], *, after: int, limit: int
    ) -> tuple[list[Row], int]:
        """See `IndexReader.find_and_through`."""
        through = await self.through()
        return await self.find(table, where, after=after, limit=limit), through

    async def first(
        self,
        table: str,
        column: str,
        *,
        where: Mapping[str, Value | Sequence[Value]] | None = None,
        after: tuple[str, str] | None = None,
        at_most: str | None = None,
        limit: int = 1,
    ) -> list[Row]:
        """See `IndexReader.first`."""
        self._require(table, (column, *(where or ())))

        def place(row: Row) -> tuple[bool, Value, str]:
            return (*_in_order(row.columns[column]), row.key)

        rows = (row for row in self._matching(table, where or {}) if row.columns[column] is not None)
        if at_most is not None:
            rows = (row for row in rows if place(row)[:2] <= (True, at_most))
        if after is not None:
            rows = (row for row in rows if place(row) > (True, *after))
        return sorted(rows, key=place)[:limit]

    def _matching(self, table: str, where: Mapping[str, Value | Sequence[Value]]) -> Iterator[Row]:
        wanted = {
            column: frozenset([value] if isinstance(value, str | int) or value is None else value)
            for column, value in where.items()
        }
        for row in self._contents.rows[table].values():
            if all(row.columns[column] in values for column, values in wanted.items()):
                yield row

    def _require(self, table: str, columns: Iterable[str]) -> None:
        known = self._contents.columns[table]
        for column in columns:
            if column not in known:
                msg = f"{table} has no column {column}"
                raise KeyError(msg)

    def close(self) -> None:
        """See `Index.close`."""


def _in_order(value: Value) -> tuple[bool, Value]:
    """Numbers before texts, each kind as one expects."""
    return isinstance(value, str), value
