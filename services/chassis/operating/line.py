"""The line between two processes of one service: words that need no answer, and questions that get one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

_LONGEST: Final = 1_000_000


class _Word(msgspec.Struct, array_like=True):
    name: str
    value: Any = None
    question: int = 0
    """0: nobody waits for an answer."""
    answers: int = 0
    """The question that this answers."""


_DECODE: Final = msgspec.json.Decoder(_Word).decode


class LineCut(Exception):  # noqa: N818 - reads as what happened
    """The other process has ended, or has not answered."""


Hear = Callable[[Any], None]
Answer = Callable[[Any], Awaitable[Any]]


class Line:
    """One end, used from one event loop. Values are what JSON can say.

    `hears`: what is done with a word; `answers`: how a question is answered. Both by name.
    """

    def __init__(self, hears: Mapping[str, Hear], answers: Mapping[str, Answer]) -> None:
        self._hears = hears
        self._answers = answers
        self._writer: asyncio.StreamWriter | None = None
        self.open = asyncio.Event()
        self._numbers = itertools.count(1)
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self, on: socket.socket) -> None:
        """Takes the socket over, and returns when the other end has let go of it, or this one was closed."""
        reader, self._writer = await asyncio.open_unix_connection(sock=on, limit=_LONGEST)
        self.open.set()
        try:
            with contextlib.suppress(ConnectionError):
                while text := await reader.readline():
                    self._take(_DECODE(text))
        finally:
            for answer in self._questions.values():
                if not answer.done():
                    answer.set_exception(LineCut())

    def _take(self, word: _Word) -> None:
        if word.answers:
            if (answer := self._questions.get(word.answers)) is not None and not answer.done():
                answer.set_result(word.value)
        elif word.question:
            task = asyncio.create_task(self._answer(word))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        else:
            self._hears[word.name](word.value)

    async def _answer(self, word: _Word) -> None:
        self._send(_Word(word.name, await self._answers[word.name](word.value), answers=word.question))

    def say(self, name: str, value: Any = None) -> None:
        """Tells the other end, if it is there."""
        with contextlib.suppress(LineCut):
            self._send(_Word(name, value))

    async def ask(self, name: str, value: Any, seconds: float) -> Any:
        """The other end's answer. Raises LineCut if there is none within so many seconds."""
        number = next(self._numbers)
        answer = self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(_Word(name, value, question=number))
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise LineCut from None
        finally:
            del self._questions[number]

    def _send(self, word: _Word) -> None:
        if self._writer is None or self._writer.is_closing():
            raise LineCut
        self._writer.write(msgspec.json.encode(word) + b"\n")

    def end(self) -> None:
        """Says no more: the other end hears that this one has let go."""
        if self._writer is not None and not self._writer.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.write_eof()

    def close(self) -> None:
        """Lets go of the socket."""
        if self._writer is not None:
            self._writer.close()
