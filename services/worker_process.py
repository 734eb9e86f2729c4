"""The process that does what follows a commit (`services.worker`), as the one that answers starts and supervises it.

The first is a fork from before there are threads, an event loop or stores: what is loaded is in memory once. One that
takes its place after it died cannot be, and is a new run of the interpreter.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import pickle
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from services.chassis.engines.store_health import NO_ANSWER, Unavailable
from services.chassis.log.coverage import Coverage
from services.chassis.operating.line import Line, LineCut
from services.chassis.operating.supervision import Supervised
from services.chassis.service import Report, Service
from services.chassis.settings import Settings

ANSWER_SECONDS: Final = 1.0
"""How long it may take to say how its work stands."""
LOOK_SECONDS: Final = 5.0
"""So long it has to live for the pause before the next one to be short again."""

_LENGTH: Final = struct.Struct("!I")
STARTED: Final = "started"
MOVED: Final = "moved"
WAITING: Final = "waiting"
REPORT: Final = "report"
THROUGH: Final = "through"
"""What the two say to each other. The worker: that it has taken up its work, and what has moved since the other one
said that it waits, each by its number in `coverages_of`, with how often anything did; asked, it says how a service
stands, and how far a consumer has come."""

log = logging.getLogger(__name__)


class Job(NamedTuple):
    """What the worker is to do. `sandbox`: by the sandbox's clock, which the process that answers moves."""

    names: tuple[str, ...]
    settings: Settings
    sandbox: bool
    log_level: str

    def send(self, on: socket.socket) -> None:
        """Over the line's socket, which nobody else reads from on the way: settings hold passwords."""
        orders = pickle.dumps(self)
        on.sendall(_LENGTH.pack(len(orders)) + orders)

    @classmethod
    def receive(cls, on: socket.socket) -> Job | None:
        """Waits for the job; None if the other process has ended, or wants no work."""
        (length,) = _LENGTH.unpack(_exactly(on, _LENGTH.size) or bytes(_LENGTH.size))
        orders = _exactly(on, length) if length else b""
        return pickle.loads(orders) if orders else None  # noqa: S301 - from the process that started this one


