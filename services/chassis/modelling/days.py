"""Days and months, counted in one place: where a day begins and ends in a time zone, and which day a month leads to.

Months are counted as Regulation (EEC, Euratom) No 1182/71, Art. 3, counts them: to the same date of the last month,
and to the last day of that month where it has no such date.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

USUAL_ZONE: Final = "Europe/Brussels"
"""The time zone of a calendar that names none, and of days that belong to no calendar."""

FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC, microsecond=0)
"""With FIRST, the ends of the calendar: what a zone would put beyond them is on them."""

_LAST_SECOND: Final = time(23, 59, 59)
_ONE_DAY: Final = timedelta(days=1)


@lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    """An IANA time zone. ValueError if there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone of the IANA database") from None


def day_in(zone: str, at: datetime) -> date:
    """The day that it is in an IANA time zone at an instant (aware). ValueError if there is no such zone."""
    try:
        return at.astimezone(time_zone(zone)).date()
    except OverflowError:
        return at.date()


@lru_cache(maxsize=4096)
def end_of_day(day: date, zone: str) -> datetime:
    """The last second of a day in an IANA time zone, in UTC. ValueError if there is no such zone."""
    # fold=1: where clocks go back at midnight the day has two seconds named 23:59:59, and it ends with the later one.
    local = datetime.combine(day, _LAST_SECOND, time_zone(zone)).replace(fold=1)
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return LAST


def start_of_day(day: date, zone: str) -> datetime:
    """The first second of a day in an IANA time zone, in UTC; where clocks skip midnight, it is a later one."""
    if day == date.min:
        return FIRST
    return end_of_day(day - _ONE_DAY, zone) + timedelta(seconds=1)


def in_utc(at: datetime, timespec: str = "auto") -> str:
    """An instant (aware) as everything writes it that people or programs read: RFC 3339, in UTC, with Z.

    `timespec` is that of `datetime.isoformat`.
    """
    return at.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def months_after(day: date, months: int) -> date:
    """The same date so many months later; the last day of that month where it has no such date."""
    first, length = _month(day, months)
    return first.replace(day=min(day.day, length))


def last_day(start: date, months: int) -> date:
    """The last day of a period of so many months that begins with the day `start`.

    The day before the same date (from 19 February six months last until 18 August); where the last month has no such
    date, its last day (from 31 August until 28 or 29 February, from 31 October until 30 April).
    """
    first, length = _month(start, months)
    return first.replace(day=length) if start.day > length else first.replace(day=start.day) - _ONE_DAY


def _month(day: date, months: int) -> tuple[date, int]:
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    return first, calendar.monthrange(first.year, first.month)[1]
