"""What a statistic hides: few, and whatever few could be worked out from."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.casefile.reports.suppression import ALL, hidden_cells, published

Rows = list[dict[str, Any]]


def table(**counts: int) -> Rows:
    """A count per organisation."""
    return [{"quarter": "2026-Q1", "organisation": name, "count": count} for name, count in counts.items()]


def shown(rows: Rows) -> dict[str, int | None]:
    """What is shown of each organisation, and of all."""
    made = published(rows, counts=("count",), over="organisation", by=("quarter",))
    return {row["organisation"]: row["count"] for row in made}


def test_few_are_hidden_and_none_is_no_secret() -> None:
    """1 to 4 are few; 0 and 5 are shown."""
    rows = [{"count": count} for count in range(7)]
    assert [row["count"] for row in published(rows, counts=("count",))] == [0, None, None, None, None, 5, 6]


def test_a_single_hidden_part_takes_the_next_smaller_with_it() -> None:
    """Of 12 + 3 + 7 = 22 nobody may work out the 3."""
    assert shown(table(brugwerk=12, samenstap=3, duo=7)) == {"brugwerk": 12, "samenstap": None, "duo": None, ALL: 22}


def test_hidden_parts_that_are_few_together_take_another_with_them() -> None:
    """1 + 2 are 3 together, which the total would tell."""
    assert shown(table(brugwerk=12, samenstap=1, duo=2)) == {"brugwerk": None, "samenstap": None, "duo": None, ALL: 15}


def test_a_total_goes_where_no_part_is_left_to_hide() -> None:
    """Where all parts are few, and few together, the total is few as well."""
    assert shown(table(brugwerk=1, samenstap=2)) == {"brugwerk": None, "samenstap": None, ALL: None}
    assert shown(table(brugwerk=4, samenstap=0)) == {"brugwerk": None, "samenstap": 0, ALL: None}


def test_parts_that_make_a_hidden_total_are_not_all_shown() -> None:
    """In one row answered is the sum of in time and late: what hides one must not be undone by the others."""
    rows = [{"answered": 7, "inTime": 5, "late": 2}]
    made = published(rows, counts=("answered", "inTime", "late"), sums={"answered": ("inTime", "late")})
    assert made == [{"answered": 7, "inTime": None, "late": None}]


def test_a_measure_goes_with_the_count_that_it_rests_on() -> None:
    """The hours of three meetings are those of few people."""
    rows = [{"count": 3, "hours": 4.5}, {"count": 8, "hours": 12.0}]
    made = published(rows, counts=("count",), rests_on={"hours": "count"})
    assert [row["hours"] for row in made] == [None, 12.0]


CELL_COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=5)


@given(CELL_COUNTS)
def test_no_hidden_count_follows_from_what_is_shown(counts: list[int]) -> None:
    """By brute force: for every hidden count there is another table that shows the same and differs in it."""
    cells = {(number, "count"): count for number, count in enumerate(counts)}
    total = (len(counts), "count")
    cells[total] = sum(counts)
    hidden = hidden_cells(cells, [(total, tuple(cell for cell in cells if cell != total))])
    parts = [cell for cell in cells if cell in hidden and cell != total]
    assert {cell for cell, value in cells.items() if 0 < value < 5} <= hidden
    possible: dict[Any, set[int]] = {cell: set() for cell in hidden}
    left = sum(value for cell, value in cells.items() if cell not in hidden and cell != total)
    for guess in product(range(1, 13), repeat=len(parts)):
        if total not in hidden and sum(guess) + left != cells[total]:
            continue
        for cell, value in zip(parts, guess, strict=True):
            possible[cell].add(value)
        if total in hidden:
            possible[total].add(sum(guess) + left)
    assert all(len(values) > 1 for values in possible.values()), (cells, hidden)
