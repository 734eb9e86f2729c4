"""Waiting until something has come far enough that other processes move as well as this one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

LOOK_AGAIN_SECONDS = 0.005


class Coverage:
    """However many wait, one looks; and nobody looks while nobody waits.

    `through` says how far it has come; when it fails, so does the wait.
    """

    def __init__(self, through: Callable[[], Awaitable[int]]) -> None:
        self._through = through
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._watch: asyncio.Task[None] | None = None

    async def moved(self) -> None:
        """Looks at once for those who wait, as this process has moved it."""
        if self._waiting:
            self.reached(await self._through())

    def reached(self, through: int) -> None:
        """Tells those who wait how far it has come."""
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
        if self._watch is None:
            self._watch = asyncio.create_task(self._look())
        await future

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            try:
                await self.moved()
            except Exception as failure:  # noqa: BLE001 - every waiter must hear of it
                for _, future in self._waiting:
                    if not future.done():
                        future.set_exception(failure)
                self._waiting = []
        self._watch = None
