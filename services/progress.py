"""A word now and then from a command that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SAY_EVERY_SECONDS: Final = 5.0

Say = Callable[[str], object]


class Progress:
    """A line now and then, for what takes long."""

    def __init__(self, doing: str, say: Say) -> None:
        self._doing = doing
        self._say = say
        self._next = time.monotonic() + SAY_EVERY_SECONDS

    def report(self, done: int, of: int) -> None:
        """So many bytes of so many."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SAY_EVERY_SECONDS
            self._say(f"  {self._doing}: {size_of(done)} of {size_of(of)}")


def size_of(count: int) -> str:
    """So many bytes, as people say it."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{amount:.1f} {units[unit]}"
