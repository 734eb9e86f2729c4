"""The index in a PostgreSQL schema of its own. Lost, it is rebuilt from the log; every version has its own tables.

So two versions of a service can run side by side during an upgrade, each on the index that it understands.

What a projection puts is gathered and sent as one statement per table: a row sent by itself costs more than making it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import Connection, Cursor
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
    rows: dict[str, tuple[Any, ...]] = field(default_factory=dict)


class PostgresIndex:
    """An `Index` in one schema; `version` changes with the meaning of the tables."""

    def __init__(self, database: Database, tables: Sequence[Table], version: int) -> None:
        self._tables = {table.name: table for table in tables}
        self._version = version
        self._inline = Inline(database)
        # As bytes, because the driver would put a composed statement together again for every use.
        self._statements: dict[tuple[str, ...], bytes] = {}
        self._inside: Connection[Any] | None = None
        self._locked: Cursor[Any] | None = None
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
                for n, index in enumerate([("seq",), *((*columns, "seq") for columns in table.indexes)]):
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
        # So BEGIN and COMMIT are sent by hand: the driver's own would each be waited for.
        self._inside = connection
        try:
            with connection.pipeline():
                connection.execute(b"BEGIN")
                self._locked = connection.execute(self._statement("lock", make=self._locking))
                yield
                self._send_gathered(*self._gathered)
                connection.execute(b"COMMIT")
        except BaseException:
            with suppress(psycopg.Error):
                connection.rollback()
            raise
        finally:
            self._inside = self._locked = None
            self._gathered.clear()

    def _locking(self) -> Composed:
        return SQL("SELECT through FROM {} FOR UPDATE").format(self._name("progress"))

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
        if self._locked is not None:
            # It was read with the lock, and nobody else moves it now.
            locked, self._locked = self._locked, None
            return int(locked.fetchall()[0][0])
        statement = self._statement(
            "through", make=lambda: SQL("SELECT through FROM {}").format(self._name("progress"))
        )
        return int(self._rows(statement)[0][0])

    def advance(self, through: int) -> None:
        """See `Index.advance`."""
        self._locked = None
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
        names = tuple(columns)
        gathered = self._gathered.get(table)
        if gathered is not None and gathered.columns != names:
            # The same row may be among both.
            self._send_gathered(table)
            gathered = None
        if gathered is None:
            gathered = _Gathered(names, self._statement("put", table, *names, make=lambda: self._putting(table, names)))
        if (earlier := gathered.rows.get(key)) is not None:
            # A row's place in lists is the first that it was given.
            seq = earlier[0]
        gathered.rows[key] = (seq, *map(_text, columns.values()))
        if self._inside is not None:
            self._gathered[table] = gathered
        else:
            self._put(gathered)

    def _put(self, gathered: _Gathered) -> None:
        columns = map(list, zip(*gathered.rows.values(), strict=True))
        self._do(gathered.statement, (list(gathered.rows), *columns))

    def _putting(self, table: str, columns: Sequence[str]) -> Composed:
        names = [self._column(table, column) for column in columns]
        changes = SQL(", ").join(SQL("{} = excluded.{}").format(name, name) for name in names)
        return SQL("INSERT INTO {} ({}) SELECT * FROM unnest({}) ON CONFLICT (key) DO {}").format(
            self._name(table),
            _names(("key", "seq", *columns)),
            SQL(", ").join([SQL("%b::text[]"), SQL("%b::bigint[]"), *[SQL("%b::text[]")] * len(names)]),
            SQL("UPDATE SET {}").format(changes) if names else SQL("NOTHING"),
        )

    def delete(self, table: str, key: str) -> None:
        """See `IndexWriter.delete`."""
        self._send_gathered(table)
        self._do(SQL("DELETE FROM {} WHERE key = %s").format(self._name(table)), (key,))

    def delete_where(self, table: str, **columns: Value) -> None:
        """See `IndexWriter.delete_where`."""
        self._send_gathered(table)
        conditions, values = list[Composable](), list[object]()
        for column, value in columns.items():
            self._equal(table, column, value, conditions, values)
        self._do(SQL("DELETE FROM {} WHERE {}").format(self._name(table), SQL(" AND ").join(conditions)), values)

    def _column(self, table: str, column: str) -> Identifier:
        if column not in self._tables[table].columns:
            msg = f"{table} has no column {column}"
            raise KeyError(msg)
        return Identifier(column)

    def _equal(self, table: str, column: str, value: Value, conditions: list[Composable], values: list[object]) -> None:
        # Not IS NOT DISTINCT FROM, which uses no index.
        name = self._column(table, column)
        if value is None:
            conditions.append(SQL("{} IS NULL").format(name))
        else:
            conditions.append(SQL("{} = %s").format(name))
            values.append(_text(value))

    def find(self, table: str, where: Mapping[str, Value | Sequence[Value]], *, after: int, limit: int) -> list[Row]:
        """See `IndexReader.find`."""
        conditions, values = list[Composable]([SQL("seq > %s")]), list[object]([after])
        for column, wanted in where.items():
            if isinstance(wanted, str | int) or wanted is None:
                self._equal(table, column, wanted, conditions, values)
                continue
            name = self._column(table, column)
            known = [_text(value) for value in wanted if value is not None]
            condition = SQL("{} = ANY(%s)").format(name)
            conditions.append(
                SQL("({} OR {} IS NULL)").format(condition, name) if len(known) < len(wanted) else condition
            )
            values.append(known)
        rows = self._rows(
            SQL("{} WHERE {} ORDER BY seq LIMIT %s").format(self._select(table), SQL(" AND ").join(conditions)),
            (*values, limit),
        )
        return [self._row(table, row) for row in rows]

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
        name = self._column(table, column)
        conditions = list[Composable]([SQL("{} <= %s").format(name)])
        values: list[object] = [_text(at_most) if at_most is not None else _BEHIND_EVERY_TEXT]
        for wanted, value in (where or {}).items():
            self._equal(table, wanted, value, conditions, values)
        if after is not None:
            conditions.append(SQL("({}, key) > (%s, %s)").format(name))
            values.extend((_text(after[0]), after[1]))
        rows = self._rows(
            SQL("{} WHERE {} ORDER BY {}, key LIMIT %s").format(
                self._select(table), SQL(" AND ").join(conditions), name
            ),
            (*values, limit),
        )
        return [self._row(table, row) for row in rows]

    def close(self) -> None:
        """See `Index.close`."""
        self._inline.close()


def _names(columns: Sequence[str]) -> Composed:
    return SQL(", ").join(map(Identifier, columns))


def _text(value: Value) -> str | None:
    # A column holds numbers and texts, and orders numbers before texts, each kind as one expects.
    if value is None:
        return None
    return f"i{value + 2**63:020d}" if isinstance(value, int) else f"s{value}"


def _value(text: str | None) -> Value:
    if text is None:
        return None
    return int(text[1:]) - 2**63 if text[0] == "i" else text[1:]
