"""How many rows of its trees an index in a file writes: of the tables, and of everything that they are found by.

SQLite keeps a tree for each table and one for each of its indexes. It writes a row of every one when a row is added or
removed; when a row is changed, one of the table and of each index that has a column which is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.chassis.index.sqlite import SQLiteIndex


class RowsWritten:
    """Counts from when it is made, by SQLite's own triggers."""

    def __init__(self, index: SQLiteIndex) -> None:
        self._db = index._db
        self._db.execute("CREATE TEMP TABLE written (rows INTEGER)")
        self._db.execute("INSERT INTO written VALUES (0)")
        tables = self._db.execute("SELECT name, wr FROM pragma_table_list WHERE schema = 'main'").fetchall()
        number = 0
        for table, without_rowid in tables:
            if table in ("progress", "sqlite_schema"):
                continue
            indexes = list(self._indexes(table))
            trees = len(indexes) + (0 if without_rowid else 1)
            changes = [*(("UPDATE OF " + ", ".join(columns), 1) for kind, columns in indexes if kind != "pk")]
            for event, rows in (("INSERT", trees), ("DELETE", trees), ("UPDATE", 1), *changes):
                number += 1
                self._db.execute(
                    f'CREATE TEMP TRIGGER written_{number} AFTER {event} ON main."{table}"'  # noqa: S608 - names of the index
                    f" BEGIN UPDATE written SET rows = rows + {rows}; END"
                )

    def _indexes(self, table: str) -> Iterator[tuple[str, Sequence[str]]]:
        for name, kind in self._db.execute("SELECT name, origin FROM pragma_index_list(?)", (table,)).fetchall():
            columns = self._db.execute("SELECT name FROM pragma_index_info(?)", (name,)).fetchall()
            yield kind, [f'"{column}"' for (column,) in columns]

    def told(self) -> int:
        """How many since the last time."""
        (rows,) = self._db.execute("SELECT rows FROM written").fetchone()
        self._db.execute("UPDATE written SET rows = 0")
        return int(rows)
