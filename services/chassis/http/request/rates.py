"""How often something may be done (the generic cell rate algorithm): what an organisation sends, and how it is told.

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
"""Keys beyond which those are forgotten that have their whole quota again."""


class Quota:
    """One number per key: when it will have its whole quota again.

    `most` in `seconds` may come at once, and are given back evenly; 0: no bound. `now` is a clock in seconds that only
    goes forwards.
    """

    def __init__(self, most: int, seconds: int, now: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.seconds = seconds
        self._now = now
        self._each = seconds / most if most else 0.0
        self._whole_again: dict[str, float] = {}

    def take(self, key: str) -> int | None:
        """Counts one for a key. Else, of one too many, which does not count, the seconds until there is room."""
        if not self._each:
            return None
        now = self._now()
        whole_again = max(self._whole_again.get(key, now), now) + self._each
        # What is due to the nanosecond is in time.
        if whole_again - now > self.seconds + 1e-9:
            return max(1, math.ceil(whole_again - now - self.seconds))
        if len(self._whole_again) >= REMEMBERED and key not in self._whole_again:
            self._whole_again = {each: until for each, until in self._whole_again.items() if until > now}
        self._whole_again[key] = whole_again
        return None

    def give_back(self, key: str) -> None:
        """Takes back one that was counted, of which nothing came."""
        if key in self._whole_again:
            self._whole_again[key] -= self._each

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._whole_again)


class Rates:
    """What each organisation sends: `requests` in `seconds`, as `Quota` counts them."""

    def __init__(self, requests: int, seconds: int, now: Callable[[], float] = time.monotonic) -> None:
        self._quota = Quota(requests, seconds, now)

    def take(self, organisation: str) -> None:
        """Counts a request. Raises ProblemError 429 when it is one too many; that one does not count."""
        if (wait := self._quota.take(organisation)) is not None:
            raise self._refusal(wait)

    def __len__(self) -> int:
        """How many organisations are remembered."""
        return len(self._quota)

    def _refusal(self, wait: int) -> ProblemError:
        requests, seconds = self._quota.most, self._quota.seconds
        return ProblemError(
            429,
            "RATE_LIMITED",
            f"your organisation has sent its {requests} requests for {seconds} seconds; nothing "
            f"was changed. Retry in {wait} s, with the same Idempotency-Key for a command",
            headers={
                "Retry-After": str(wait),
                "RateLimit-Policy": f'"{POLICY}";q={requests};w={seconds}',
                "RateLimit": f'"{POLICY}";r=0;t={wait}',
            },
        )
