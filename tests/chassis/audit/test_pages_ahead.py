"""Pages that are asked for early, and where they are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from services.chassis.audit.pacing import AT_ONCE, Slices
from services.chassis.audit.pages_ahead import Ahead


class Book:
    """Pages, and which of them were asked for until now."""

    def __init__(self, pages: int, torn: int | None = None) -> None:
        self.asked: list[int] = []
        self._pages = pages
        self._torn = torn

    async def read(self) -> AsyncGenerator[int]:
        """One page after the other."""
        for page in range(self._pages):
            self.asked.append(page)
            await asyncio.sleep(0)
            if page == self._torn:
                raise OSError
            yield page


async def turns() -> None:
    """Gives everybody else their turns."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_next_page_is_on_its_way_while_one_is_gone_through() -> None:
    """And all come in order, and none behind the last."""
    book = Book(3)
    ahead = Ahead(book.read(), early=True)
    assert await ahead.next() == 0
    await turns()
    assert book.asked == [0, 1]
    assert [await ahead.next() for _ in range(3)] == [1, 2, None]
    await ahead.aclose()


async def test_beside_a_live_service_nothing_is_read_in_a_rest() -> None:
    """Its work would count for nobody, and take more than its share."""
    assert (AT_ONCE.ahead, Slices().pace.ahead) == (True, False)
    book = Book(3)
    ahead = Ahead(book.read(), early=False)
    assert await ahead.next() == 0
    await turns()
    assert book.asked == [0]
    assert [await ahead.next() for _ in range(3)] == [1, 2, None]
    await ahead.aclose()


async def test_who_stops_in_between_leaves_nothing_under_way() -> None:
    """Neither a question, nor a failure that nobody has seen."""
    for book in (Book(3), Book(3, torn=1)):
        ahead = Ahead(book.read(), early=True)
        assert await ahead.next() == 0
        await turns()
        await ahead.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_page_that_cannot_be_read_is_heard_of_where_it_is_wanted() -> None:
    """And not before."""
    ahead = Ahead(Book(3, torn=1).read(), early=True)
    assert await ahead.next() == 0
    await turns()
    with pytest.raises(OSError):  # noqa: PT011 - it says nothing
        await ahead.next()
    await ahead.aclose()
