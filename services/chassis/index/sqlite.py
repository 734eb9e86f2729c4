"""The index in an SQLite file of its own. Lost or outdated, it is rebuilt from the log at the next start."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from operator import itemgetter
from pathlib import Path

from services.chassis.engines.sqlite_connection import open_kept, probed
from services.chassis.engines.store_health import StoreHealth
from services.chassis.engines.turns import in_turn
from services.chassis.index.index import Changes, Delete, Put, Row, Step, Table, Value


class SQLiteIndex:
    """An `Index` in one file; `version` changes with the meaning of the tables.

    Questions take microseconds, so they are answered on the event loop and give way to nobody: a thread would cost more
    than the answer. Only who writes waits for others, and does so beside the loop.
    """

    def __init__(self, path: Path, tables: Sequence[Table], version: int, health: StoreHealth | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._tables = {table.name: table for table in tables}
        self._puts: dict[tuple[str, ...], tuple[str, str]] = {}
        # Rebuildable, and its position commits with its rows: losing the newest commits costs nothing.
        self._db = open_kept(path, health or StoreHealth("index"), synchronous="NORMAL")
        # Keys are random: a page that is changed often on its way should be folded into the file only now and then,
        # and beside the event loop (`SQLiteCheckpoints`), of which this is not to get in the way.
        self._db.execute("PRAGMA wal_autocheckpoint = 8000")
        # In KiB. A batch changes more pages than fit by default, and each that does not is written and read twice.
        self._db.execute("PRAGMA cache_size = -8000")
        if not self._is_of(version):
            self._create(version)
        probed(path, self._db)

    def _is_of(self, version: int) -> bool:
        known = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'progress'").fetchone() is not None
        return known and self._db.execute("PRAGMA user_version").fetchone()[0] == version

    def _create(self, version: int) -> None:
        with self._db.transaction(self._db.health.turn_seconds):
            # Another process that starts may have been first, and be filling it.
            if self._is_of(version):
                return
            for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                self._db.execute(f'DROP TABLE "{name}"')
            self._db.execute("CREATE TABLE progress (through INTEGER NOT NULL)")
            self._db.execute("INSERT INTO progress VALUES (0)")
            for table in self._tables.values():
                columns = ", ".join(["key TEXT PRIMARY KEY", "seq INTEGER NOT NULL", *map(_quoted, table.columns)])
                # Ordered by its keys, a tree of wide rows is deep, and every new row moves some of its neighbours.
                kind = "" if table.wide else " WITHOUT ROWID"
                self._db.execute(f'CREATE TABLE "{table.name}" ({columns}){kind}')
                for n, index in enumerate(table.sorted_by):
                    names = ", ".join(map(_quoted, index))
                    self._db.execute(f'CREATE INDEX "{table.name}_{n}" ON "{table.name}" ({names})')
            self._db.execute(f"PRAGMA user_version = {version}")

    async def through(self) -> int:
        """See `IndexReader.through`."""
        return int(self._db.execute("SELECT through FROM progress").fetchone()[0])

    async def apply(self, changes: Changes, *, after: int, through: int) -> bool:
        """See `Index.apply`."""
        return await in_turn(lambda: self._apply(changes, after, through))

    def _apply(self, changes: Changes, after: int, through: int) -> bool:
        with self._db.transaction():
            moved = self._db.execute("UPDATE progress SET through = ? WHERE through = ?", (through, after)).rowcount
            if moved:
                for step in changes.steps:
                    self._take(step)
        return bool(moved)

    def _take(self, step: Step) -> None:
        match step:
            case Put(table, columns, rows):
                self._put(table, columns, rows)
            case Delete(table, keys):
                self._db.executemany(f'DELETE FROM "{table}" WHERE key = ?', [(key,) for key in keys])  # noqa: S608 - declared names

    def _row(self, table: str, values: Sequence[Value], only: Sequence[str] = ()) -> Row:
        key, seq, *columns = values
        return Row(str(key), int(seq or 0), dict(zip(only or self._tables[table].columns, columns, strict=True)))

    def _select(self, table: str, only: Sequence[str] = ()) -> str:
        names = ", ".join(["key", "seq", *map(_quoted, only or self._tables[table].columns)])
        return f'SELECT {names} FROM "{table}"'  # noqa: S608 - declared names

    async def get(self, table: str, key: str) -> Row | None:
        """See `IndexReader.get`."""
        values = self._db.execute(f"{self._select(table)} WHERE key = ?", (key,)).fetchone()
        return self._row(table, values) if values else None

    async def rows(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        """See `IndexReader.rows`."""
        marks = ", ".join("?" * len(keys))
        found = self._db.execute(f"{self._select(table)} WHERE key IN ({marks})", tuple(keys))
        return {str(values[0]): self._row(table, values) for values in found}

    def _put(self, table: str, columns: tuple[str, ...], rows: Mapping[str, tuple[int, tuple[Value, ...]]]) -> None:
        if (statements := self._puts.get((table, *columns))) is None:
            statements = self._puts[table, *columns] = self._putting(table, columns)
        add, look = statements
        added = self._db.executemany(add, [(key, seq, *values) for key, (seq, values) in rows.items()]).rowcount
        if added == len(rows):
            return
        # SQLite writes every index again that has a column which is set, whatever it is set to: so of the rows that
        # were there only what differs is set.
        changes: dict[tuple[int, ...], list[tuple[Value, ...]]] = {}
        for key, *held in self._db.execute(f"{look} ({', '.join('?' * len(rows))})", tuple(rows)):
            _, values = rows[key]
            if differing := tuple(n for n, value in enumerate(values) if value != held[n]):
                changes.setdefault(differing, []).append((*(values[n] for n in differing), key))
        for differing, changed in changes.items():
            names = ", ".join(f"{_quoted(columns[n])} = ?" for n in differing)
            self._db.executemany(f'UPDATE "{table}" SET {names} WHERE key = ?', changed)  # noqa: S608 - declared names

    def _putting(self, table: str, columns: tuple[str, ...]) -> tuple[str, str]:
        names = ["key", "seq", *(self._column(table, column) for column in columns)]
        marks = ", ".join("?" * len(names))
        add = f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({marks}) ON CONFLICT (key) DO NOTHING'  # noqa: S608 - declared names
        shown = ", ".join(["key", *names[2:]])
        return add, f'SELECT {shown} FROM "{table}" WHERE key IN'  # noqa: S608 - declared names

    async def replace(self, table: str, held: Row, columns: Mapping[str, Value]) -> None:
        """See `Index.replace`."""
        await in_turn(lambda: self._replace(table, held, columns))

    def _replace(self, table: str, held: Row, columns: Mapping[str, Value]) -> None:
        changes = ", ".join(f"{self._column(table, column)} = ?" for column in columns)
        do = f'UPDATE "{table}" SET {changes}' if columns else f'DELETE FROM "{table}"'  # noqa: S608 - declared names
        where = " AND ".join(f"{self._column(table, column)} IS ?" for column in held.columns)
        with self._db.transaction():
            values = (*columns.values(), held.key, *held.columns.values())
            self._db.execute(f"{do} WHERE key = ? AND {where}", values)

    def _column(self, table: str, column: str) -> str:
        if column not in self._tables[table].columns:
            msg = f"{table} has no column {column}"
            raise KeyError(msg)
        return _quoted(column)

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
        conditions = ["seq > ?", *(f"{self._column(table, column)} IS ?" for column in where)]
        by = self._index(table, where, "seq")
        statement = f"{self._select(table, only)}{by} WHERE {' AND '.join(conditions)} ORDER BY seq LIMIT ?"
        with ExitStack() as looks:
            # A cursor reads on only when it is asked: of all values together hardly more is read than is found.
            found = [
                looks.enter_context(closing(self._db.execute(statement, (after, *values, limit))))
                for values in _each(where)
            ]
            rows = list(itertools.islice(heapq.merge(*found, key=itemgetter(1)), limit))
        return [self._row(table, row, only) for row in rows]

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
        name = self._column(table, column)
        # Nothing is NULL and at most something. U+10FFFF sorts behind every time.
        end = at_most if at_most is not None else "\U0010ffff"
        conditions = [f"{name} <= ?", *(f"{self._column(table, wanted)} IS ?" for wanted in where or ())]
        if after is not None:
            conditions.append(f"({name}, key) > (?, ?)")
        by = self._index(table, where or {}, column, "key")
        statement = f"{self._select(table)}{by} WHERE {' AND '.join(conditions)} ORDER BY {name}, key LIMIT ?"
        place = 2 + self._tables[table].columns.index(column)
        with ExitStack() as looks:
            found = [
                looks.enter_context(closing(self._db.execute(statement, (end, *values, *(after or ()), limit))))
                for values in _each(where or {})
            ]
            rows = list(itertools.islice(heapq.merge(*found, key=itemgetter(place, 0)), limit))
        return [self._row(table, row) for row in rows]

    def _index(self, table: str, where: Iterable[str], *order: str) -> str:
        # Said, where one is declared: without statistics the planner prefers any other with as many columns.
        declared = self._tables[table]
        columns = declared.serving(where, order)
        return "" if columns is None else f' INDEXED BY "{table}_{declared.sorted_by.index((*columns, *order))}"'

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _each(where: Mapping[str, Value | Sequence[Value]]) -> Iterator[tuple[Value, ...]]:
    """The values of each look."""
    any_of = (
        [wanted] if isinstance(wanted, str | int) or wanted is None else dict.fromkeys(wanted)
        for wanted in where.values()
    )
    return itertools.product(*any_of)


def _quoted(column: str) -> str:
    # So that a column may be called `case` or `to`.
    return f'"{column}"'
