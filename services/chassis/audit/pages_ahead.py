"""Pages of a log, of which the next one is on its way while one is gone through."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final, Generic, TypeVar

from services.chassis.audit.pacing import Pace
from services.chassis.log.event_log import EventLog, Row

Page = TypeVar("Page")

LEAST_POSITION: Final = -(2**63)
"""No event ever had it; but a row may be slipped in there."""


class Ahead(Generic[Page]):
    """Pages, the next of which is asked for early: where a server answers, it works while this process does."""

    def __init__(self, pages: AsyncGenerator[Page]) -> None:
        self._pages = pages
        self._coming: asyncio.Task[Page | None] | None = None

    async def _page(self) -> Page | None:
        return await anext(self._pages, None)

    async def next(self) -> Page | None:
        """The next page; None behind the last."""
        page = await (self._coming or self._page())
        self._coming = None if page is None else asyncio.create_task(self._page())
        return page

    async def aclose(self) -> None:
        """Asks for nothing more."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
        await self._pages.aclose()


class Rows:
    """All rows that were taken in, in the order of their positions; those that are `ready` need no wait."""

    def __init__(self, log: EventLog, pace: Pace, through: int) -> None:
        self._pace = pace
        self._pages = Ahead(_stored(log, pace.page, through))
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
