"""When people are written to: in the daytime of a working day where they are, unless they want it otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from contracts.subscription_codes import Channel, Digest, LetterHours
from services.chassis.modelling.days import time_zone
from services.chassis.time.calendar import WorkingDays
from services.notifications.domain.subscription_events import Choices

MORNING: Final = time(7, 30)
"""When the letters of a day go out."""
EVENING: Final = time(19)
"""From when on nobody is written to before the next morning of a working day."""
WORK_BEGINS: Final = time(8)
WORK_ENDS: Final = time(18)
"""The working hours in which letters go out that are sent at once."""


def is_daytime(at: datetime, zone: str, begins: time = MORNING, ends: time = EVENING) -> bool:
    """Whether it is between these hours of a working day there: without them, between morning and evening."""
    there = at.astimezone(time_zone(zone))
    return _works_on(there.date(), zone) and begins <= there.time() < ends


def next_morning(after: datetime, zone: str, begins: time = MORNING) -> datetime:
    """The first morning of a working day there behind an instant, in UTC."""
    there = after.astimezone(time_zone(zone))
    day = there.date() if there.time() < begins else there.date() + timedelta(days=1)
    while not _works_on(day, zone):
        day += timedelta(days=1)
    return datetime.combine(day, begins, time_zone(zone)).astimezone(UTC)


def quiet_until(choices: Choices, at: datetime) -> datetime | None:
    """Until when no letter goes out to a mailbox of these choices; None where one may go out now.

    A digest has hours of its own.
    """
    zone = choices.time_zone
    if choices.channel != Channel.EMAIL:
        return None
    if choices.digest == Digest.DAILY:
        return None if is_daytime(at, zone) else next_morning(at, zone)
    if choices.hours == LetterHours.ANY or is_daytime(at, zone, WORK_BEGINS, WORK_ENDS):
        return None
    return next_morning(at, zone, WORK_BEGINS)


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
