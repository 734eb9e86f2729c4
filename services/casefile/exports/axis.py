"""The time axis of a drawing: cut into strips that are short enough to be read, each with its ticks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

_DAY: Final = timedelta(days=1)
MOST_STRIPS: Final = 4
_LENGTHS: Final = (1, 3, 7, 14, 31, 62, 92, 183, 366, 731, 1827, 3653)
"""Days that a strip may have."""
_IN_MONTHS: Final = ((92, 1), (366, 2), (731, 4), (1827, 12), (3653, 24))
"""From so many days on, the months between two ticks; before that they are days apart."""
_IN_DAYS: Final = ((1, 0.25), (3, 0.5), (7, 1), (14, 2), (31, 5), (62, 10))


class Strip(NamedTuple):
    """A part of the axis, with its ticks and what is written at them."""

    begin: datetime
    end: datetime
    ticks: tuple[tuple[datetime, str], ...]


def strips(first: datetime, last: datetime) -> list[Strip]:
    """The strips from one moment to another, all of one length."""
    begin = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = max(last - begin, _DAY)
    days = next((days for days in _LENGTHS if span <= MOST_STRIPS * days * _DAY), _LENGTHS[-1])
    # What fits on one strip takes no longer one than it needs.
    length = min(days * _DAY, span) if span <= days * _DAY else days * _DAY
    found: list[Strip] = []
    while begin < last or not found:
        end = begin + length
        found.append(Strip(begin, end, tuple(_ticks(begin, end, days))))
        begin = end
    return found


def _ticks(begin: datetime, end: datetime, days: int) -> Iterator[tuple[datetime, str]]:
    months = next((months for least, months in reversed(_IN_MONTHS) if days >= least), None)
    if months is None:
        apart = next(apart for most, apart in _IN_DAYS if days <= most) * _DAY
        at = begin
        while at < end:
            yield at, f"{at.day} {at:%b %Y}" if apart >= _DAY or at.hour == 0 else f"{at:%H:%M}"
            at += apart
        return
    at = begin
    if begin.day > 1:
        yield begin, f"{begin.day} {begin:%b %Y}"
        at = _month_after(begin, 1)
        if at - begin < (end - begin) / 12:
            at = _month_after(at, 1)
    while at < end:
        yield at, f"{at:%b %Y}"
        at = _month_after(at, months)


def _month_after(at: datetime, months: int) -> datetime:
    """The first of the month so many months later."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=1)
