"""The read-model port: an index over streams, so that lists find keys and answers stay folds over events.

An index holds no documents but, for some tables, what a page shows of a row. A table has the key of a stream, the
position of the stream's first event (which orders lists and never changes) and the columns that lists filter by. It is
filled by a projection that tails the log, and can be thrown away and rebuilt at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """An index table: its filter columns, and what is asked of it. A question that is not declared reads every row.

    `indexes` are the column sets that `find` is given, `()` for all rows. `orders` are those that `first` is given:
    the columns of its `where`, and last the column in whose order rows come. `wide`: a row has a document in it, which
    pages show and nothing searches.
    """

    name: str
    columns: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    orders: tuple[tuple[str, ...], ...] = ()
    wide: bool = False

    @property
    def sorted_by(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each index that a store makes, in their order, beside the one of the keys."""
        return (*((*columns, "seq") for columns in self.indexes), *((*columns, "key") for columns in self.orders))

    def serving(self, given: Iterable[str], order: tuple[str, ...]) -> tuple[str, ...] | None:
        """The columns before `order` in the index that has just the given ones there; None where there is none."""
        wanted = frozenset(given)
        for columns in self.sorted_by:
            before, behind = columns[: -len(order)], columns[-len(order) :]
            if behind == order and frozenset(before) == wanted:
                return before
        return None


@dataclass(frozen=True, slots=True)
class Row:
    """A key with its ordering position and its columns."""

    key: str
    seq: int
    columns: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Put:
    """Rows of one table with the same columns, by their keys: `seq`, and a value for each column."""

    table: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[int, tuple[Value, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delete:
    """Keys of rows to be removed."""

    table: str
    keys: list[str] = field(default_factory=list)


Step = Put | Delete
_DELETE: Final = ("delete", "")
"""No columns that are put together are called so."""


@dataclass(slots=True)
class _Written:
    """What the steps of one table have come to, by their numbers."""

    newest: dict[tuple[str, ...], int] = field(default_factory=dict)
    """The newest step of each shape."""
    keys: dict[str, int] = field(default_factory=dict)
    """The newest step that has a key."""


class Changes:
    """What a projection wants to have changed: steps for `Index.apply`, in their order.

    The later of two writes counts. Rows that are written alike are one step, as far as nothing else is done to them in
    between: a store writes many at once for little more than one.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._tables: defaultdict[str, _Written] = defaultdict(_Written)

    def put(self, table: str, key: str, seq: int, **columns: Value) -> None:
        """Adds a row, or changes the given columns of the one that is there (its `seq` stays)."""
        names = tuple(columns)
        step = self._joined(names, table, key)
        if not isinstance(step, Put):
            step = Put(table, names)
            self._began(step, names, key)
        earlier = step.rows.get(key)
        step.rows[key] = (seq if earlier is None else earlier[0], tuple(columns.values()))

    def delete(self, table: str, key: str) -> None:
        """Removes the row of a key, if there is one."""
        step = self._joined(_DELETE, table, key)
        if not isinstance(step, Delete):
            step = Delete(table)
            self._began(step, _DELETE, key)
        step.keys.append(key)

    def _joined(self, shape: tuple[str, ...], table: str, key: str) -> Step | None:
        """The newest step of a shape, unless one behind it touches the key."""
        written = self._tables[table]
        number = written.newest.get(shape, -1)
        if number < written.keys.get(key, 0):
            return None
        written.keys[key] = number
        return self.steps[number]

    def _began(self, step: Step, shape: tuple[str, ...], key: str) -> None:
        written = self._tables[step.table]
        written.newest[shape] = written.keys[key] = len(self.steps)
        self.steps.append(step)


class IndexReader(Protocol):
    """What views may ask. Every answer covers all positions up to what `through()` said before it.

    Two answers are of one moment only where an engine answers without giving way to others, as memory and SQLite do.
    """

    async def through(self) -> int:
        """The log position that the index has taken in."""

    async def get(self, table: str, key: str) -> Row | None:
        """The row of a key."""

    async def rows(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        """The rows of these keys, by key; those that are not there are left out."""

    async def find(
        self,
        table: str,
        where: Mapping[str, Value | Sequence[Value]],
        *,
        after: int,
        limit: int,
        only: Sequence[str] = (),
    ) -> list[Row]:
        """Rows with these values (a sequence: any of them) behind `seq` `after`, in the order of `seq`.

        With several values there is one look per value, so that each stops at `limit`. Rows have the columns `only`;
        without it, all of them.
        """

    async def find_and_through(
        self, table: str, where: Mapping[str, Value | Sequence[Value]], *, after: int, limit: int
    ) -> tuple[list[Row], int]:
        """What `find` answers, and what `through()` said before it: one question instead of two."""

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
        """The rows with the smallest values of a column, none above `at_most`, in order; equal ones by key.

        `after` is the (value, key) behind which to go on. `where` is as in `find`.
        """


class Index(IndexReader, Protocol):
    """What a projection fills. Raises Unavailable where the store does not answer, for questions as for changes."""

    async def apply(self, changes: Changes, *, after: int, through: int) -> bool:
        """Moves the index from position `after` to `through` with these changes: all of it or nothing.

        False, with nothing changed, if it is not at `after` any more: another process was first. Raises Unavailable
        when the store stays away; whether it was done is then unknown, and `through()` tells.
        """

    async def replace(self, table: str, held: Row, columns: Mapping[str, Value]) -> None:
        """Changes these columns of a row, whatever the position, or removes it where there are none.

        Nothing if the row is gone, or any of its columns is not as in `held` any more.
        """

    def close(self) -> None:
        """Lets go of files and connections."""
