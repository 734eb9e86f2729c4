"""Pages of a log, of which the next one is on its way while one is gone through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

Page = TypeVar("Page")


class Ahead(Generic[Page]):
    """Pages, the next of which is asked for early: where a server answers, it works while this process does."""

    def __init__(self, pages: AsyncGenerator[Page], *, early: bool) -> None:
        """`early` is for servers: a file is read by this very process, and by a second thread of it for longer."""
        self._pages = pages
        self._early = early
        self._coming: asyncio.Task[Page | None] | None = None

    async def _page(self) -> Page | None:
        return await anext(self._pages, None)

    async def next(self) -> Page | None:
        """The next page; None behind the last."""
        page = await (self._coming or self._page())
        self._coming = asyncio.create_task(self._page()) if self._early and page is not None else None
        return page

    async def aclose(self) -> None:
        """Asks for nothing more."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
        await self._pages.aclose()
