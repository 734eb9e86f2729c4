"""Nobody works out a hidden count by asking twice: with and without a filter, or for more and for fewer days."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

from services.casefile.reports import reliance
from services.casefile.reports.report import Period, Row, Wanted
from services.casefile.reports.service_gaps import REPORT
from tests.casefile.reports.histories import rows_of
from tests.casefile.reports.test_service_gaps import cases

TOLD = (*cases("brugwerk", 12, 1), *cases("samenstap", 3, 20), *cases("duo", 7, 30))
"""Twenty-two gaps of January: the three of samenstap are few."""
COUNTS = ("reported", "answered", "inTime", "late", "unanswered", "promised", "refused", "done", "open")


def key_of(row: Row) -> tuple[object, ...]:
    """What tells a row from the others."""
    return tuple(value for column, value in row.items() if column not in (*COUNTS, "nextActionDue"))


def test_the_total_less_the_others_does_not_tell_the_few() -> None:
    """22 less 12 less 7 would be 3: the 12 of the next in the order of names are hidden as well."""
    asked: dict[str, Row] = {}
    for organisation in ("ALL", "brugwerk", "samenstap", "duo"):
        (asked[organisation],) = rows_of(REPORT, *TOLD, wanted=Wanted(organisation=organisation))
    reported = {organisation: row["reported"] for organisation, row in asked.items()}
    assert reported == {"ALL": 22, "brugwerk": None, "samenstap": None, "duo": 7}


def test_all_answers_to_all_questions_show_the_same_cells() -> None:
    """Whatever filter and whatever days somebody asks by, a cell reads alike, so no two answers have a difference."""
    days = [date(2026, 1, 1) + timedelta(days=10 * n) for n in range(12)]
    known: dict[tuple[object, ...], Row] = {}
    filters = [Wanted(), *(Wanted(organisation=name) for name in ("brugwerk", "samenstap", "duo", "ALL"))]
    filters += [Wanted(programme="mtw-be-2026"), Wanted(of_agency="vdab-gent"), Wanted(of_organisation="samenstap")]
    for wanted, first, last in product(filters, days, days):
        if first <= last:
            for row in rows_of(REPORT, *TOLD, period=Period(first, last), wanted=wanted):
                assert known.setdefault(key_of(row), row) == row
    assert len(known) == 4


def test_a_filter_that_came_before_the_counting_would_tell_the_few() -> None:
    """What the two tests above keep from happening: the same three gaps, counted apart from the others and together."""
    without = [told for told in TOLD if told not in TOLD[12:15]]
    (total, *_), (less, *_) = rows_of(REPORT, *TOLD), rows_of(REPORT, *without)
    assert (total["organisation"], less["organisation"]) == ("ALL", "ALL")
    assert total["reported"] - less["reported"] == 3


def test_another_report_does_not_tell_what_this_one_hides() -> None:
    """Gaps stand in both: the 12 of brugwerk, shown in the other one, would tell the 3 of samenstap by the total."""
    told = [row for row in rows_of(reliance.REPORT, *TOLD) if row["measure"] == "GAPS"]
    assert {(row["organisation"], row["kind"]): row["count"] for row in told} == {
        ("brugwerk", "CHILDCARE"): None,
        ("brugwerk", "ALL"): None,
        ("samenstap", "CHILDCARE"): None,
        ("samenstap", "ALL"): None,
        ("duo", "CHILDCARE"): 7,
        ("duo", "ALL"): 7,
    }
