"""A word now and then from a command that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SAY_EVERY_SECONDS: Final = 5.0
DRAW_EVERY_SECONDS: Final = 0.2
"""Where a bar is drawn over the one before."""
BAR_WIDTH: Final = 20

Say = Callable[[str], object]


class Progress:
    """A line now and then, for what takes long; amounts are bytes, unless `amount` says another unit."""

    def __init__(
        self,
        doing: str,
        say: Say,
        amount: Callable[[int], str] | None = None,
        *,
        every: float = SAY_EVERY_SECONDS,
        bar: bool = False,
    ) -> None:
        self._doing = doing
        self._amount = amount or size_of
        self._say = say
        self._every = every
        self._bar = bar
        self._next = time.monotonic() + every

    def report(self, done: int, of: int) -> None:
        """So much of so much."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            self._say(f"  {self._doing}: {self._drawn(done, of)}{self._amount(done)} of {self._amount(of)}")

    def _drawn(self, done: int, of: int) -> str:
        """How far that is, as a bar; nothing while it is not known how much there is."""
        if not self._bar or of < 1:
            return ""
        filled = min(done, of) * BAR_WIDTH // of
        return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {min(done, of) * 100 // of} %, "


def size_of(count: int) -> str:
    """So many bytes, as people say it."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{amount:.1f} {units[unit]}"
