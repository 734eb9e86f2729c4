"""What a statistic hides: few, and whatever few could be worked out from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import pytest

from services.casefile.reports.suppression import ALL, published

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


def test_a_single_hidden_part_takes_the_next_with_it() -> None:
    """Of 12 + 7 + 3 = 22 nobody may work out the 3: behind the last one in the order of names comes the first."""
    assert shown(table(brugwerk=12, duo=7, samenstap=3)) == {"brugwerk": None, "duo": 7, "samenstap": None, ALL: 22}


def test_hidden_parts_that_are_few_together_take_another_with_them() -> None:
    """1 + 2 are 3 together, which the total would tell."""
    assert shown(table(brugwerk=12, samenstap=1, duo=2)) == {"brugwerk": None, "samenstap": None, "duo": None, ALL: 15}


def test_a_total_goes_where_no_part_is_left_to_hide() -> None:
    """Where all parts are few, and few together, the total is few as well."""
    assert shown(table(brugwerk=1, samenstap=2)) == {"brugwerk": None, "samenstap": None, ALL: None}
    assert shown(table(brugwerk=4, samenstap=0)) == {"brugwerk": None, "samenstap": 0, ALL: None}


def test_what_splits_a_count_is_shown_all_or_not_at_all() -> None:
    """In one row answered is the sum of in time and late: the two late ones would follow from the five in time."""
    rows = [{"answered": 7, "inTime": 5, "late": 2}, {"answered": 7, "inTime": 7, "late": 0}]
    made = published(rows, counts=("answered", "inTime", "late"), sums=[("answered", ("inTime", "late"))])
    assert made == [{"answered": 7, "inTime": None, "late": None}, rows[1]]


def test_a_part_of_two_counts_hides_what_splits_either() -> None:
    """The ten are hidden beside the two, so the five may not stand beside the fifteen that they make with the ten."""
    row = {"a": 12, "x": 10, "y": 2, "b": 15, "z": 5}
    (made,) = published([row], counts=tuple(row), sums=[("a", ("x", "y")), ("b", ("x", "z"))])
    assert made == {"a": 12, "x": None, "y": None, "b": 15, "z": None}


def test_several_that_have_few_together_take_another_with_them() -> None:
    """Six of thirty are not answered, five of them with brugwerk: the total would tell that the others have one."""
    rows = [
        {"organisation": name, "reported": 10, "answered": 10 - late, "unanswered": late}
        for name, late in (("brugwerk", 5), ("duo", 1), ("samenstap", 0))
    ]
    made = published(
        rows,
        counts=("reported", "answered", "unanswered"),
        over="organisation",
        sums=[("reported", ("answered", "unanswered"))],
    )
    assert [(row["reported"], row["answered"], row["unanswered"]) for row in made] == [
        *[(10, None, None)] * 3,
        (30, 24, 6),
    ]


def test_a_measure_goes_with_the_count_that_it_rests_on() -> None:
    """The hours of three meetings are those of few people."""
    rows = [{"count": 3, "hours": 4.5}, {"count": 8, "hours": 12.0}]
    made = published(rows, counts=("count",), rests_on={"hours": "count"})
    assert [row["hours"] for row in made] == [None, 12.0]


def alike(tables: Iterable[Rows], **how: Any) -> Iterator[tuple[Rows, Rows]]:
    """What is shown of every table, with the tables that are shown so, cell by cell: all that a cell may be."""
    could_be: dict[str, list[Rows]] = {}
    shown_as: dict[str, Rows] = {}
    for rows in tables:
        made = published(rows, **how)
        told = json.dumps(made)
        shown_as[told] = made
        could_be.setdefault(told, []).append(whole(rows, **how))
    for told, could in could_be.items():
        yield (
            shown_as[told],
            [
                {column: {rows[number][column] for rows in could} for column in could[0][0]}
                for number in range(len(could[0]))
            ],
        )


def whole(rows: Rows, *, counts: tuple[str, ...], over: str | None = None, **_: Any) -> Rows:
    """The same table with nothing hidden."""
    if over is None:
        return rows
    return [*rows, {**rows[0], over: ALL, **{column: sum(row[column] for row in rows) for column in counts}}]


def betrayed(tables: Iterable[Rows], **how: Any) -> list[tuple[Rows, int, str]]:
    """The few that follow from what is shown: counts from 1 to 4 that no table that is shown so has otherwise."""
    return [
        (made, number, column)
        for made, could_be in alike(tables, **how)
        for number, values in enumerate(could_be)
        for column in how["counts"]
        if len(values[column]) == 1 and next(iter(values[column])) in range(1, 5)
    ]


GAPS = ("reported", "answered", "inTime", "late", "unanswered", "promised", "refused", "done", "open")
SUMS = (
    ("reported", ("answered", "unanswered")),
    ("answered", ("inTime", "late")),
    ("answered", ("promised", "refused")),
    ("promised", ("done", "open")),
)


def every_row_of_gaps(most: int) -> Iterator[Rows]:
    """Every row of up to so many gaps that adds up."""
    for reported in range(most + 1):
        for answered in range(reported + 1):
            for late, promised in product(range(answered + 1), repeat=2):
                for done in range(promised + 1):
                    left = (answered - promised, done, promised - done)
                    row = (reported, answered, answered - late, late, reported - answered, promised, *left)
                    yield [dict(zip(GAPS, row, strict=True))]


def every_table(organisations: int, most: int) -> Iterator[Rows]:
    """Every table of some organisations with up to so many altogether, of which some are answered."""
    for reported in product(range(most + 1), repeat=organisations):
        if sum(reported) <= most:
            for answered in product(*(range(count + 1) for count in reported)):
                yield [
                    {"organisation": f"o{n}", "reported": all_of, "answered": some, "unanswered": all_of - some}
                    for n, (all_of, some) in enumerate(zip(reported, answered, strict=True))
                ]


def test_no_few_of_a_row_follow_from_all_its_sums_together() -> None:
    """By brute force: a reader who knows how it is hidden, and adds up all that is shown, does not find them."""
    assert betrayed(every_row_of_gaps(16), counts=GAPS, sums=SUMS) == []


@pytest.mark.parametrize(("organisations", "most"), [(2, 24), (3, 14)])
def test_no_few_of_an_organisation_follow_from_totals_and_sums_together(organisations: int, most: int) -> None:
    """By brute force over all tables, with a total over the organisations."""
    how = {
        "counts": ("reported", "answered", "unanswered"),
        "over": "organisation",
        "sums": [("reported", ("answered", "unanswered"))],
    }
    assert betrayed(every_table(organisations, most), **how) == []


@pytest.mark.parametrize(("organisations", "most"), [(2, 30), (3, 24), (4, 16), (5, 12)])
def test_no_few_of_an_organisation_follow_from_a_total(organisations: int, most: int) -> None:
    """By brute force over all tables of one count with up to so many altogether."""
    tables = (
        [{"organisation": f"o{n}", "count": count} for n, count in enumerate(counts)]
        for counts in product(range(most + 1), repeat=organisations)
        if sum(counts) <= most
    )
    assert betrayed(tables, counts=("count",), over="organisation") == []
