"""The process that does what follows a commit, started and supervised by the one that answers (`worker_process`).

It has the same services over the same stores, does all of their background work and listens nowhere. It ends when the
other one lets go of the line between them, also by dying. `python -m services.worker 5` takes the line over that is
open as descriptor 5.
"""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import socket
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import uvloop

from services.assembly import Assembly, assemble
from services.chassis.access.identity import Verifier
from services.chassis.engines.store_health import Unavailable
from services.chassis.operating.line import Line
from services.chassis.operating.telemetry import configure_logging
from services.chassis.refused_start import RefusedStart
from services.chassis.time.clock import SandboxClock, SystemClock
from services.worker_process import MOVED, REPORT, STARTED, THROUGH, WAITING, Job, coverages_of

if TYPE_CHECKING:
    import jwt

MOVES_APART_SECONDS: Final = 0.002
"""Who waits is told at once of the first move, and of what comes in close succession together."""

log = logging.getLogger(__name__)


class _NobodyCalls:
    """In a process that listens nowhere."""

    issuer = ""

    async def key(self, kid: str | None, algorithm: str, tried: jwt.PyJWK | None = None) -> jwt.PyJWK | None:  # noqa: ARG002 - see `Keys`
        """None: no token is verified here."""
        return None


class _Moves:
    """Tells the other process that something moved that somebody waits for there; says nothing while nobody does."""

    def __init__(self) -> None:
        self.line: Line | None = None
        self._count = 0
        self._through: dict[int, int | None] = {}
        self._waited_for = False
        self._sent_at = 0.0
        self._soon: asyncio.TimerHandle | None = None

    def moved(self, number: int, through: int | None) -> None:
        """The coverage of this number has moved; `through` is how far, where that is known."""
        self._count += 1
        # Of a move that is told later than it happened, a server that crashed may have lost something: who waits looks.
        self._through[number] = through if self._waited_for else None
        if self._waited_for:
            self._tell_soon()

    def waited_for(self, seen: int) -> None:
        self._waited_for = True
        if seen != self._count:
            self._tell_soon()

    def _tell_soon(self) -> None:
        if self._soon is None:
            left = self._sent_at + MOVES_APART_SECONDS - time.monotonic()
            self._soon = asyncio.get_running_loop().call_later(max(left, 0), self._tell)

    def _tell(self) -> None:
        self._soon, self._waited_for, self._sent_at = None, False, time.monotonic()
        assert self.line is not None  # noqa: S101 - set before anybody waits
        moves, self._through = [*self._through.items()], {}
        self.line.say(MOVED, [self._count, moves])


def _assembly(job: Job) -> Assembly:
    settings = job.settings
    clock = SandboxClock(settings.data / "sandbox-clock.json", follows=True) if job.sandbox else SystemClock()
    return assemble(list(job.names), settings, clock, Verifier(_NobodyCalls(), settings.audience))


async def _work(on: socket.socket, job: Job) -> None:
    assembly, moves = _assembly(job), _Moves()

    async def report(service: str) -> Any:
        return msgspec.to_builtins(await assembly.running[service].report())

    async def through(where: list[str]) -> int | None:
        service, source = where
        try:
            return await assembly.running[service].sources[source].through()
        except Unavailable:
            # The process that asks looks for itself, and hears why.
            return None

    line = moves.line = Line({WAITING: moves.waited_for}, {REPORT: report, THROUGH: through})
    for number, coverage in enumerate(coverages_of(assembly.running)):
        coverage.on_move = partial(moves.moved, number)
    await assembly.start(answers=False)
    taken = asyncio.create_task(line.run(on))
    await line.open.wait()
    line.say(STARTED)
    await taken
    # Whatever hangs: the process that answered is gone, or waits for this one.
    signal.alarm(math.ceil(job.settings.stop_seconds) + 1)
    await assembly.stop()


def main(on: socket.socket, *, forked: bool) -> int:
    """Waits for the job, does it until the other process lets go of the line, and returns the exit status."""
    # Both are for the process that answers, which stops this one when nobody asks it anything any more: a terminal and
    # a supervisor may send them to both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if (job := Job.receive(on)) is None:
        return 0
    if not forked:
        configure_logging(job.log_level, disclose=job.sandbox)
    try:
        uvloop.run(_work(on, job))
    except RefusedStart as refused:
        log.error("the worker cannot start", extra={"failure": type(refused).__name__})  # noqa: TRY400 - see telemetry
        return 1
    except Exception:
        log.exception("the worker ends")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1])), forked=False))
