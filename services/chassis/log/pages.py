"""A stream read page by page: it may be far longer than what should be in memory at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded

PAGE: Final = 256


async def pages(log: EventLog, stream: str) -> AsyncIterator[list[Recorded]]:
    """All events of a stream in order; others have a turn between two pages."""
    after = 0
    while page := await log.read(stream, after=after, most=PAGE):
        yield page
        after = page[-1].version
        await asyncio.sleep(0)


async def mentions(log: EventLog, stream: str, ref: str) -> bool:
    """Whether any event of a stream names a record of the vault."""
    async for page in pages(log, stream):
        if any(ref in repr(recorded.event) for recorded in page):
            return True
    return False
