"""Questions to an index about several keys or values at once, on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.chassis.index.index import Value
from tests.chassis.indexing import OpenIndex, put


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
