"""Posts the letters that wait: a few at once, so that one that hangs holds up no other, and no deadline.

The row of a letter stays until it is known what became of it. One that was on its way when the process ended goes out
once more, with the same words, secret and identity. Those of one row go out one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta
from typing import Final

from services.chassis.index.index import Index, Row
from services.chassis.index.projection import Projection
from services.chassis.mail.postbox import LETTERS
from services.chassis.mail.smtp import CONNECTIONS
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import LONGEST_NAP, Fire, move_on, pending_in, sortable

AFTER_A_FAILURE: Final = timedelta(minutes=1)
"""How long a letter waits that failed here, so that those behind it have their turn."""
_LOOK_SECONDS: Final = 0.002


class Postman:
    """Posts what is due of LETTERS, by the clock of deadlines; `fire` posts one, and says when it is tried again."""

    def __init__(
        self,
        index: Index,
        projection: Projection,
        clock: Clock,
        fire: Fire,
        *,
        table: str = LETTERS.name,
        at_once: int = CONNECTIONS,
    ) -> None:
        """`table` is another one of the same form, for what is posted otherwise than as letters."""
        self._index, self._projection, self._clock, self._fire = index, projection, clock, fire
        self._table, self._at_once = table, at_once
        self._on_their_way: dict[str, asyncio.Task[None]] = {}
        self._hurried = asyncio.Event()

    async def round(self) -> None:
        """Starts as many as there are places for, and returns once one of them is done, or after a second."""
        await self._projection.catch_up()
        self._hurried.clear()
        if free := self._at_once - len(self._on_their_way):
            for row in [row for row in await self._due(self._at_once) if row.key not in self._on_their_way][:free]:
                self._on_their_way[row.key] = asyncio.create_task(self._post(row))
        if not self._on_their_way:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_NAP):
                    await self._hurried.wait()
            return
        done, _ = await asyncio.wait(
            self._on_their_way.values(), timeout=LONGEST_NAP, return_when=asyncio.FIRST_COMPLETED
        )
        # Only here, and not by themselves: else a row that was read before would be taken up once more.
        self._on_their_way = {key: task for key, task in self._on_their_way.items() if task not in done}
        if failures := [failure for task in done if (failure := task.exception()) is not None]:
            raise failures[0]

    async def _due(self, limit: int) -> list[Row]:
        return await self._index.first(self._table, "at", at_most=sortable(self._clock.now()), limit=limit)

    async def posted(self, until: float) -> None:
        """Returns once nothing that is due is left to be posted, or at that instant of `time.monotonic`."""
        while time.monotonic() < until:
            await self._projection.catch_up()
            if not await self._due(1):
                return
            self._hurried.set()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _post(self, row: Row) -> None:
        due, *behind = pending_in(row)
        try:
            left = await self._fire(row.key, due)
        except Exception:
            later = sortable(self._clock.now() + AFTER_A_FAILURE)
            await move_on(self._index, row, [due._replace(at=later), *behind], self._table)
            raise
        await move_on(self._index, row, [*(left or ()), *behind], self._table)

    async def finish(self) -> None:
        """Ends what is on its way; the next process posts it."""
        for task in self._on_their_way.values():
            task.cancel()
        await asyncio.gather(*self._on_their_way.values(), return_exceptions=True)
