"""Background work that must not die: each piece runs in a task that is started again after a failure."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from services.chassis.engines.store_health import Unavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0

log = logging.getLogger(__name__)


class Supervised:
    """Runs `work` again and again; after an exception with a pause.

    The pause doubles from `first_pause` (0.1 s) to 10 s, and `hurry` ends it.

    `failing` is the class name of the latest exception while the work has not run well since, else None.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], first_pause: float = FIRST_PAUSE) -> None:
        self.name = name
        self.failing: str | None = None
        self._work = work
        self._first_pause = first_pause
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._hurried = asyncio.Event()

    def start(self) -> None:
        """Starts the task. Needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def _run(self) -> None:
        pause = self._first_pause
        while not self._stopping:
            try:
                # One round: it returns after some progress or a bounded wait.
                await self._work()
                # Embedded stores answer without suspending: a long backlog must not keep requests waiting.
                await asyncio.sleep(0)
            except Exception as failure:  # noqa: BLE001 - the supervisor is where failures end
                self.failing = type(failure).__name__
                # The class only: a message could quote what was being processed.
                fields = {"work": self.name, "failure": self.failing}
                if isinstance(failure, Unavailable):
                    fields |= {"store": failure.store, "code": failure.code}
                log.warning("background work failed", extra=fields)
                pause = await self._rest(pause)
            else:
                self.failing, pause = None, self._first_pause

    async def _rest(self, pause: float) -> float:
        """Returns how long to rest after the next failure."""
        self._hurried.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._hurried.wait()
                return self._first_pause
        return min(pause * 2, LONGEST_PAUSE)

    def hurry(self) -> None:
        """Ends the pause after a failure, if there is one now: what the work failed by has passed."""
        self._hurried.set()

    async def stop(self) -> None:
        """Cancels the task and waits until it is gone."""
        # The flag too: work that swallows its cancellation ends with its round.
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
