"""Terms and the deadlines that events keep: computed once, when they start, and never on replay."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol

from msgspec import Struct

_ONE_DAY = timedelta(days=1)


class Deadline(Struct, frozen=True, kw_only=True):
    """What is due, until when, and when the awaited party is reminded (80 % of the term); aware UTC."""

    name: str
    due_at: datetime
    remind_at: datetime


class CalendarDeadline(Protocol):
    """A deadline as a programme's calendar gives it."""

    @property
    def due_at(self) -> datetime:
        """The end of the term."""

    @property
    def remind_at(self) -> datetime:
        """When 80 % of the term has passed."""


class Terms(Protocol):
    """The terms of one programme version in its own calendar."""

    def deadline(self, name: str, since: datetime) -> CalendarDeadline:
        """The end of the term `name` (a key of the programme's terms) that starts at `since`."""

    def end_of_day(self, day: date) -> datetime:
        """The last second of a day in the programme's time zone, in UTC."""


def deadline(terms: Terms, name: str, since: datetime) -> Deadline:
    """The deadline of a term that the programme sets."""
    computed = terms.deadline(name, since)
    return Deadline(name=name, due_at=computed.due_at, remind_at=computed.remind_at)


def until(terms: Terms, name: str, since: datetime, day: date) -> Deadline:
    """A deadline at the end of a day that is given: by an agreement, or because its name says it (W4, M6, M12)."""
    due_at = terms.end_of_day(day)
    return Deadline(name=name, due_at=due_at, remind_at=(since + (due_at - since) * 4 / 5).replace(microsecond=0))


def day_of(terms: Terms, at: datetime) -> date:
    """The calendar day of an instant in the programme's time zone."""
    day = at.date()
    while terms.end_of_day(day) < at.replace(microsecond=0):
        day += _ONE_DAY
    while terms.end_of_day(day - _ONE_DAY) >= at.replace(microsecond=0):
        day -= _ONE_DAY
    return day


def start_of(terms: Terms, day: date) -> datetime:
    """The first second of a day in the programme's time zone, in UTC."""
    return terms.end_of_day(day - _ONE_DAY) + timedelta(seconds=1)
