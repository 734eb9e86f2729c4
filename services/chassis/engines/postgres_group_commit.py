"""Group commit over a connection that is waited for: what queues up during one commit shares the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_AT_ONCE = 32
"""Not everything at once: while the database has one part of what came together, the process works on the other."""


class AsyncGroupCommit(Generic[Item, Result]):
    """Collects items and hands them to `commit` in batches, one batch at a time; nothing waits when idle.

    `commit` returns, for each item in order, its result or the exception that concerns this item alone. An exception
    that it raises concerns the whole batch. It serves questions as well as commits: many share a round trip.
    """

    def __init__(
        self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]], most: int = MOST_AT_ONCE
    ) -> None:
        """`most` is how many items a batch has at most."""
        self._commit = commit
        self._most = most
        self._queue: list[tuple[Item, asyncio.Future[Result]]] = []
        self._work: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Returns once the item is handled; raises what went wrong with it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if self._work is None:
            # A task of its own: a caller that goes away must not take the others' commit with it.
            self._work = asyncio.create_task(self._run())
        return await future

    async def drain(self) -> None:
        """Returns once nothing is queued."""
        while self._work is not None:
            await asyncio.wait([self._work])

    async def _run(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[: self._most], self._queue[self._most :]
                results: Sequence[Result | Exception]
                try:
                    results = await self._commit([item for item, _ in batch])
                except Exception as failure:  # noqa: BLE001 - every caller of the batch must hear of it
                    results = [failure] * len(batch)
                for (_, future), result in zip(batch, results, strict=True):
                    if future.done():
                        # A caller that went away; its item is stored all the same.
                        continue
                    if isinstance(result, Exception):
                        future.set_exception(result)
                    else:
                        future.set_result(result)
        finally:
            self._work = None
