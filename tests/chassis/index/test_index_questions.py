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
