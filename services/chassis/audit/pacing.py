"""How a log is gone through: at once, or beside a live service, in slices so small that nobody waits for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from services.chassis.transparency.tiles import WIDTH

PAGE: Final = 4 * WIDTH
"""Rows, and leaves, that are read at once where nobody waits for anything else."""
REST_EVERY: Final = 64
"""So many leaves are held against their rows between two rests: less than a millisecond."""
SHARE: Final = 0.05
"""Of one core's time, at most, while a log is gone through beside a live service."""
SLICE_SECONDS: Final = 0.001
LONGEST_REST: Final = 1.0
"""Where the loop is so busy that a slice takes long, others come first; but it goes on."""


async def _give_way() -> None:
    """Goes on at once, once what was asked for ahead has gone out."""
    await asyncio.sleep(0)


@dataclass(frozen=True)
class Pace:
    """Rows that are read at once, a multiple of a tile's width, and a rest that is taken now and then.

    `ahead`: the next page is asked for while one is gone through. Done in a rest, that is work which nobody counts.
    """

    page: int = PAGE
    rest: Callable[[], Awaitable[None]] = _give_way
    ahead: bool = True


AT_ONCE: Final = Pace()


class Slices:
    """Rests whenever there was work for a millisecond, so long that the work takes its share of the time alone.

    Time counts in which others had their turns as well: where the loop is busy, the share becomes smaller.
    """

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._since = time.monotonic()

    async def rest(self) -> None:
        """Returns at once where the slice is not over yet."""
        if (worked := time.monotonic() - self._since) >= SLICE_SECONDS:
            await asyncio.sleep(min(worked * (1 / self._share - 1), LONGEST_REST))
            self._since = time.monotonic()

    @property
    def pace(self) -> Pace:
        """A page of it is read within a slice or two."""
        return Pace(WIDTH, self.rest, ahead=False)
