"""Group commit: whatever is queued while one transaction commits shares the next one.

The commit runs inline on the event loop. That is deliberate: a writer thread fights the loop for the interpreter lock
and halves the throughput (measured; docs/decisions/0004-group-commit.md). Nothing waits when idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from services.chassis.engines.store_health import Unavailable
from services.chassis.engines.turns import FIRST_PAUSE_SECONDS, NotNow, Pauses

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_BATCH = 256


class GroupCommit(Generic[Item, Result]):
    """Collects items and hands them to `commit` in batches.

    `commit` stores a batch in one transaction and returns, for each item in order, its result or the exception that
    concerns this item alone. An exception that it raises concerns the whole batch; after NotNow it is handed the batch
    once more, and what has come since with it.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._commit = commit
        self._queue: list[tuple[Item, asyncio.Future[Result]]] = []
        self._scheduled = False
        self._pauses: Pauses | None = None

    async def submit(self, item: Item) -> Result:
        """Returns once the item is durable; raises what went wrong with it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.append((item, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._flush)
        return await future

    async def drain(self) -> None:
        """Returns once nothing is queued."""
        while self._scheduled:  # noqa: ASYNC110 - at shutdown only, and for a moment
            await asyncio.sleep(FIRST_PAUSE_SECONDS)

    def _flush(self) -> None:
        batch = self._queue[:LARGEST_BATCH]
        results: Sequence[Result | Exception]
        try:
            results = self._commit([item for item, _ in batch])
        except NotNow as held:
            if (failure := self._postpone(held)) is None:
                return
            results = [failure] * len(batch)
        except Exception as fault:  # noqa: BLE001 - every caller of the batch must hear of it
            results = [fault] * len(batch)
        self._pauses = None
        del self._queue[: len(batch)]
        self._scheduled = bool(self._queue)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self._flush)
        for (_, future), result in zip(batch, results, strict=True):
            # A caller that went away (a dropped connection) has cancelled its future; its item is stored all the same.
            if future.cancelled():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _postpone(self, held: NotNow) -> Unavailable | None:
        self._pauses = self._pauses or Pauses()
        try:
            pause = self._pauses.after(held)
        except Unavailable as failure:
            return failure
        asyncio.get_running_loop().call_later(pause, self._flush)
        return None
