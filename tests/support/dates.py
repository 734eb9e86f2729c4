"""The days of the story that the tests tell, written out: none of them is computed by the code under test."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

BRUSSELS: Final = ZoneInfo("Europe/Brussels")

MONDAY: Final = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
"""12 January 2026, when the happy path begins and the clock of a test stands."""
TUESDAY: Final = datetime(2026, 1, 13, 10, tzinfo=UTC)
FRIDAY: Final = datetime(2026, 1, 16, 10, tzinfo=UTC)
NEXT_TUESDAY: Final = datetime(2026, 1, 20, 10, tzinfo=UTC)
JULY: Final = datetime(2026, 7, 6, 10, tzinfo=UTC)
"""6 July 2026, when the happy path ends: the agency accepts the handback."""


def on(day: int, month: int, year: int = 2026, hour: int = 10, minute: int = 0) -> datetime:
    """That hour of the day in Brussels, in UTC."""
    return datetime.combine(date(year, month, day), time(hour, minute), BRUSSELS).astimezone(UTC)


def end_of(day: int, month: int, year: int = 2026) -> datetime:
    """The last second of the day in Brussels, in UTC."""
    return datetime.combine(date(year, month, day), time(23, 59, 59), BRUSSELS).astimezone(UTC)


def january(day: int, hour: int = 10, minute: int = 0) -> datetime:
    """A time in January 2026, in UTC."""
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def day(year: int, month: int, day: int) -> datetime:
    """Ten o'clock in UTC on a day."""
    return datetime(year, month, day, 10, tzinfo=UTC)
