"""Waiting until something has come far enough that other processes move as well as this one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

LOOK_AGAIN_SECONDS: Final = 0.005
LONGEST_PAUSE_SECONDS: Final = 0.02
"""Who waits for long is told by those who move it, as a rule; looks are for what another replica does."""


def _nobody_waits() -> None:
    """No other process of this one's has to know."""


def _nobody_hears(_: int | None) -> None:
    """No other process of this one's has to know."""


class Coverage:
    """However many wait, one looks; and nobody looks while nobody waits.

    `through` says how far it has come; when it fails, so does the wait.
    """

    def __init__(self, through: Callable[[], Awaitable[int]], look_again: float = LOOK_AGAIN_SECONDS) -> None:
        """`look_again`: after so many seconds it looks for those who wait, though nobody said that it moved.

        Each further look for the same ones comes after twice the pause.
        """
        self._through = through
        self._look_again = self._pause = look_again
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._watch: asyncio.Task[None] | None = None
        self.on_move: Callable[[int | None], None] = _nobody_hears
        """Called when this process has moved it, for others to hear of: with how far, where that is known."""
        self.on_wait: Callable[[], None] = _nobody_waits
        """Called before each wait, for others to tell when they have moved it."""

    @property
    def waited_for(self) -> bool:
        """Whether anybody waits here."""
        return bool(self._waiting)

    async def moved(self) -> None:
        """Looks at once for those who wait, as this process has moved it."""
        self.on_move(None)
        await self.look()

    async def look(self) -> None:
        """Looks at once for those who wait."""
        if self._waiting:
            self._tell(await self._through())

    def reached(self, through: int) -> None:
        """Tells those who wait how far this process, or its other one, has moved it."""
        self.on_move(through)
        self._tell(through)

    def _tell(self, through: int) -> None:
        for position, future in self._waiting:
            if position <= through and not future.done():
                future.set_result(None)
        self._waiting = [waiter for waiter in self._waiting if not waiter[1].done()]

    async def wait(self, position: int) -> None:
        """Returns once `position` is covered. The caller bounds the wait."""
        if await self._through() >= position:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((position, future))
        self._pause = self._look_again
        self.on_wait()
        if self._watch is None:
            self._watch = asyncio.create_task(self._watch_it())
        await future

    async def _watch_it(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, max(self._look_again, LONGEST_PAUSE_SECONDS))
            try:
                await self.look()
            except Exception as failure:  # noqa: BLE001 - every waiter must hear of it
                for _, future in self._waiting:
                    if not future.done():
                        future.set_exception(failure)
                self._waiting = []
        self._watch = None
