"""What the process that answers hears of the one that works: what has moved, and how far."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

from services.chassis.log.coverage import Coverage
from services.chassis.operating.line import Line
from services.chassis.settings import Settings
from services.worker import _Moves
from services.worker_process import MOVED, STARTED, WAITING, Job, WorkerProcess
from tests.chassis.counting import build

NAME = "counters"
BOUND = 10.0
"""Seconds after which a wait has failed."""


async def test_how_far_is_told_only_of_what_moves_while_somebody_waits() -> None:
    """What was told long after it happened, a server that crashed in between may have lost: who waits looks then."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    moves = _Moves()
    here = Line({MOVED: heard.put_nowait}, {})
    there = moves.line = Line({WAITING: moves.waited_for}, {})
    ends = [asyncio.create_task(line.run(on)) for line, on in zip((here, there), socket.socketpair(), strict=True)]
    await here.open.wait()
    await there.open.wait()
    async with asyncio.timeout(BOUND):
        moves.moved(0, 7)
        here.say(WAITING, 0)
        assert await heard.get() == [1, [[0, None]]]
        moved = asyncio.create_task(heard.get())
        here.say(WAITING, 1)
        while not moves._waited_for:  # noqa: ASYNC110 - the word that arrives has no event
            await asyncio.sleep(0.001)
        assert not moved.done()
        moves.moved(0, 8)
        moves.moved(0, 9)
        moves.moved(1, None)
        assert await moved == [4, [[0, 9], [1, None]]]
    here.close()
    there.close()
    await asyncio.wait(ends)


class Working:
    """A worker that moves the first coverage whenever somebody waits: so far, or without saying how far."""

    def __init__(self, *through: int | None) -> None:
        self._left = [*through]

    def __call__(self, on: socket.socket, *, forked: bool) -> int:
        """Until the other process lets go."""
        assert forked
        assert Job.receive(on) is not None
        asyncio.run(self._work(on))
        return 0

    async def _work(self, on: socket.socket) -> None:
        moves = _Moves()

        def waited_for(seen: int) -> None:
            moves.waited_for(seen)
            if self._left:
                moves.moved(0, self._left.pop(0))

        line = moves.line = Line({WAITING: waited_for}, {})
        let_go = asyncio.create_task(line.run(on))
        await line.open.wait()
        line.say(STARTED)
        await let_go


class Asked:
    """How far the index has come: not far. Each question is counted, and one of them fails."""

    def __init__(self, fails: int = 0) -> None:
        self.times = 0
        self._fails = fails

    async def __call__(self) -> int:
        """As a store answers."""
        self.times += 1
        if self.times == self._fails:
            raise ValueError("no store says so")
        return 0


def wait_for_it(directory: Path, working: Working, asked: Asked) -> None:
    """Waits until position 7 is covered, in a process that as good as never looks by itself."""
    worker = WorkerProcess(Job((NAME,), Settings(data=directory), sandbox=True, log_level="INFO"), working)

    async def answering() -> None:
        service, _ = build(directory, NAME)
        service.projection.coverage = Coverage(asked, look_again=60.0)
        await worker.start({NAME: service})
        async with asyncio.timeout(BOUND):
            await service.projection.coverage.wait(7)
        await worker.stop()
        await service.stop()
        await service.bus.close()

    asyncio.run(answering())


def test_who_waits_is_woken_by_the_word_of_the_worker_and_asks_no_store(tmp_path: Path) -> None:
    """Each question that is asked only to hear the same is one that lists wait behind."""
    asked = Asked()
    wait_for_it(tmp_path, Working(6, 7), asked)
    assert asked.times == 1


def test_a_look_that_fails_does_not_end_the_telling(tmp_path: Path) -> None:
    """The worker is asked again, and tells of the next move."""
    asked = Asked(fails=2)
    wait_for_it(tmp_path, Working(None, 7), asked)
    assert asked.times == 2
