"""The programmes, and the case keys of persons, from before this process started: the index knows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from services.chassis.deciding.handler import Busy
from services.chassis.engines.store_health import Unavailable
from services.chassis.index.index import IndexReader
from services.referral.projection import CASE_KEYS, PROGRAMMES

MOST_PROGRAMMES: Final = 10_000
MOST_KEYS: Final = 1_000
"""More case keys than one person has."""
PATIENCE_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = 0.1


class KnownBefore:
    """The programmes known when this process first asked, and persons' case keys, from the index.

    Streams name whatever is newer. With both, a person is found whose referral is older than their stream, or has the
    pseudonym in another case.
    """

    def __init__(self, index: IndexReader, catch_up: Callable[[], Awaitable[None]], wait_seconds: float) -> None:
        self._index = index
        self._catch_up = catch_up
        self._wait_seconds = wait_seconds
        self._loading: asyncio.Task[None] | None = None
        self.known: tuple[str, ...] | None = None

    async def all(self) -> tuple[str, ...]:
        """The programmes' ids. Raises Busy while the index of an old log is still being put together."""
        if self.known is None:
            if self._loading is None or self._loading.done():
                self._loading = asyncio.create_task(self._load())
            # Not stopped with the request: it is for all that come.
            done, _ = await asyncio.wait({self._loading}, timeout=self._wait_seconds)
            if not done:
                raise Busy
            self._loading.result()
        return self.known or ()

    async def keys(self, person: str) -> frozenset[tuple[str, str]]:
        """The case keys in the index, each with its programme, by the person's stream; complete after `all`.

        Waits for an index that cannot be asked as long as a log is waited for, and then raises Unavailable.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                rows = await self._index.find(CASE_KEYS.name, {"person": person}, after=0, limit=MOST_KEYS)
                return frozenset((str(row.columns["programme"]), row.key) for row in rows)
            except Unavailable:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    async def _load(self) -> None:
        await self._catch_up()
        rows = await self._index.find(PROGRAMMES.name, {}, after=0, limit=MOST_PROGRAMMES)
        self.known = tuple(row.key for row in rows)
