"""Fills an index by tailing the log: rows and position in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.chassis.index.index import Changes, Index
from services.chassis.log.coverage import Coverage
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded

READ_AT_ONCE = 200
IDLE_SECONDS = 5.0

Project = Callable[[Recorded, Changes], None]
Look = Callable[[Sequence[Recorded]], Awaitable[None]]
"""Looks up what a batch needs before its events are projected: then nothing may be waited for."""


class Projection:
    """Keeps one index abreast of one log."""

    def __init__(
        self,
        log: EventLog,
        index: Index,
        project: Project,
        look: Look | None = None,
        *,
        at_once: int = READ_AT_ONCE,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """`at_once` events are taken in at a time; nothing new for `idle_seconds` ends a round."""
        self._at_once = at_once
        self._idle_seconds = idle_seconds
        self._log = log
        self._index = index
        self._project = project
        self._look = look
        self._through: int | None = None
        self.coverage = Coverage(self._covered)
        self.elsewhere = False
        """Whether another process fills the index, and this one only asks it."""
        self._taking_in = asyncio.Lock()
        self._moved = asyncio.Event()

    async def through(self) -> int:
        """How far the index has come, as far as this process knows; it asks if it does not."""
        return await self._index.through() if self._through is None else self._through

    async def _covered(self) -> int:
        return await self._index.through()

    async def round(self) -> None:
        """Waits a while for something new, and takes it in."""
        await self._log.wait(await self.through(), self._idle_seconds)
        await self._take_in()

    async def catch_up(self) -> None:
        """Takes in all that the log holds now, without waiting for the next round; or waits until it is taken in."""
        if self.elsewhere:
            await self.wait_through(await self._log.head())
            return
        while await self._take_in():
            pass

    async def _take_in(self) -> bool:
        # One at a time: no event may be projected twice.
        async with self._taking_in:
            after = await self.through()
            recorded = await self._log.read_all(after, self._at_once)
            if recorded:
                if self._look is not None:
                    await self._look(recorded)
                changes, through = Changes(), recorded[-1].position
                for event in recorded:
                    self._project(event, changes)
                # Asked again after a failure, and when another process that shares the index was first.
                self._through = None
                if await self._index.apply(changes, after=after, through=through):
                    self._through = through
                    self.coverage.reached(through)
                    self._moved.set()
                    self._moved = asyncio.Event()
            else:
                # Asked when there is time: a server that crashed may have lost the index's newest changes.
                self._through = None
        return bool(recorded)

    def next_move(self) -> asyncio.Event:
        """What is set once this process takes in something more."""
        return self._moved

    async def behind(self) -> int:
        """How many positions of the log the index does not know yet."""
        return max(0, await self._log.head() - await self._index.through())

    async def wait_through(self, position: int) -> None:
        """Returns once the index covers `position`, whichever process fills it. The caller bounds the wait."""
        await self.coverage.wait(position)
