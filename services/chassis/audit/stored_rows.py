"""The rows of an event log as they are stored, for who holds them against its transparency log."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

from services.chassis.audit.pacing import Pace
from services.chassis.audit.pages_ahead import Ahead
from services.chassis.log.event_log import EventLog, Row

LEAST_POSITION: Final = -(2**63)
"""No event ever had it; but a row may be slipped in there."""


class StoredRows:
    """All rows that were taken in, in the order of their positions; those that are `ready` need no wait."""

    def __init__(self, log: EventLog, pace: Pace, through: int) -> None:
        self._pace = pace
        self._pages = Ahead(_stored(log, pace.page, through), early=pace.ahead and log.remote)
        self.ready = deque[Row]()

    async def next(self) -> Row | None:
        """The next of them; None behind the last."""
        while not self.ready:
            page = await self._pages.next()
            await self._pace.rest()
            if page is None:
                return None
            self.ready.extend(page)
        return self.ready.popleft()

    async def aclose(self) -> None:
        """Asks for nothing more."""
        await self._pages.aclose()


async def _stored(log: EventLog, at_once: int, through: int) -> AsyncGenerator[list[Row]]:
    first = LEAST_POSITION
    while page := await log.stored(first, at_once):
        # What was recorded since is behind what was taken in.
        yield [row for row in page if row[0] <= through]
        if len(page) < at_once or page[-1][0] > through:
            return
        first = page[-1][0] + 1
