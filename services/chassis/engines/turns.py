"""Waiting for a file that another process is writing to, beside the event loop.

SQLite's own wait holds up the whole process. Usually that takes a millisecond; but a process that is stopped in the
middle of a transaction keeps the file until it continues, and callers that need another file, or only read, must not
wait with those that need this one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from services.chassis.engines.store_health import StoreHealth, Unavailable

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.001, 0.05

Done = TypeVar("Done")


class NotNow(Unavailable):
    """Another process is writing. Nothing was begun, so the write may be tried again at once."""

    def __init__(self, health: StoreHealth, code: str) -> None:
        super().__init__(health.store, code)
        self._health = health

    @property
    def patience(self) -> float:
        """For how many seconds it is worth trying."""
        return self._health.turn_seconds

    def given_up(self) -> Unavailable:
        """What to raise when the wait is given up; from then on it counts as an error of the store."""
        return self._health.failed(self.code, passing=True)


class Pauses:
    """How long to rest before the next try, and when to give up."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._next = FIRST_PAUSE_SECONDS

    def after(self, failure: NotNow) -> float:
        """Seconds to rest. Raises Unavailable when it is time to give up."""
        if time.monotonic() > self._began + failure.patience:
            raise failure.given_up() from None
        pause, self._next = self._next, min(self._next * 2, LONGEST_PAUSE_SECONDS)
        return pause


async def in_turn(write: Callable[[], Done]) -> Done:
    """What `write` returns; it is called again while it raises NotNow. Raises Unavailable after a while."""
    pauses = Pauses()
    while True:
        try:
            return write()
        except NotNow as failure:
            pause = pauses.after(failure)
        await asyncio.sleep(pause)


def in_turn_here(write: Callable[[], Done]) -> Done:
    """The same for a command that has nothing else to do meanwhile."""
    pauses = Pauses()
    while True:
        try:
            return write()
        except NotNow as failure:
            time.sleep(pauses.after(failure))
