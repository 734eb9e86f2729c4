"""Lets the vault forget what it holds of subscriptions that were deleted: secrets, addresses, values of headers.

It follows the log by the index and not the request, so that no crash between the end of a subscription and this leaves
anything behind. To forget what is forgotten changes nothing: who begins to lead looks through all of them once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.log.pages import mentions
from services.chassis.vault.vault import Vault
from services.notifications.domain.subscription import SUBSCRIPTION, subscription_stream
from services.notifications.subscription_rows import ENDED

AT_ONCE: Final = 100
IDLE_SECONDS: Final = 1.0


class Forgetting:
    """Follows the ends of subscriptions."""

    def __init__(self, vault: Vault, index: IndexReader) -> None:
        self._vault = vault
        self._index = index
        self._after = 0

    def start_over(self) -> None:
        """This process leads from now on, and does not know how far the one before it came."""
        self._after = 0

    async def round(self) -> None:
        """Forgets what is new, or rests where nothing is."""
        rows = await self._index.find(ENDED.name, {}, after=self._after, limit=AT_ONCE)
        for row in rows:
            await self._vault.forget(subscription_stream(row.key))
            self._after = row.seq
        if not rows:
            # Whatever moves the index is hardly ever an end, and nobody waits for this.
            await asyncio.sleep(IDLE_SECONDS)


def refers_in(streams: Streams) -> Callable[[str, str], Awaitable[bool]]:
    """Whether a stream refers to a vault record, for the sweep: one that has ended refers to nothing."""

    async def refers(stream: str, ref: str) -> bool:
        if stream.startswith(subscription_stream("")) and (await streams.fold(stream, SUBSCRIPTION)).state.deleted:
            return False
        return await mentions(streams.log, stream, ref)

    return refers
