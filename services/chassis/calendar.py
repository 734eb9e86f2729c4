"""Terms and the days they end on: a programme's time zone, its working days and its public holidays.

Days are counted from the day after the one that starts the term, and the term ends with its last day. Terms in
calendar days end on whatever day that is, a Sunday included; working days skip weekends and public holidays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from services.chassis.deadline import Deadline

LONGEST: Final = 3660
"""Days. Longer than any retention period that starts with a term, and far from the end of the calendar."""

_LAST_SECOND: Final = time(23, 59, 59)
_SATURDAY: Final = 5
_ONE_DAY: Final = timedelta(days=1)


class UnknownTerm(LookupError):  # noqa: N818 - what the name is
    """The programme has no term of this name."""


class Terms:
    """The terms of one programme version, in its own calendar.

    `parameters` maps a deadline's name to its length and the unit of that, DAYS or WORKING_DAYS; `zone` is an IANA
    time zone, `country` an ISO 3166-1 alpha-2 code. ValueError if a length is not within 1 to 3660, a unit is unknown,
    or nobody keeps the zone or the country's public holidays: a programme that cannot be reckoned must not be
    published.
    """

    __slots__ = ("_country", "_parameters", "_zone")

    def __init__(self, parameters: Mapping[str, tuple[int, str]], zone: str, country: str) -> None:
        for name, (n, unit) in parameters.items():
            if not 1 <= n <= LONGEST:
                raise ValueError(f"term {name}: a length of {n} is not within 1 to {LONGEST}")
            if unit not in ("DAYS", "WORKING_DAYS"):
                raise ValueError(f"term {name}: unit {unit!r} is neither DAYS nor WORKING_DAYS")
        _zone(zone)
        _public_holidays(country, 2026)
        self._parameters = dict(parameters)
        self._zone = zone
        self._country = country

    def deadline(self, name: str, since: datetime) -> Deadline:
        """The deadline of the term `name` that starts at `since` (aware). UnknownTerm if there is no such term."""
        if since.tzinfo is None:
            raise ValueError("a term starts at an instant: `since` needs a time zone")
        try:
            n, unit = self._parameters[name]
        except KeyError:
            raise UnknownTerm(f"the programme has no term {name}") from None
        due_at = _due_at(since.astimezone(_zone(self._zone)).date(), n, unit, self._zone, self._country)
        remind_at = since + (due_at - since) * 4 / 5
        return Deadline(name, due_at, remind_at.astimezone(UTC).replace(microsecond=0))

    def resumed(self, deadline: Deadline, paused_at: datetime, resumed_at: datetime) -> Deadline:
        """The deadline moved by what its term did not count while it stood still.

        A term in working days moves by the working days after the local date of `paused_at`, up to and including that
        of `resumed_at`; a term in days by the days between those dates. UnknownTerm if there is no such term.
        """
        try:
            _, unit = self._parameters[deadline.name]
        except KeyError:
            raise UnknownTerm(f"the programme has no term {deadline.name}") from None
        zone = _zone(self._zone)
        paused, resumed, due = (at.astimezone(zone).date() for at in (paused_at, resumed_at, deadline.due_at))
        still = (resumed - paused).days
        if unit == "WORKING_DAYS":
            still = sum(self.is_working_day(paused + timedelta(days=n)) for n in range(1, still + 1))
        if still <= 0:
            return deadline
        due_at = _due_at(due, still, unit, self._zone, self._country)
        return Deadline(deadline.name, due_at, deadline.remind_at + (due_at - deadline.due_at))

    def end_of_day(self, day: date) -> datetime:
        """The last second of a day in the programme's time zone, in UTC."""
        return end_of_day(day, self._zone)

    def is_working_day(self, day: date) -> bool:
        """Whether the day is neither in a weekend nor a public holiday."""
        return _is_working_day(day, self._country)


@lru_cache(maxsize=4096)
def end_of_day(day: date, zone: str) -> datetime:
    """The last second of a day in an IANA time zone, in UTC. ValueError if there is no such zone."""
    # fold=1: where clocks go back at midnight the day has two seconds named 23:59:59, and it ends with the later one.
    return datetime.combine(day, _LAST_SECOND, _zone(zone)).replace(fold=1).astimezone(UTC)


@lru_cache(maxsize=4096)
def _due_at(start: date, n: int, unit: str, zone: str, country: str) -> datetime:
    if unit == "DAYS":
        return end_of_day(start + timedelta(days=n), zone)
    day = start
    while n:
        day += _ONE_DAY
        n -= _is_working_day(day, country)
    return end_of_day(day, zone)


def _is_working_day(day: date, country: str) -> bool:
    return day.weekday() < _SATURDAY and day not in _public_holidays(country, day.year)


@lru_cache(maxsize=1024)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:  # how the library says that it does not know the country
        raise ValueError(f"no public holidays are known for country {country!r}") from None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone of the IANA database") from None
