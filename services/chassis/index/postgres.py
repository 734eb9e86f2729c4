"""The index in a PostgreSQL schema of its own. Lost, it is rebuilt from the log; every version has its own tables.

So two versions of a service can run side by side during an upgrade, each on the index that it understands.

A batch of changes is one message with one statement for the position and one for the rows of each table. The server
begins when it has all of it and commits at its end, so no lock is held for a client that does something else, or hangs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import Escaping
from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder
from pydantic_core import to_json

from services.chassis.engines.postgres import (
    Database,
    connect,
    connect_before_start,
    is_lost,
    make_undemanding,
    persist,
    plan_each_time,
    probed,
    refused_database,
)
from services.chassis.engines.postgres_connections import Connections
from services.chassis.engines.store_health import StoreHealth
from services.chassis.index.index import Changes, Delete, Put, Row, Step, Table, Value
from services.chassis.index.postgres_looks import beside, bound, each, each_key, given, split, without_none
from services.chassis.index.postgres_tables import create_tables
from services.chassis.index.postgres_text import (
    BEHIND_EVERY_TEXT,
    as_text,
    compared,
    deleting,
    encoded,
    moving,
    names_of,
    putting,
    shape_of,
    text_of,
    value_of,
)

LARGEST_PAGE: Final = 1_000
"""A caller that asks for more wants everything."""
READERS: Final = 4
"""As many questions are answered at a time; a change that was applied is seen by all that are asked after it."""
_Statement = tuple[bytes, Sequence[str | int | bytes]]


class PostgresIndex:
    """An `Index` in one schema; `version` changes with the meaning of the tables.

    Of several in one schema each has a `prefix` of its own before the names of its tables.
    """

    def __init__(
        self,
        database: Database,
        tables: Sequence[Table],
        version: int,
        health: StoreHealth | None = None,
        *,
        prefix: str = "",
    ) -> None:
        self._health = health or StoreHealth("index")
        self._tables = {table.name: table for table in tables}
        self._version = version
        self._prefix = prefix
        self._database = database
        self._reading = Connections(database, self._health, plan_each_time, most=READERS)
        # As bytes, because the driver would put a composed statement together again for every use.
        self._statements: dict[tuple[str, ...], bytes] = {}
        self._writing: AsyncConnection[Any] | None = None
        try:
            with connect_before_start(database) as connection:
                create_tables(connection, self._tables.values(), self._name)
        except psycopg.Error as failure:
            raise refused_database(failure, "the index in the database") from None
        move = f"UPDATE {prefix}progress_v{version} SET through = through"  # noqa: S608 - a number and a declared name
        probed(database, self._health, move, lambda: ())

    def _name(self, table: str, suffix: str = "") -> Identifier:
        return Identifier(f"{self._prefix}{table}_v{self._version}{suffix}")

    def _statement(self, *key: str, make: Callable[[], Composed]) -> bytes:
        if (statement := self._statements.get(key)) is None:
            statement = self._statements[key] = make().as_bytes(None)
        return statement

    async def apply(self, changes: Changes, *, after: int, through: int) -> bool:
        """See `Index.apply`."""
        # Repeated when the connection is lost: what was done before is then one of the cases of being not at `after`.
        move = self._statement("move", make=lambda: moving(self._name("progress"))), (after, through)
        statements = [move, *map(self._written, changes.steps)]
        try:
            await persist(lambda: self._commit(statements), health=self._health)
        except psycopg.errors.NotNullViolation as refused:
            if refused.diag.column_name != "through":
                raise
            return False
        return True

    async def _commit(self, statements: Sequence[_Statement]) -> None:
        if self._writing is None or self._writing.closed:
            self._writing = await connect(self._database, make_undemanding)
        connection = self._writing
        literal = Escaping(connection.pgconn).escape_literal
        # With the values in it, so that it goes as one message, and as one transaction without BEGIN and COMMIT.
        message = b";".join(text % tuple(literal(encoded(value)) for value in values) for text, values in statements)
        try:
            await connection.execute(message)
        except BaseException as failure:
            if not isinstance(failure, psycopg.Error) or is_lost(failure):
                # After a cancelled wait the next bytes on it are unknown.
                connection.pgconn.finish()
            raise

    async def _rows(
        self, statement: bytes, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[tuple[Any, ...]]:
        async def rows(connection: AsyncConnection[Any]) -> list[tuple[Any, ...]]:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchall() if cursor.description is not None else []

        return await self._reading.repeat(rows)

    async def through(self) -> int:
        """See `IndexReader.through`."""
        statement = self._statement(
            "through", make=lambda: SQL("SELECT through FROM {}").format(self._name("progress"))
        )
        ((through,),) = await self._rows(statement)
        return int(through)

    def _row(self, table: str, values: Sequence[Any], only: Sequence[str] = ()) -> Row:
        key, seq, *columns = values
        return Row(key, seq, dict(zip(only or self._tables[table].columns, map(value_of, columns), strict=True)))

    def _select(self, table: str, only: Sequence[str] = ()) -> Composed:
        names = names_of(("key", "seq", *(only or self._tables[table].columns)))
        return SQL("SELECT {} FROM {}").format(names, self._name(table))

    async def get(self, table: str, key: str) -> Row | None:
        """See `IndexReader.get`."""
        statement = self._statement("get", table, make=lambda: SQL("{} WHERE key = %s").format(self._select(table)))
        rows = await self._rows(statement, (key,))
        return self._row(table, rows[0]) if rows else None

    def _written(self, step: Step) -> _Statement:
        match step:
            case Put(table, names, rows):
                statement = self._statement(
                    "put",
                    table,
                    *names,
                    make=lambda: putting(self._name(table), [self._column(table, name) for name in names]),
                )
                seqs = [seq for seq, _ in rows.values()]
                values = [list(map(text_of, column)) for column in zip(*(row for _, row in rows.values()), strict=True)]
                return statement, [to_json(column) for column in (list(rows), seqs, *values)]
            case Delete(table, keys):
                statement = self._statement("delete", table, make=lambda: deleting(self._name(table)))
                return statement, (to_json(keys),)

    async def replace(self, table: str, held: Row, columns: Mapping[str, Value]) -> None:
        """See `Index.replace`."""
        shape = ("replace", table, *columns, "where", *shape_of(held.columns))
        make = lambda: self._replacing(table, held.columns, tuple(columns))  # noqa: E731 - as below
        new = [text_of(value) for value in columns.values()]
        old = [as_text(value) for value in held.columns.values() if value is not None]
        await self._rows(self._statement(*shape, make=make), [*new, held.key, *old])

    def _replacing(self, table: str, held: Mapping[str, Value], names: Sequence[str]) -> Composed:
        changes = SQL(", ").join(SQL("{} = %s").format(self._column(table, name)) for name in names)
        do = SQL("UPDATE {} SET {}" if names else "DELETE FROM {}").format(self._name(table), changes)
        conditions = SQL(" AND ").join([SQL("key = %s"), *(self._condition(table, *equal) for equal in held.items())])
        return SQL("{} WHERE {}").format(do, conditions)

    def _column(self, table: str, column: str) -> Identifier:
        if column not in self._tables[table].columns:
            msg = f"{table} has no column {column}"
            raise KeyError(msg)
        return Identifier(column)

    def _condition(self, table: str, column: str, value: Value) -> Composed:
        # Not IS NOT DISTINCT FROM, which uses no index.
        return SQL("{} IS NULL" if value is None else "{} = %s").format(self._column(table, column))

    async def rows(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        """See `IndexReader.rows`."""
        statement = self._statement("rows", table, make=lambda: each_key(self._select(table)))
        found = await self._rows(statement, (list(dict.fromkeys(keys)),))
        return {row.key: row for row in (self._row(table, values) for values in found)}

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
        if (apart := without_none(where)) is not None:
            looks = [await self.find(table, look, after=after, limit=limit, only=only) for look in apart]
            return sorted(itertools.chain(*looks), key=attrgetter("seq"))[:limit]
        single, several = split(where)
        paged = limit <= LARGEST_PAGE
        shape = ("find", table, str(paged), *several, "and", *shape_of(single), "only", *only)
        statement = self._statement(*shape, make=lambda: self._finding(table, single, list(several), only, paged=paged))
        found = await self._rows(statement, {**bound(single, several), "after place": after, "at most": limit})
        return [self._row(table, values, only) for values in found]

    async def find_and_through(
        self, table: str, where: Mapping[str, Value | Sequence[Value]], *, after: int, limit: int
    ) -> tuple[list[Row], int]:
        """See `IndexReader.find_and_through`."""
        if without_none(where) is not None:
            through = await self.through()
            return await self.find(table, where, after=after, limit=limit), through
        single, several = split(where)
        shape = ("find and through", table, *several, "and", *shape_of(single))
        statement = self._statement(
            *shape,
            make=lambda: beside(self._name("progress"), self._finding(table, single, list(several), (), paged=True)),
        )
        found = await self._rows(statement, {**bound(single, several), "after place": after, "at most": limit})
        # Where nothing is found there is one row, of nulls.
        rows = [self._row(table, values) for _, *values in found if values[0] is not None]
        return sorted(rows, key=attrgetter("seq")), int(found[0][0])

    def _finding(
        self, table: str, single: Mapping[str, Value], several: Sequence[str], only: Sequence[str], *, paged: bool
    ) -> Composed:
        begin: dict[str, Composable] = {"seq": Placeholder("after place")}
        look = self._look(table, single, given(single, several), ("seq",), begin=begin, end={}, paged=paged, only=only)
        return each(several, look, ("seq",))

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
        if (apart := without_none(where or {})) is not None:
            looks = [
                await self.first(table, column, where=look, after=after, at_most=at_most, limit=limit) for look in apart
            ]
            return sorted(itertools.chain(*looks), key=lambda row: (str(row.columns[column]), row.key))[:limit]
        single, several = split(where or {})
        further, paged = after is not None, limit <= LARGEST_PAGE
        shape = ("first", table, column, str(further), str(paged), *several, "and", *shape_of(single))
        statement = self._statement(
            *shape, make=lambda: self._ordering(table, column, single, list(several), further=further, paged=paged)
        )
        place, key = after or ("", "")
        bounds = {"after place": text_of(place), "after key": key, "at most": limit}
        end = text_of(at_most) if at_most is not None else BEHIND_EVERY_TEXT
        found = await self._rows(statement, {**bound(single, several), **bounds, "up to": end})
        return [self._row(table, values) for values in found]

    def _ordering(
        self,
        table: str,
        column: str,
        single: Mapping[str, Value],
        several: Sequence[str],
        *,
        further: bool,
        paged: bool,
    ) -> Composed:
        begin: dict[str, Composable] = {column: Placeholder("after place"), "key": Placeholder("after key")}
        end: dict[str, Composable] = {column: Placeholder("up to")}
        if not further:
            begin = {}
        order = (column, "key")
        look = self._look(table, single, given(single, several), order, begin=begin, end=end, paged=paged)
        return each(several, look, order)

    def _look(
        self,
        table: str,
        where: Mapping[str, Value],
        given: Mapping[str, Composable],
        order: tuple[str, ...],
        *,
        begin: Mapping[str, Composable],
        end: Mapping[str, Composable],
        paged: bool,
        only: Sequence[str] = (),
    ) -> Composed:
        """Rows with the `given` values, in order, behind `begin` and up to `end`."""
        conditions = [self._condition(table, name, None) for name, value in where.items() if value is None]
        # A page asks for a stretch of the one index that has all columns in their order. Asked for equal values, the
        # planner may as well go through all rows in the order of `seq` until it has found enough, and finds few.
        columns = self._tables[table].serving(given, order) if paged else None
        if columns is None:
            conditions += [SQL("{} = {}").format(self._column(table, name), value) for name, value in given.items()]
        held = {name: given[name] for name in columns or ()}
        if begin or held:
            conditions.append(compared(">" if begin else ">=", {**held, **begin}))
        if end or held:
            conditions.append(compared("<=", {**held, **end}))
        return SQL("{} WHERE {} ORDER BY {} LIMIT {}").format(
            self._select(table, only), SQL(" AND ").join(conditions), names_of((*held, *order)), Placeholder("at most")
        )

    def close(self) -> None:
        """See `Index.close`."""
        self._reading.close()
        if self._writing is not None:
            self._writing.pgconn.finish()
