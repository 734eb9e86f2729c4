"""When people are written to, unless they want each event at once: in the daytime of a working day where they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from services.chassis.modelling.days import time_zone
from services.chassis.time.calendar import WorkingDays

MORNING: Final = time(7, 30)
"""When the letters of a day go out."""
EVENING: Final = time(19)
"""From when on nobody is written to before the next morning of a working day."""


def is_daytime(at: datetime, zone: str) -> bool:
    """Whether it is between morning and evening of a working day there."""
    there = at.astimezone(time_zone(zone))
    return _works_on(there.date(), zone) and MORNING <= there.time() < EVENING


def next_morning(after: datetime, zone: str) -> datetime:
    """The first morning of a working day there behind an instant, in UTC."""
    there = after.astimezone(time_zone(zone))
    day = there.date() if there.time() < MORNING else there.date() + timedelta(days=1)
    while not _works_on(day, zone):
        day += timedelta(days=1)
    return datetime.combine(day, MORNING, time_zone(zone)).astimezone(UTC)


def _works_on(day: date, zone: str) -> bool:
    country = _countries().get(zone)
    if country is not None:
        working = WorkingDays(country)
        if working.unknown() is None:
            return working.has(day)
    return day.weekday() < 5


@cache
def _countries() -> dict[str, str]:
    """The country (ISO 3166-1 alpha-2) of each zone, as the time zone database lists them."""
    text = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
