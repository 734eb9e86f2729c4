"""A word now and then from a command that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SAY_EVERY_SECONDS: Final = 5.0

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
    ) -> None:
        self._doing = doing
        self._amount = amount or size_of
        self._say = say
        self._every = every
        self._next = time.monotonic() + every

    def report(self, done: int, of: int) -> None:
        """So much of so much."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            self._say(f"  {self._doing}: {self._amount(done)} of {self._amount(of)}")


def size_of(count: int) -> str:
    """So many bytes, as people say it."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{amount:.1f} {units[unit]}"