def _exactly(on: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        if not (more := on.recv(size - len(got))):
            return b""
        got += more
    return got


class Main(Protocol):
    """What a worker does."""

    def __call__(self, on: socket.socket, *, forked: bool) -> int:
        """Waits on the line for the job, does it, and returns the exit status."""
        ...


def coverages_of(services: Mapping[str, Service]) -> list[Coverage]:
    """All that is waited for in these services, in the order in which both processes number it."""
    return [coverage for service in services.values() for coverage in service.coverages]


class WorkerEnded(Exception):  # noqa: N818 - reads as what happened
    """The worker has ended though nobody told it to."""


class WorkerProcess:
    """One worker after another. See `services.chassis.service.Elsewhere`."""

    def __init__(self, job: Job, main: Main) -> None:
        """Forks at once, and `main` goes on in the fork: before there is anything that the worker must not have."""
        self._job = job
        self.began = False
        self._running = False
        """Whether the present one has taken up its work."""
        self._coverages: list[Coverage] = []
        self._line: Line | None = None
        self._taken: asyncio.Task[None] | None = None
        self._questions = False
        self._seen = 0
        self._looking: set[asyncio.Task[None]] = set()
        self._supervised = Supervised("worker", self._round)
        self._socket: socket.socket | None
        self._pid, self._socket = _forked(main)

    async def start(self, services: Mapping[str, Service]) -> None:
        """Lets it begin, and sees to it from now on that there is one."""
        for service in services.values():
            service.elsewhere = self
        self._coverages = coverages_of(services)
        for coverage in self._coverages:
            coverage.on_wait = self._waited_for
        self._begin()
        self._supervised.start()

    def _begin(self) -> None:
        assert self._socket is not None  # noqa: S101 - of the process that was just started
        on, self._socket = self._socket, None
        self._questions, self._seen = False, 0
        try:
            self._job.send(on)
        except OSError:
            # It has ended; a reader hears of it.
            log.warning("the worker has ended before it began")
        self._line = Line({MOVED: self._moved, STARTED: self._started}, {})
        self._taken = asyncio.create_task(self._line.run(on))

    def _started(self, _: object) -> None:
        self.began = self._running = True
        self._ask_again()

    async def _round(self) -> None:
        if self._taken is None:
            self._pid, self._socket = _spawned()
            self._begin()
        assert self._taken is not None  # noqa: S101 - begun
        done, _ = await asyncio.wait({self._taken}, timeout=LOOK_SECONDS)
        if not done:
            return
        await self._bury()
        raise WorkerEnded

    async def _bury(self) -> None:
        line, self._line, self._taken, self._running = self._line, None, None, False
        if line is not None:
            line.close()
        # It may have closed the line and hang.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        await asyncio.to_thread(_wait_for, self._pid)

    def _waited_for(self) -> None:
        if not self._questions and self._line is not None and self._running:
            self._questions = True
            self._line.say(WAITING, self._seen)

    def _moved(self, news: tuple[int, Sequence[tuple[int, int | None]]]) -> None:
        self._seen, moves = news
        unknown = list[Coverage]()
        for number, through in moves:
            if through is None:
                unknown.append(self._coverages[number])
            else:
                self._coverages[number].reached(through)
        task = asyncio.create_task(self._look(unknown))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self, coverages: Iterable[Coverage]) -> None:
        try:
            for coverage in coverages:
                # Those who wait hear of it when the store is looked at next.
                with contextlib.suppress(Unavailable):
                    await coverage.look()
        finally:
            self._ask_again()

    def _ask_again(self) -> None:
        self._questions = False
        if any(coverage.waited_for for coverage in self._coverages):
            self._waited_for()

    async def report(self, service: str) -> Report:
        """See `Elsewhere.report`."""
        own = f"{service} worker"
        if self._line is None or not self._running:
            return Report(work={own: self._supervised.failing or NO_ANSWER} if self.began else {})
        try:
            report = msgspec.convert(await self._line.ask(REPORT, service, ANSWER_SECONDS), Report)
        except LineCut:
            return Report(work={own: NO_ANSWER})
        report.work[own] = self._supervised.failing
        return report

    async def through(self, service: str, source: str) -> int | None:
        """See `Elsewhere.through`."""
        if self._line is None or not self._running:
            return None
        try:
            return msgspec.convert(await self._line.ask(THROUGH, [service, source], ANSWER_SECONDS), int | None)
        except LineCut:
            return None

    async def stop(self) -> None:
        """Lets it finish, and ends it if that takes too long."""
        await self._supervised.stop()
        if self._taken is None:
            return
        if self._line is not None:
            self._line.end()
        done, _ = await asyncio.wait({self._taken}, timeout=self._job.settings.stop_seconds)
        if not done:
            log.warning("the worker does not end, and is killed")
        await self._bury()

    def abandon(self) -> None:
        """It was never let begin, and ends by itself."""
        if self._socket is not None:
            self._socket.close()
            _wait_for(self._pid)


def _wait_for(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _forked(main: Main) -> tuple[int, socket.socket]:
    here, there = socket.socketpair()
    # What is loaded is not looked at again: to look at it would be to copy it.
    gc.collect()
    gc.freeze()
    if (pid := os.fork()) != 0:
        there.close()
        return pid, here
    status = 1
    try:
        here.close()
        status = main(there, forked=True)
    except BaseException:  # noqa: BLE001 - nothing of the other process may go on here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _spawned() -> tuple[int, socket.socket]:
    here, there = socket.socketpair()
    with there:
        there.set_inheritable(True)
        command = [sys.executable, "-m", "services.worker", str(there.fileno())]
        return os.posix_spawn(sys.executable, command, os.environ), here
