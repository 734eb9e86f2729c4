"""Fills an index by tailing the log: rows and position in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.chassis.coverage import Coverage
from services.chassis.eventlog import EventLog
from services.chassis.index import Index, IndexWriter
from services.chassis.metadata import Recorded

READ_AT_ONCE = 200
IDLE_SECONDS = 5.0

Project = Callable[[Recorded, IndexWriter], None]
Look = Callable[[Sequence[Recorded]], Awaitable[None]]
"""Looks up what a batch needs before its transaction begins: inside it nothing may be waited for."""


class Projection:
    """Keeps one index abreast of one log."""

    def __init__(self, log: EventLog, index: Index, project: Project, look: Look | None = None) -> None:
        self._log = log
        self._index = index
        self._project = project
        self._look = look
        self._coverage = Coverage(index.through)
        self._taking_in = asyncio.Lock()

    async def round(self) -> None:
        """Takes in what is new, or waits a while for something new."""
        if not await self._take_in():
            await self._log.wait(self._index.through(), IDLE_SECONDS)

    async def catch_up(self) -> None:
        """Takes in all that the log holds now, without waiting for the next round."""
        while await self._take_in():
            pass

    async def _take_in(self) -> bool:
        # One at a time: no event may be projected twice.
        async with self._taking_in:
            after = self._index.through()
            recorded = await self._log.read_all(after, READ_AT_ONCE)
            if recorded:
                if self._look is not None:
                    await self._look(recorded)
                with self._index.transaction():
                    # Unless another process that shares the index was first: what is older must not overwrite it.
                    if self._index.through() == after:
                        for one in recorded:
                            self._project(one, self._index)
                        self._index.advance(recorded[-1].position)
        self._coverage.moved()
        return bool(recorded)

    async def behind(self) -> int:
        """How many positions of the log the index does not know yet."""
        return max(0, await self._log.head() - self._index.through())

    async def wait_through(self, position: int) -> None:
        """Returns once the index covers `position`, whichever process fills it. The caller bounds the wait."""
        await self._coverage.wait(position)
