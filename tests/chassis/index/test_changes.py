"""Changes gather what is written alike into few steps, and come to the same as one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.chassis.index.index import Changes, Put, Row, Table
from services.chassis.index.memory import MemoryIndex, MemoryIndexContents

TABLES = (Table("one", columns=("owner", "total", "note")), Table("other", columns=("owner", "total", "note")))
Write = tuple[str, str, tuple[Any, ...]]

TABLE = st.sampled_from(("one", "one", "one", "other"))
KEY = st.sampled_from(("a1", "b1", "b2"))
COLUMNS = st.sampled_from((("total",), ("total", "note"), ("owner", "total")))
WRITE = st.one_of(
    st.tuples(st.just("put"), TABLE, st.tuples(KEY, st.integers(1, 99), COLUMNS)),
    st.tuples(st.just("delete"), TABLE, st.tuples(KEY)),
)


def gathered(writes: Sequence[Write]) -> Changes:
    """All of it as one batch."""
    changes = Changes()
    for what, table, given_ in writes:
        match what, given_:
            case "put", (key, seq, columns):
                values = {"owner": key[0], "total": seq, "note": "n" if seq % 2 else None}
                changes.put(table, key, seq, **{column: values[column] for column in columns})
            case _, (key,):
                changes.delete(table, key)
    return changes


async def _rows(batches: Sequence[Sequence[Write]]) -> dict[str, dict[str, Row]]:
    contents = MemoryIndexContents(TABLES)
    for n, batch in enumerate(batches):
        assert await MemoryIndex(contents).apply(gathered(batch), after=n, through=n + 1)
    return contents.rows


def _runs(writes: Sequence[Write], first: int) -> Iterator[Sequence[Write]]:
    yield writes[:first]
    yield writes[first:]


@given(writes=st.lists(WRITE, min_size=4, max_size=12), first=st.integers(0, 12))
@example(
    writes=[
        ("put", "one", ("b1", 1, ("owner", "total"))),
        ("delete", "one", ("a1",)),
        ("put", "one", ("b1", 2, ("total",))),
        ("delete", "one", ("b1",)),
        ("put", "one", ("b1", 3, ("total",))),
    ],
    first=0,
)
@settings(max_examples=600)
def test_a_batch_comes_to_the_same_as_its_writes_one_after_the_other(writes: Sequence[Write], first: int) -> None:
    """Whatever was there before: puts of all and of some columns, and removals, in any order."""

    async def at_once() -> None:
        alone = await _rows([[write] for write in writes])
        assert await _rows([writes]) == alone
        assert await _rows([*_runs(writes, first)]) == alone

    asyncio.run(at_once())


def test_a_batch_about_many_streams_is_few_steps() -> None:
    """Rows of different columns in turn, and what each stream removes before it puts: a step for each kind."""
    changes = Changes()
    for n in range(50):
        changes.put("one", f"{n}", n, total=n, note=None)
        changes.put("one", f"new {n}", n, owner=f"{n}", total=n)
        changes.delete("one", f"old {n}")
        changes.delete("other", f"old {n}")
        changes.put("other", f"{n}", n, owner=f"{n}", total=n)
    assert len(changes.steps) == 5
    assert sorted(len(step.rows) for step in changes.steps if isinstance(step, Put)) == [50, 50, 50]
