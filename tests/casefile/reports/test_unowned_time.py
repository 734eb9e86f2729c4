"""How long cases were nobody's, in hours counted by hand."""

from __future__ import annotations

from datetime import date, datetime

from services.casefile.domain.suspension import SuspensionReviewed
from services.casefile.reports.report import History, Period
from services.casefile.reports.unowned_time import REPORT
from tests.casefile.reports.histories import INES, LOTTE, Entry, history, opened, rows_of, step
from tests.support.dates import on


def taken(at: datetime) -> Entry:
    """The counsellor has the case from now on."""
    return at, SuspensionReviewed(happened_at=at, opens=(step("NEXT_SERVICE", INES, at),))


def left(at: datetime) -> Entry:
    """The counsellor has it no more, and nobody else has."""
    return at, SuspensionReviewed(happened_at=at, closes=("NEXT_SERVICE",))


def twice_nobodys() -> History:
    """From ten to sixteen hours on 12 January, and for two days from noon of 14 January on."""
    return history(
        "c1",
        (on(12, 1, hour=10), opened("c1", on(12, 1, hour=10))),
        taken(on(12, 1, hour=16)),
        left(on(14, 1, hour=12)),
        taken(on(16, 1, hour=12)),
    )


def test_hours_without_an_owner_are_added_up() -> None:
    """6 hours and 48 hours; a case that always had an owner is not listed."""
    fine = history("c2", (on(12, 1), opened("c2", on(12, 1), step("NEXT_SERVICE", INES, on(12, 1)))))
    whose = {"agency": "vdab-gent", "programme": "mtw-be-2026", "organisation": None}
    assert rows_of(REPORT, twice_nobodys(), fine) == [{"case": "c1", **whose, "times": 2, "hours": 54.0}]


def test_a_case_that_two_had_at_once_was_not_nobodys() -> None:
    """That is another report's matter."""
    both = on(13, 1), SuspensionReviewed(happened_at=on(13, 1), opens=(step("NEXT_SERVICE", LOTTE, on(13, 1)),))
    told = history("c4", (on(12, 1), opened("c4", on(12, 1), step("NEXT_SERVICE", INES, on(12, 1)))), both)
    assert rows_of(REPORT, told, period=Period(now=on(1, 2))) == []


def test_only_hours_of_the_days_asked_for_count() -> None:
    """Of the two days those from the midnight before 15 January to the one behind it: 24 hours."""
    (row,) = rows_of(REPORT, twice_nobodys(), period=Period(date(2026, 1, 15), date(2026, 1, 15)))
    assert (row["times"], row["hours"]) == (1, 24.0)
    assert rows_of(REPORT, twice_nobodys(), period=Period(date(2026, 1, 13), date(2026, 1, 13))) == []


def test_a_time_that_goes_on_counts_until_the_newest_event_of_the_log() -> None:
    """From noon of 14 January to midnight of 15 January 2026 in Brussels: 36 hours."""
    told = history("c3", (on(14, 1, hour=12), opened("c3", on(14, 1, hour=12))))
    (row,) = rows_of(REPORT, told, period=Period(now=on(16, 1, hour=0)))
    assert row["hours"] == 36.0
