"""What an index is asked and told about rows by their keys, values and order, on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.chassis.index.index import Value
from tests.chassis.indexing import OpenIndex, changing, put


async def test_the_first_rows_with_any_of_several_values_come_in_one_order(open_index: OpenIndex) -> None:
    """As with one value: bounded above, behind a place, up to the limit; NULL may be among them."""
    index = open_index()
    for n in range(9):
        await put(index, "group", f"k{n}", 1, order=f"2026-0{9 - n}", case=("x", "y", None)[n % 3], total=n % 2)

    async def keys(case: Sequence[str | None], **bounds: Any) -> list[str]:
        return [row.key for row in await index.first("group", "order", where={"case": case}, limit=9, **bounds)]

    assert await keys(["x", "y"]) == ["k7", "k6", "k4", "k3", "k1", "k0"]
    assert await keys(["y", None], at_most="2026-05") == ["k8", "k7", "k5", "k4"]
    assert await keys(["x", "y"], after=("2026-03", "k6")) == ["k4", "k3", "k1", "k0"]
    assert await keys([]) == []
    both: dict[str, Value | Sequence[Value]] = {"case": ["x", "y"], "total": [0, 1]}
    assert [row.key for row in await index.first("group", "order", where=both, limit=2)] == ["k7", "k6"]


async def test_rows_come_with_how_far_the_index_is(open_index: OpenIndex) -> None:
    """As `find` has them, also for several values, NULL among them; where nothing is found, how far all the same."""
    index = open_index()
    assert await index.find_and_through("group", {"case": "x"}, after=0, limit=9) == ([], 0)
    async with changing(index, through=12) as changes:
        for n in range(6):
            changes.put("group", f"k{n}", 10 - n, case=("x", "y", None)[n % 3])

    async def found(case: Any, after: int = 0, limit: int = 9) -> tuple[list[str], int]:
        rows, through = await index.find_and_through("group", {"case": case}, after=after, limit=limit)
        return [row.key for row in rows], through

    assert await found("x") == (["k3", "k0"], 12)
    assert await found(["x", "y"], limit=3) == (["k4", "k3", "k1"], 12)
    assert await found(["x", None], after=7) == (["k2", "k0"], 12)
    assert await found("nothing") == ([], 12)
    assert await found([]) == ([], 12)


async def test_rows_are_got_by_their_keys(open_index: OpenIndex) -> None:
    """Those that are there, each by its key; without keys, none."""
    index = open_index()
    for key in ("a", "b'", "c"):
        await put(index, "group", key, 1, case=key)
    found = await index.rows("group", ["c", "nobody", "b'", "c"])
    assert {key: (row.key, row.columns["case"]) for key, row in found.items()} == {"b'": ("b'", "b'"), "c": ("c", "c")}
    assert await index.rows("group", []) == {}


async def test_rows_in_the_order_of_a_column_are_paged_and_filtered(open_index: OpenIndex) -> None:
    """Equal values are ordered by key, so that a page goes on behind a value and a key without losing one."""
    index = open_index()
    for n in range(10):
        await put(index, "group", f"k{n}", 1, order=f"2026-0{1 + n % 2}", case=None if n < 8 else "x", total=n % 3)
    met: list[str] = []
    after: tuple[str, str] | None = None
    while page := await index.first("group", "order", where={"case": None}, after=after, limit=3):
        met += [row.key for row in page]
        after = str(page[-1].columns["order"]), page[-1].key
    assert met == ["k0", "k2", "k4", "k6", "k1", "k3", "k5", "k7"]
    assert [row.key for row in await index.first("group", "order", where={"total": 0, "case": "x"}, limit=9)] == ["k9"]


async def test_of_rows_that_are_put_together_some_may_be_there(open_index: OpenIndex) -> None:
    """New ones, ones that stay as they are, and ones of which any column changes, to none and from none too."""
    index = open_index()
    held = {"same": ("x", 1), "case": ("x", 1), "both": ("x", None), "none": ("x", 1)}
    for key, (was, of) in held.items():
        await put(index, "group", key, 1, case=was, total=of, order="kept")
    new = {
        "new": ("n", 5),
        "same": ("x", 1),
        "case": ("it's", 1),
        "both": (None, 2),
        "none": ("x", None),
        "also": ("n", None),
    }
    async with changing(index) as changes:
        for key, (case, total) in new.items():
            changes.put("group", key, 9, case=case, total=total)
    rows = await index.find("group", {}, after=0, limit=10)
    assert {row.key: (row.columns["case"], row.columns["total"]) for row in rows} == new
    kept = {row.key: (row.seq, row.columns["order"]) for row in rows}
    assert kept == {**dict.fromkeys(held, (1, "kept")), **dict.fromkeys(("new", "also"), (9, None))}
    for key in new:
        assert await index.get("group", key) == next(row for row in rows if row.key == key)
    assert {row.key for row in await index.find("group", {"case": "x"}, after=0, limit=10)} == {"same", "none"}


async def test_only_a_row_that_is_as_it_was_is_replaced(open_index: OpenIndex) -> None:
    """One that has changed in any column, NULL included, or is gone stays as it is; its place in lists stays too."""
    index = open_index()
    for key in ("a", "b", "c"):
        await put(index, "group", key, 7, case="x", order=None, total=1)
    held = await index.rows("group", ["a", "b", "c"])
    await put(index, "group", "b", 7, order="1")
    for key in ("a", "b"):
        await index.replace("group", held[key], {"case": None, "total": 2})
    await index.replace("group", held["a"], {})
    assert {row.key: row.columns for row in await index.find("group", {}, after=0, limit=10)} == {
        "a": {"case": None, "order": None, "total": 2},
        "b": {"case": "x", "order": "1", "total": 1},
        "c": {"case": "x", "order": None, "total": 1},
    }
    await index.replace("group", held["c"], {})
    await index.replace("group", held["c"], {"total": 3})
    assert {(row.key, row.seq) for row in await index.find("group", {}, after=0, limit=10)} == {("a", 7), ("b", 7)}


async def test_rows_have_no_other_columns_than_those_that_are_asked_for(open_index: OpenIndex) -> None:
    """Of one value and of several, NULL among them; the next question has all of them again."""
    index = open_index()
    for key, case in (("a", "x"), ("b", "y"), ("c", None)):
        await put(index, "group", key, 1 + ord(key), case=case, order=f"of {key}", total=1)
    for where, keys in (({}, "abc"), ({"case": "x"}, "a"), ({"case": ["x", "y", None]}, "abc")):
        few = await index.find("group", where, after=0, limit=9, only=("total", "order"))
        assert [(row.key, row.columns) for row in few] == [(key, {"total": 1, "order": f"of {key}"}) for key in keys]
        whole = await index.find("group", where, after=0, limit=9)
        assert [(row.seq, {"case", *row.columns} == {*row.columns}) for row in whole] == [
            (row.seq, True) for row in few
        ]
