"""When a delivery is attempted again, and when an endpoint that answers nothing is given up. By the machine's clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.chassis.time.clock import machine_now

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
PAUSES: Final = (0.0, 5.0, 300.0, 1800.0, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Seconds before each attempt, as Standard Webhooks recommends them."""
JITTER: Final = 0.2
"""The share of a pause by which it may be longer: what failed together is not tried again together."""
PROBE_EVERY: Final = DAY
GIVE_UP_AFTER: Final = 5 * DAY
LONGEST_WISH: Final = DAY
"""What a receiver asks for by `Retry-After` is granted up to here."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The pauses of deliveries in seconds; `chance` gives numbers from 0 to 1, `now` the machine's time."""

    pauses: Sequence[float] = PAUSES
    probe_every: float = PROBE_EVERY
    give_up_after: float = GIVE_UP_AFTER
    chance: Callable[[], float] = random.random
    now: Callable[[], datetime] = machine_now

    def next_attempt(self, attempts: int, ended: datetime, retry_after: float | None = None) -> datetime | None:
        """When a delivery is tried again after so many attempts, the latest of which ended then; None: not again.

        `retry_after` is the receiver's wish in seconds, which only makes a pause longer.
        """
        if attempts >= len(self.pauses):
            return None
        pause = self.pauses[attempts] * (1 + JITTER * self.chance())
        if retry_after is not None:
            pause = max(pause, min(retry_after, LONGEST_WISH))
        return ended + timedelta(seconds=pause)

    def next_probe(self, ended: datetime) -> datetime:
        """When an endpoint that is away is tried again, though no delivery has a pause left."""
        return ended + timedelta(seconds=self.probe_every * (1 + JITTER * self.chance() / 10))

    def given_up(self, away_since: datetime, ended: datetime) -> bool:
        """Whether an endpoint that has acknowledged nothing since then is disabled, at an attempt that ended now."""
        return (ended - away_since).total_seconds() >= self.give_up_after
