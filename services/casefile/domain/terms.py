"""Terms and the deadlines that events keep: computed once, when they start, and never on replay."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol

from services.chassis.modelling.deadline import Deadline, deadline_between

_ONE_DAY = timedelta(days=1)


class ProgrammeCalendar(Protocol):
    """The terms of one programme version in its own calendar."""

    def deadline(self, name: str, since: datetime) -> Deadline:
        """The end of the term `name` (a key of the programme's terms) that starts at `since`."""

    def end_of_day(self, day: date) -> datetime:
        """The last second of a day in the programme's time zone, in UTC."""


def deadline(terms: ProgrammeCalendar, name: str, since: datetime) -> Deadline:
    """The deadline of a term that the programme sets."""
    return terms.deadline(name, since)


def until(terms: ProgrammeCalendar, name: str, since: datetime, day: date) -> Deadline:
    """A deadline at the end of a day that is given: by an agreement, or because its name says it (W4, M6, M12)."""
    return deadline_between(name, since, terms.end_of_day(day))


def day_of(terms: ProgrammeCalendar, at: datetime) -> date:
    """The calendar day of an instant in the programme's time zone."""
    day = at.date()
    while terms.end_of_day(day) < at.replace(microsecond=0):
        day += _ONE_DAY
    while terms.end_of_day(day - _ONE_DAY) >= at.replace(microsecond=0):
        day -= _ONE_DAY
    return day


def start_of(terms: ProgrammeCalendar, day: date) -> datetime:
    """The first second of a day in the programme's time zone, in UTC."""
    return terms.end_of_day(day - _ONE_DAY) + timedelta(seconds=1)
