"""Group commit: what queues up while one transaction commits shares the next one, and nothing waits when idle.

There are two ways to commit. On SQLite it runs inline on the event loop, which is deliberate: a writer thread fights
the loop for the interpreter lock and halves the throughput (measured; docs/decisions/0004-group-commit.md). On
PostgreSQL it is waited for.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.chassis.engines.store_health import Unavailable
from services.chassis.engines.turns import FIRST_PAUSE_SECONDS, NotNow, Pauses

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_BATCH = 256
MOST_AT_ONCE = 32
"""While the database works on one part of a batch, the process works on the other."""


class GroupCommit(ABC, Generic[Item, Result]):
    """Collects items and commits them in batches of at most `most`, one batch at a time.

    The function that commits a batch returns, for each item in order, its result or an exception that concerns this
    item alone. An exception that it raises concerns the whole batch. Reads use it too: many share a round trip.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: list[tuple[Item, asyncio.Future[Result]]] = []
        self._under_way = False

    async def submit(self, item: Item) -> Result:
        """Returns once the item is committed; raises what went wrong with it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if not self._under_way:
            self._under_way = True
            self._begin()
        return await future

    async def drain(self) -> None:
        """Returns once nothing is queued."""
        while self._under_way:  # noqa: ASYNC110 - at shutdown only, and for a moment
            await asyncio.sleep(FIRST_PAUSE_SECONDS)

    @abstractmethod
    def _begin(self) -> None:
        """Commits what is queued in the next turn of the event loop, and not before."""

    def _settle(
        self, batch: Sequence[tuple[Item, asyncio.Future[Result]]], results: Sequence[Result | Exception]
    ) -> None:
        for (_, future), result in zip(batch, results, strict=True):
            # A caller that went away (a dropped connection) has cancelled its future; its item is stored all the same.
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


class InlineGroupCommit(GroupCommit[Item, Result]):
    """Commits on the event loop. After NotNow the batch is tried once more, with what has come since."""

    def __init__(
        self, commit: Callable[[Sequence[Item]], Sequence[Result | Exception]], most: int = LARGEST_BATCH
    ) -> None:
        super().__init__(most)
        self._commit = commit
        self._pauses: Pauses | None = None

    def _begin(self) -> None:
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        batch = self._queue[: self._most]
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
        self._under_way = bool(self._queue)
        if self._under_way:
            self._begin()
        self._settle(batch, results)

    def _postpone(self, held: NotNow) -> Unavailable | None:
        self._pauses = self._pauses or Pauses()
        try:
            pause = self._pauses.after(held)
        except Unavailable as failure:
            return failure
        asyncio.get_running_loop().call_later(pause, self._flush)
        return None


class AwaitedGroupCommit(GroupCommit[Item, Result]):
    """Waits for each commit; items that arrive meanwhile form the next batch."""

    def __init__(
        self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]], most: int = MOST_AT_ONCE
    ) -> None:
        super().__init__(most)
        self._commit = commit
        self._work: asyncio.Task[None] | None = None

    def _begin(self) -> None:
        # A task of its own: a caller that goes away must not take the others' commit with it.
        self._work = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[: self._most], self._queue[self._most :]
                results: Sequence[Result | Exception]
                try:
                    results = await self._commit([item for item, _ in batch])
                except Exception as fault:  # noqa: BLE001 - every caller of the batch must hear of it
                    results = [fault] * len(batch)
                self._settle(batch, results)
        finally:
            self._under_way = False
