"""Terms and the days they end on, in a time zone with its working days.

Days are counted from the day after the one that starts the term, and the term ends with its last day. Terms in
calendar days end on whatever day that is, a Sunday included; working days skip the weekends of the country, the public
holidays of country and region, and the days on which its owner is closed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

import holidays
from holidays.registry import COUNTRIES

from services.chassis.modelling.days import day_in, end_of_day, time_zone
from services.chassis.modelling.deadline import Deadline, deadline_between

LONGEST: Final = 3660
"""Days. Longer than any retention period that starts with a term, and far from the end of the calendar."""

_ONE_DAY: Final = timedelta(days=1)
_COUNTRIES: Final = frozenset(names[1] for names in COUNTRIES.values())
"""The alpha-2 codes that holidays are known for. The library's own list of them imports all of its 250 modules."""


class UnknownTerm(LookupError):  # noqa: N818 - what the name is
    """There is no term of this name."""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days are working days.

    `country` is an ISO 3166-1 alpha-2 code, `region` the ISO 3166-2 code of a part of it with holidays of its own, and
    `closed` are days on which nobody works for the owner's own reasons.
    """

    country: str
    region: str | None = None
    closed: frozenset[date] = frozenset()

    def has(self, day: date) -> bool:
        """Whether the day is a working day. ValueError as `unknown` would tell."""
        return day not in self.closed and _works_on(day, self.country, self.region)

    def unknown(self) -> str | None:
        """What nobody keeps public holidays of, as a sentence with what would be accepted; None where all is known."""
        if self.country not in _COUNTRIES:
            return f"no public holidays are known for country {self.country!r}; give an ISO 3166-1 alpha-2 code"
        known = regions_of(self.country)
        if self.region is None or self.region in known:
            return None
        which = f"one of {', '.join(known)}" if known else "none: the regions of this country have no holidays to know"
        return f"no public holidays are known for region {self.region!r}; {which}; or name the days in closingDays"


class Calendar:
    """A set of terms, in a calendar of their own.

    `parameters` maps a deadline's name to its length and the unit of that, DAYS or WORKING_DAYS; `zone` is an IANA
    time zone; `country`, `region` and `closed` are those of WorkingDays. ValueError if a length is not within 1 to
    3660, a unit is unknown, or nobody keeps the zone or the public holidays: terms that cannot be computed must
    not be published.
    """

    __slots__ = ("_parameters", "_working", "_zone")

    def __init__(
        self,
        parameters: Mapping[str, tuple[int, str]],
        zone: str,
        country: str,
        region: str | None = None,
        closed: Iterable[date] = (),
    ) -> None:
        for name, (n, unit) in parameters.items():
            if not 1 <= n <= LONGEST:
                raise ValueError(f"term {name}: a length of {n} is not within 1 to {LONGEST}")
            if unit not in ("DAYS", "WORKING_DAYS"):
                raise ValueError(f"term {name}: unit {unit!r} is neither DAYS nor WORKING_DAYS")
        time_zone(zone)
        self._working = WorkingDays(country, region, frozenset(closed))
        if (unknown := self._working.unknown()) is not None:
            raise ValueError(unknown)
        self._parameters = dict(parameters)
        self._zone = zone

    def deadline(self, name: str, since: datetime) -> Deadline:
        """The deadline of the term `name` that starts at `since` (aware). UnknownTerm if there is no such term."""
        if since.tzinfo is None:
            raise ValueError("a term starts at an instant: `since` needs a time zone")
        try:
            n, unit = self._parameters[name]
        except KeyError:
            raise UnknownTerm(f"there is no term {name}") from None
        due_at = _due_at(day_in(self._zone, since), n, unit, self._zone, self._working)
        return deadline_between(name, since, due_at)

    def end_of_day(self, day: date) -> datetime:
        """The last second of a day in the calendar's time zone, in UTC."""
        return end_of_day(day, self._zone)

    def is_working_day(self, day: date) -> bool:
        """Whether the day is neither in a weekend nor a public holiday, nor one on which its owner is closed."""
        return self._working.has(day)


class CalendarSettings(Protocol):
    """What a calendar is made of; `terms` are lengths by name."""

    @property
    def terms(self) -> Mapping[str, TermLength]:
        """The length of each term, by its name."""

    @property
    def time_zone(self) -> str:
        """The IANA name of the zone."""

    @property
    def country(self) -> str:
        """See `WorkingDays`."""

    @property
    def region(self) -> str | None:
        """See `WorkingDays`."""

    @property
    def closing_days(self) -> Iterable[date]:
        """See `WorkingDays.closed`."""


class TermLength(Protocol):
    """So many days, of a unit that `Calendar` knows."""

    @property
    def n(self) -> int:
        """How many."""

    @property
    def unit(self) -> str:
        """DAYS or WORKING_DAYS."""


class Calendars:
    """Calendars of settings that never change under their name, each made once."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Calendar] = {}

    def of(self, name: Hashable, settings: CalendarSettings) -> Calendar:
        """The calendar of these settings. Raises ValueError as `Calendar` does."""
        if (made := self._made.get(name)) is None:
            lengths = {term: (length.n, length.unit) for term, length in settings.terms.items()}
            made = self._made[name] = Calendar(
                lengths, settings.time_zone, settings.country, settings.region, settings.closing_days
            )
        return made


@lru_cache(maxsize=256)
def regions_of(country: str) -> tuple[str, ...]:
    """The regions of a country that have public holidays of their own, as ISO 3166-2 codes; () where there are none."""
    return tuple(f"{country}-{region}" for region in holidays.country_holidays(country).subdivisions)


@lru_cache(maxsize=4096)
def _due_at(start: date, n: int, unit: str, zone: str, working: WorkingDays) -> datetime:
    if unit == "DAYS":
        return end_of_day(start + timedelta(days=n), zone)
    day = start
    while n:
        day += _ONE_DAY
        n -= working.has(day)
    return end_of_day(day, zone)


@lru_cache(maxsize=16_384)
def _works_on(day: date, country: str, region: str | None) -> bool:
    return bool(_calendar(country, region, day.year).is_working_day(day))


@lru_cache(maxsize=1024)
def _calendar(country: str, region: str | None, year: int) -> holidays.HolidayBase:
    part = region.removeprefix(f"{country}-") if region is not None else None
    return holidays.country_holidays(country, subdiv=part, years=year)
