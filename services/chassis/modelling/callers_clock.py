"""Times that callers give, by clocks of their own: those may be ahead of ours, and what happened is still told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Fault

SKEW: Final = timedelta(seconds=30)
"""By how much a caller's clock may be ahead of ours."""


def by_our_clock(given: datetime, now: datetime) -> datetime:
    """When something happened that a caller gives a time for: by our clock it is never later than now."""
    return min(given, now)


def in_the_future(pointer: str, given: datetime, now: datetime, rule: str) -> tuple[Fault, ...]:
    """The fault of a time that lies ahead of our clock by more than SKEW; `rule` says why it must not."""
    if given <= now + SKEW:
        return ()
    return (
        Fault(
            pointer,
            "IN_THE_FUTURE",
            f"{rule}: this service's clock reads {in_utc(now, 'seconds')}, and a time up to "
            f"{in_utc(now + SKEW, 'seconds')} is accepted",
        ),
    )


def day_in_the_future(pointer: str, given: date, today: date, now: datetime, rule: str) -> tuple[Fault, ...]:
    """The fault of a day later than `today`, which is the day that it is at `now` + SKEW where the caller is."""
    if given <= today:
        return ()
    return (
        Fault(
            pointer,
            "IN_THE_FUTURE",
            f"{rule}: this service's clock reads {in_utc(now, 'seconds')}, and a date up to {today} is accepted",
        ),
    )
