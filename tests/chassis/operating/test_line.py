"""The line between two processes: words, questions, and its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.chassis.operating.line import Line, LineCut


class Two:
    """Both ends in one process. What the other end hears is kept; it answers with what it was asked, or never."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.here = Line({}, {})
        self.there = Line({"word": self.heard.put_nowait}, {"echo": self._echo, "never": self._never})
        here, there = socket.socketpair()
        self.ends = [asyncio.create_task(self.here.run(here)), asyncio.create_task(self.there.run(there))]

    async def _echo(self, value: Any) -> Any:
        return value

    async def _never(self, _: Any) -> Any:
        await asyncio.sleep(60)


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    """Connected."""
    two = Two()
    await two.here.open.wait()
    await two.there.open.wait()
    yield two
    two.here.close()
    two.there.close()
    await asyncio.wait(two.ends)


async def test_words_come_in_order_and_questions_get_their_own_answers(two: Two) -> None:
    """However many are asked at once."""
    for number in range(100):
        two.here.say("word", number)
    answers = await asyncio.gather(*(two.here.ask("echo", {"n": number}, 5) for number in range(100)))
    assert [answer["n"] for answer in answers] == list(range(100))
    assert [two.heard.get_nowait() for _ in range(100)] == list(range(100))


async def test_a_question_without_an_answer_ends_in_time(two: Two) -> None:
    """And the line goes on."""
    with pytest.raises(LineCut):
        await two.here.ask("never", None, 0.05)
    assert await two.here.ask("echo", "still", 5) == "still"


async def test_both_hear_the_end_and_nothing_that_is_asked_waits_for_ever(two: Two) -> None:
    """Whoever ends first: to say no more is heard there, and to let go here."""
    asked = asyncio.create_task(two.here.ask("never", None, 60))
    await asyncio.sleep(0.01)
    two.here.end()
    await asyncio.wait_for(two.ends[1], 5)
    two.there.close()
    await asyncio.wait_for(two.ends[0], 5)
    with pytest.raises(LineCut):
        await asyncio.wait_for(asked, 5)
    two.there.say("word", "nobody hears")
    with pytest.raises(LineCut):
        await two.there.ask("echo", None, 5)
