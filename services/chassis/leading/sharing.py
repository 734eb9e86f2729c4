"""Which parts of shared work this process does at the moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Callable
from typing import Final

from services.chassis.leading.leadership import LEASE_SECONDS, RENEW_SECONDS
from services.chassis.leading.shares import Shares

NOTHING: Final[frozenset[int]] = frozenset()


class Sharing:
    """The parts that this process owns. `changed` is called each time that these become others, with all of them.

    `idle` says whether nothing of a part is under way any more: only then another process may have it.
    """

    def __init__(self, shares: Shares, parts: int, seconds: float = LEASE_SECONDS) -> None:
        """`seconds`: how long a claim lasts that is not renewed."""
        self.parts = parts
        self._shares = shares
        self._seconds = seconds
        self._holder = f"{os.getpid()}-{uuid.uuid4()}"
        self._mine = NOTHING
        self._leaving = NOTHING
        self._until = 0.0
        self.changed: Callable[[frozenset[int]], None] = lambda _: None
        self.idle: Callable[[int], bool] = lambda _: True

    @property
    def owned(self) -> frozenset[int]:
        """What may be begun now. A process that was suspended finds out here that it owns nothing any more."""
        return self._mine if time.monotonic() < self._until else NOTHING

    def owns(self, part: int) -> bool:
        """Whether something of a part may be begun now."""
        return part in self._mine and time.monotonic() < self._until

    async def seek(self) -> None:
        """Renews what is owned, takes more if that is fair, and gives back what is too much once it is idle."""
        # Counted from before the request: the answer may have taken long.
        requested_at = time.monotonic()
        async with asyncio.timeout(self._seconds):
            claimed = await self._shares.claim(self._holder, self.parts, self._seconds)
        lost = time.monotonic() >= self._until
        self._until = requested_at + self._seconds
        surplus = max(0, len(claimed.mine) - claimed.fair)
        self._leaving = frozenset(sorted(claimed.mine)[len(claimed.mine) - surplus :])
        self._become(claimed.mine - self._leaving, lost=lost)
        for part in self._leaving:
            if self.idle(part):
                await self._shares.give_back(self._holder, part)

    def _become(self, mine: frozenset[int], *, lost: bool) -> None:
        before, self._mine = self._mine, mine
        if lost and before:
            # Others may have had them meanwhile: what is known of them is forgotten first.
            self.changed(NOTHING)
            before = NOTHING
        if mine != before:
            self.changed(mine)

    async def round(self) -> None:
        """One look, and a rest until the next."""
        try:
            await self.seek()
        finally:
            await asyncio.sleep(RENEW_SECONDS)

    async def close(self) -> None:
        """Gives everything back, so that others can go on at once."""
        self._until, self._mine = 0.0, NOTHING
        # If the store does not answer now, the claims expire by themselves.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._shares.leave(self._holder)
        await self._shares.close()
