"""Months lead to the day that Regulation 1182/71 says, and days begin and end where the people are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from services.chassis.modelling.days import day_in, end_of_day, last_day, months_after, start_of_day

FIRST = date(2024, 1, 1)
EIGHT_YEARS = [FIRST + timedelta(days=n) for n in range((date(2032, 1, 1) - FIRST).days)]
"""Two leap years among them, and every date that there is."""


def months_of_the_calendar() -> dict[tuple[int, int], list[date]]:
    """The days of each month, found by walking from day to day."""
    found: dict[tuple[int, int], list[date]] = {}
    for n in range((date(2036, 1, 1) - FIRST).days):
        day = FIRST + timedelta(days=n)
        found.setdefault((day.year, day.month), []).append(day)
    return found


@pytest.mark.parametrize(
    ("start", "last"),
    [
        (date(2025, 8, 31), date(2026, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2025, 8, 30), date(2026, 2, 28)),
        (date(2025, 8, 29), date(2026, 2, 28)),
        (date(2025, 8, 28), date(2026, 2, 27)),
        (date(2027, 8, 29), date(2028, 2, 28)),
        (date(2026, 10, 31), date(2027, 4, 30)),
        (date(2026, 2, 19), date(2026, 8, 18)),
        (date(2026, 3, 1), date(2026, 8, 31)),
        (date(2026, 1, 1), date(2026, 6, 30)),
        (date(2026, 7, 1), date(2026, 12, 31)),
    ],
)
def test_six_months_end_on_the_day_before_the_same_date_or_with_the_month(start: date, last: date) -> None:
    """Counted by hand; where the month has no such date, its last day is the last one."""
    assert last_day(start, 6) == last


@pytest.mark.parametrize("months", range(1, 25))
def test_every_day_of_eight_years_has_the_last_day_that_a_calendar_shows(months: int) -> None:
    """Found without arithmetic: the month is looked up, and in it the day before the same date."""
    calendar = months_of_the_calendar()
    order = list(calendar)
    for start in EIGHT_YEARS:
        month = calendar[order[order.index((start.year, start.month)) + months]]
        same = [day for day in month if day.day == start.day]
        assert months_after(start, months) == (same or month)[-1]
        assert last_day(start, months) == (same[0] - timedelta(days=1) if same else month[-1])


def test_a_later_start_never_ends_earlier() -> None:
    """Who starts a day later has as long or a day longer, wherever months are short."""
    ends = [last_day(start, 6) for start in EIGHT_YEARS]
    assert ends == sorted(ends)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("Europe/Brussels", date(2026, 1, 13), "2026-01-12T23:00:00Z", "2026-01-13T22:59:59Z"),
        ("Europe/Brussels", date(2026, 3, 29), "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"),
        ("America/New_York", date(2026, 1, 13), "2026-01-13T05:00:00Z", "2026-01-14T04:59:59Z"),
        # Clocks go forward at midnight: the day begins at one o'clock.
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00:00Z", "2026-04-24T20:59:59Z"),
        # Clocks go back at midnight: the last hour comes twice.
        ("America/Santiago", date(2026, 4, 4), "2026-04-04T03:00:00Z", "2026-04-05T03:59:59Z"),
    ],
)
def test_a_day_begins_and_ends_by_the_clocks_of_its_zone(zone: str, day: date, start: str, end: str) -> None:
    """Also on the days on which the clocks are changed."""
    assert start_of_day(day, zone) == datetime.fromisoformat(start)
    assert end_of_day(day, zone) == datetime.fromisoformat(end)
    assert day_in(zone, start_of_day(day, zone)) == day == day_in(zone, end_of_day(day, zone))
    assert day_in(zone, start_of_day(day, zone) - timedelta(seconds=1)) == day - timedelta(days=1)


@pytest.mark.parametrize("zone", ["Europe/Brussels", "America/New_York", "Pacific/Kiritimati", "UTC"])
def test_the_calendar_ends_and_no_zone_goes_beyond(zone: str) -> None:
    """A programme in force from the first day of all, or an instant at either end, has an answer and not a fault."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert first <= start_of_day(date.min, zone) <= end_of_day(date.min, zone)
    assert start_of_day(date.max, zone) <= end_of_day(date.max, zone) <= last
    assert day_in(zone, first) == date.min
    assert day_in(zone, last) >= date(9999, 12, 30)


def test_a_zone_that_there_is_not_is_refused_by_name() -> None:
    """Anyone who asks for it is told which one."""
    with pytest.raises(ValueError, match="Europe/Brussel"):
        day_in("Europe/Brussel", datetime(2026, 1, 12, tzinfo=UTC))
