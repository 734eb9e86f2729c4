"""The contact norm: whether a pair met as often in each month of its agreement as it agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import count

from msgspec import Struct

from services.casefile.domain.state import Agreement
from services.chassis.modelling.days import day_in, months_after

_ONE_DAY = timedelta(days=1)


class MonthMet(Struct, frozen=True):
    """A month of an agreement, with both its days, and how often the pair met in it; `met` is None while it runs."""

    first: date
    last: date
    norm: int
    meetings: int
    met: bool | None


def months(agreement: Agreement, meetings: Iterable[datetime], zone: str, at: datetime) -> tuple[MonthMet, ...]:
    """The months of an agreement that have begun by `at`, as days go in the time zone.

    A last month that is shorter has no norm to fall below, as it is not what the pair agreed on.
    """
    days = [day_in(zone, meeting) for meeting in meetings]
    today = day_in(zone, at)
    return tuple(_month(agreement, first, last, days, today) for first, last in _spans(agreement) if first <= today)


def _month(agreement: Agreement, first: date, last: date, days: list[date], today: date) -> MonthMet:
    held = sum(first <= day <= last for day in days)
    whole = last <= agreement.end
    enough = held >= agreement.norm or not whole
    return MonthMet(first, min(last, agreement.end), agreement.norm, held, enough if enough or last < today else None)


def _spans(agreement: Agreement) -> Iterator[tuple[date, date]]:
    for month in count():
        first = months_after(agreement.start, month)
        if first > agreement.end:
            return
        yield first, months_after(agreement.start, month + 1) - _ONE_DAY
