"""The terms of a programme in its calendar, and how a clock that stood still runs on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Protocol

from contracts.codes import TermUnit
from services.chassis.modelling.deadline import Deadline

_ONE_DAY = timedelta(days=1)


class ProgrammeCalendar(Protocol):
    """The terms of one programme version in its own calendar."""

    def deadline(self, name: str, since: datetime) -> Deadline:
        """The end of the term `name` (a key of the programme's terms) that starts at `since`."""

    def end_of_day(self, day: date) -> datetime:
        """The last second of a day in the programme's time zone, in UTC."""

    def is_working_day(self, day: date) -> bool:
        """Whether the day is neither in a weekend nor a public holiday."""


def deadline_of(terms: ProgrammeCalendar, term: str, since: datetime, *, name: str | None = None) -> Deadline:
    """The deadline of a term that starts at `since`; `name`, where it is not the term's own."""
    deadline = terms.deadline(term, since)
    return deadline if name is None else Deadline(name, deadline.due_at, deadline.remind_at)


def resumed(
    terms: ProgrammeCalendar, unit: str, deadline: Deadline, paused_at: datetime, resumed_at: datetime
) -> Deadline:
    """The deadline of a term in `unit`, without the days between the pause and the resumption.

    Not counted are the days after the one on which the clock stopped, up to and including the one on which it runs
    again: of a term in working days the working days among them, of a term in days all of them.
    """
    first, last, due = (day_of(terms, at) for at in (paused_at, resumed_at, deadline.due_at))
    if unit == TermUnit.DAYS:
        due += last - first
    else:
        for _ in range(sum(terms.is_working_day(day) for day in _days_after(first, last))):
            due = _next_working_day(terms, due)
    due_at = terms.end_of_day(due)
    return Deadline(deadline.name, due_at, deadline.remind_at + (due_at - deadline.due_at))


def day_of(terms: ProgrammeCalendar, at: datetime) -> date:
    """The calendar day of an instant in the programme's time zone."""
    day = at.date() - _ONE_DAY
    while terms.end_of_day(day) < at.replace(microsecond=0):
        day += _ONE_DAY
    return day


def _days_after(first: date, last: date) -> Iterable[date]:
    return (first + n * _ONE_DAY for n in range(1, (last - first).days + 1))


def _next_working_day(terms: ProgrammeCalendar, day: date) -> date:
    day += _ONE_DAY
    while not terms.is_working_day(day):
        day += _ONE_DAY
    return day


def find(deadlines: Iterable[Deadline], name: str) -> Deadline | None:
    """The deadline of that name, if it runs."""
    return next((deadline for deadline in deadlines if deadline.name == name), None)


def only(deadlines: Iterable[Deadline], *names: str) -> tuple[Deadline, ...]:
    """Those of the deadlines that have one of the names."""
    return tuple(deadline for deadline in deadlines if deadline.name in names)
