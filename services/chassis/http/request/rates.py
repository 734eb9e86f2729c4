"""How many requests an organisation may send (the generic cell rate algorithm), and how its client is told.

The header fields are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from services.chassis.http.problems.problem import ProblemError

POLICY: Final = "organisation"
"""The name of the quota policy."""
REMEMBERED: Final = 10_000
"""Organisations beyond which those are forgotten that have their whole quota again."""


class Rates:
    """One number per organisation: when it will have its whole quota again.

    `requests` in `seconds` may come at once, and are given back evenly; 0 requests: no bound. `now` is a clock in
    seconds that only goes forwards.
    """

    def __init__(self, requests: int, seconds: int, now: Callable[[], float] = time.monotonic) -> None:
        self._requests = requests
        self._seconds = seconds
        self._now = now
        self._each = seconds / requests if requests else 0.0
        self._whole_again: dict[str, float] = {}

    def take(self, organisation: str) -> None:
        """Counts a request. Raises ProblemError 429 when it is one too many; that one does not count."""
        if not self._each:
            return
        now = self._now()
        whole_again = max(self._whole_again.get(organisation, now), now) + self._each
        # A request that is due to the nanosecond is in time.
        if whole_again - now > self._seconds + 1e-9:
            raise self._refusal(whole_again - now - self._seconds)
        if len(self._whole_again) >= REMEMBERED and organisation not in self._whole_again:
            self._whole_again = {key: until for key, until in self._whole_again.items() if until > now}
        self._whole_again[organisation] = whole_again

    def __len__(self) -> int:
        """How many organisations are remembered."""
        return len(self._whole_again)

    def _refusal(self, missing: float) -> ProblemError:
        wait = max(1, math.ceil(missing))
        return ProblemError(
            429,
            "RATE_LIMITED",
            f"your organisation has sent its {self._requests} requests for {self._seconds} seconds; nothing "
            f"was changed. Retry in {wait} s, with the same Idempotency-Key for a command",
            headers={
                "Retry-After": str(wait),
                "RateLimit-Policy": f'"{POLICY}";q={self._requests};w={self._seconds}',
                "RateLimit": f'"{POLICY}";r=0;t={wait}',
            },
        )
