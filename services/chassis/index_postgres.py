"""The index in a PostgreSQL schema of its own. Lost, it is rebuilt from the log; every version has its own tables.

So two versions of a service can run side by side during an upgrade, each on the index that it understands.

What a projection puts is gathered and sent as one statement per table: a row sent by itself costs more than making it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier

from services.chassis.index import Row, Table, Value
from services.chassis.postgres import Database, Inline, RefusedDatabase

_TEXT: Final = SQL('text COLLATE "C"')
_BEHIND_EVERY_TEXT: Final = "t"


@dataclass(slots=True)
class _Gathered:
    """Rows of one table that were put with the same columns, by their keys: what `seq` and columns will be."""

    columns: tuple[str, ...]
    statement: bytes
    rows: dict[str, tuple[int, tuple[str | None, ...]]] = field(default_factory=dict)

    def put(self, key: str, seq: int, values: tuple[str | None, ...]) -> None:
        # A row's place in lists is the first that it was given.
        earlier = self.rows.get(key)
        self.rows[key] = (seq if earlier is None else earlier[0], values)


class PostgresIndex:
    """An `Index` in one schema; `version` changes with the meaning of the tables."""

    def __init__(self, database: Database, tables: Sequence[Table], version: int) -> None:
        self._tables = {table.name: table for table in tables}
        self._version = version
        self._inline = Inline(database)
        # As bytes, because the driver would put a composed statement together again for every use.
        self._statements: dict[tuple[str, ...], bytes] = {}
        self._inside: Connection[Any] | None = None
        self._gathered: dict[str, _Gathered] = {}
        try:
            self._create(self._inline.connection())
        except psycopg.OperationalError as failure:
            raise RefusedDatabase(f"the index cannot be reached ({type(failure).__name__})") from None

    def _name(self, table: str, suffix: str = "") -> Identifier:
        return Identifier(f"{table}_v{self._version}{suffix}")

    def _create(self, connection: Connection[Any]) -> None:
        progress = self._name("progress")
        with connection.transaction():
            # Replicas start together, and CREATE IF NOT EXISTS is no protection against that.
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('caserelay index'))")
            known = connection.execute("SELECT to_regclass(%s)", (progress.as_string(connection),)).fetchone()
            if known is not None and known[0] is not None:
                return
            connection.execute(SQL("CREATE TABLE {} (through bigint NOT NULL)").format(progress))
            connection.execute(SQL("INSERT INTO {} VALUES (0)").format(progress))
            for table in self._tables.values():
                columns: list[Composable] = [
                    SQL("key {} PRIMARY KEY").format(_TEXT),
                    SQL("seq bigint NOT NULL"),
                    *(SQL("{} {}").format(Identifier(column), _TEXT) for column in table.columns),
                ]
                connection.execute(SQL("CREATE TABLE {} ({})").format(self._name(table.name), SQL(", ").join(columns)))
                for n, index in enumerate(table.sorted_by):
                    connection.execute(
                        SQL("CREATE INDEX {} ON {} ({})").format(
                            self._name(table.name, f"_{n}"), self._name(table.name), _names(index)
                        )
                    )

    def _statement(self, *key: str, make: Callable[[], Composed]) -> bytes:
        if (statement := self._statements.get(key)) is None:
            statement = self._statements[key] = make().as_bytes(self._inline.connection())
        return statement

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Index.transaction`."""
        connection = self._inline.connection()
        # Writes are sent without waiting for each one's answer; a question waits for all before it.
        with connection.transaction(), connection.pipeline():
            self._inside = connection
            try:
                connection.execute(SQL("SELECT through FROM {} FOR UPDATE").format(self._name("progress")))
                yield
                self._send_gathered(*self._gathered)
            finally:
                self._inside = None
                self._gathered.clear()

    def _rows(self, statement: bytes | Composed, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if self._inside is not None:
            self._send_gathered(*self._gathered)
            return self._inside.execute(statement, values).fetchall()
        return self._inline.repeat(lambda connection: connection.execute(statement, values).fetchall())

    def _do(self, statement: bytes | Composed, values: Sequence[object] = ()) -> None:
        if self._inside is not None:
            self._inside.execute(statement, values)
        else:
            self._inline.repeat(lambda connection: connection.execute(statement, values))

    def _send_gathered(self, *tables: str) -> None:
        for table in tables:
            if (gathered := self._gathered.pop(table, None)) is not None:
                self._put(gathered)

    def through(self) -> int:
        """See `IndexReader.through`."""
        statement = self._statement(
            "through", make=lambda: SQL("SELECT through FROM {}").format(self._name("progress"))
        )
        return int(self._rows(statement)[0][0])

    def advance(self, through: int) -> None:
        """See `Index.advance`."""
        statement = self._statement(
            "advance", make=lambda: SQL("UPDATE {} SET through = %s").format(self._name("progress"))
        )
        self._do(statement, (through,))

    def _row(self, table: str, values: Sequence[Any]) -> Row:
        key, seq, *columns = values
        return Row(key, seq, dict(zip(self._tables[table].columns, map(_value, columns), strict=True)))

    def _select(self, table: str) -> Composed:
        names = _names(("key", "seq", *self._tables[table].columns))
        return SQL("SELECT {} FROM {}").format(names, self._name(table))

    def get(self, table: str, key: str) -> Row | None:
        """See `IndexReader.get`."""
        statement = self._statement("get", table, make=lambda: SQL("{} WHERE key = %s").format(self._select(table)))
        rows = self._rows(statement, (key,))
        return self._row(table, rows[0]) if rows else None

    def put(self, table: str, key: str, seq: int, **columns: Value) -> None:
        """See `IndexWriter.put`."""
        names, values = tuple(columns), tuple(map(_text, columns.values()))
        gathered = self._gathered.get(table)
        if gathered is not None and gathered.columns != names:
            # The same row may be among both.
            self._send_gathered(table)
            gathered = None
        if gathered is None:
            gathered = _Gathered(names, self._statement("put", table, *names, make=lambda: self._putting(table, names)))
        gathered.put(key, seq, values)
        if self._inside is not None:
            self._gathered[table] = gathered
        else:
            self._put(gathered)

    def _put(self, gathered: _Gathered) -> None:
        seqs, values = zip(*gathered.rows.values(), strict=True)
        self._do(gathered.statement, (list(gathered.rows), list(seqs), *map(list, zip(*values, strict=True))))

    def _putting(self, table: str, columns: Sequence[str]) -> Composed:
        names = [self._column(table, column) for column in columns]
        changes = SQL(", ").join(SQL("{} = excluded.{}").format(name, name) for name in names)
        # A row that stays as it is need not be written into every index again.
        differs = SQL(" OR ").join(SQL("held.{} IS DISTINCT FROM excluded.{}").format(name, name) for name in names)
        return SQL("INSERT INTO {} AS held ({}) SELECT * FROM unnest({}) ON CONFLICT (key) DO {}").format(
            self._name(table),
            _names(("key", "seq", *columns)),
            SQL(", ").join([SQL("%b::text[]"), SQL("%b::bigint[]"), *[SQL("%b::text[]")] * len(names)]),
            SQL("UPDATE SET {} WHERE {}").format(changes, differs) if names else SQL("NOTHING"),
        )

    def delete(self, table: str, key: str) -> None:
        """See `IndexWriter.delete`."""
        self._send_gathered(table)
        self._do(SQL("DELETE FROM {} WHERE key = %s").format(self._name(table)), (key,))

    def delete_where(self, table: str, **columns: Value) -> None:
        """See `IndexWriter.delete_where`."""
        self._send_gathered(table)
        shape = ("delete", table, *(f"{column} {value is None}" for column, value in columns.items()))
        statement = self._statement(*shape, make=lambda: self._deleting(table, columns))
        self._do(statement, [_text(value) for value in columns.values() if value is not None])

    def _deleting(self, table: str, columns: Mapping[str, Value]) -> Composed:
        conditions = SQL(" AND ").join(self._condition(table, *one) for one in columns.items())
        return SQL("DELETE FROM {} WHERE {}").format(self._name(table), conditions)

    def _column(self, table: str, column: str) -> Identifier:
        if column not in self._tables[table].columns:
            msg = f"{table} has no column {column}"
            raise KeyError(msg)
        return Identifier(column)

    def _condition(self, table: str, column: str, value: Value) -> Composed:
        # Not IS NOT DISTINCT FROM, which uses no index.
        return SQL("{} IS NULL" if value is None else "{} = %s").format(self._column(table, column))

    def find(self, table: str, where: Mapping[str, Value | Sequence[Value]], *, after: int, limit: int) -> list[Row]:
        """See `IndexReader.find`."""
        one, several = dict[str, Value](), dict[str, list[str]]()
        for column, wanted in where.items():
            if isinstance(wanted, str | int) or wanted is None:
                one[column] = wanted
                continue
            several[column] = [_as_text(value) for value in dict.fromkeys(wanted) if value is not None]
            if None in wanted:
                known = [value for value in wanted if value is not None]
                looks = (self.find(table, {**where, column: look}, after=after, limit=limit) for look in (None, known))
                return sorted(itertools.chain(*looks), key=attrgetter("seq"))[:limit]
        shape = ("find", table, *several, "and", *(f"{column} {value is None}" for column, value in one.items()))
        statement = self._statement(*shape, make=lambda: self._finding(table, one, list(several)))
        known_values = [_text(value) for value in one.values() if value is not None]
        limits = (limit, limit) if several else (limit,)
        rows = self._rows(statement, (*several.values(), after, *known_values, *limits))
        return [self._row(table, row) for row in rows]

    def _finding(self, table: str, one: Mapping[str, Value], several: Sequence[str]) -> Composed:
        conditions = [SQL("seq > %s"), *(self._condition(table, column, value) for column, value in one.items())]
        # `seq` is the order of one value's rows only: each value is looked at by itself, up to the limit.
        values = [Identifier(f"any_{n}") for n in range(len(several))]
        for column, value in zip(several, values, strict=True):
            conditions.append(SQL('{} = {}.value COLLATE "C"').format(self._column(table, column), value))
        look = SQL("{} WHERE {} ORDER BY seq LIMIT %s").format(self._select(table), SQL(" AND ").join(conditions))
        if not several:
            return look
        lists = SQL(", ").join(SQL("unnest(%s::text[]) AS {} (value)").format(value) for value in values)
        return SQL("SELECT found.* FROM {}, LATERAL ({}) AS found ORDER BY seq LIMIT %s").format(lists, look)

    def first(
        self,
        table: str,
        column: str,
        *,
        where: Mapping[str, Value] | None = None,
        after: tuple[str, str] | None = None,
        at_most: str | None = None,
        limit: int = 1,
    ) -> list[Row]:
        """See `IndexReader.first`."""
        given = where or {}
        shape = (
            "first",
            table,
            column,
            str(after is None),
            *(f"{name} {value is None}" for name, value in given.items()),
        )
        statement = self._statement(
            *shape, make=lambda: self._ordering(table, column, given, further=after is not None)
        )
        values: list[object] = [_text(at_most) if at_most is not None else _BEHIND_EVERY_TEXT]
        values.extend(_text(value) for value in given.values() if value is not None)
        if after is not None:
            values.extend((_text(after[0]), after[1]))
        return [self._row(table, row) for row in self._rows(statement, (*values, limit))]

    def _ordering(self, table: str, column: str, where: Mapping[str, Value], *, further: bool) -> Composed:
        name = self._column(table, column)
        conditions = [SQL("{} <= %s").format(name), *(self._condition(table, *one) for one in where.items())]
        if further:
            conditions.append(SQL("({}, key) > (%s, %s)").format(name))
        return SQL("{} WHERE {} ORDER BY {}, key LIMIT %s").format(
            self._select(table), SQL(" AND ").join(conditions), name
        )

    def close(self) -> None:
        """See `Index.close`."""
        self._inline.close()


def _names(columns: Sequence[str]) -> Composed:
    return SQL(", ").join(map(Identifier, columns))


def _text(value: Value) -> str | None:
    return None if value is None else _as_text(value)


def _as_text(value: str | int) -> str:
    # A column holds numbers and texts, and orders numbers before texts, each kind as one expects.
    return f"i{value + 2**63:020d}" if isinstance(value, int) else f"s{value}"


def _value(text: str | None) -> Value:
    if text is None:
        return None
    return int(text[1:]) - 2**63 if text[0] == "i" else text[1:]
