"""Load by so many connections, each of which refers the next person as soon as it has its answer.

A program of its own, which can be held to one core and begins at a moment: two of them load two systems at once. Reads
its orders from standard input, says that it is ready, reads when to begin, and writes what it found; orders and
findings are JSON.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import uvloop
from pydantic import TypeAdapter

from deploy.bench.http_client import Connection
from deploy.bench.requests import Referrals
from deploy.bench.results import median, p95

READY: Final = b"ready\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to send where, for so long and no more than `most`.

    `core` is where the generator runs.
    """

    url: str
    token: str
    connections: int
    seconds: float
    most: int = 10**9
    core: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of it, in milliseconds; `seconds` passed until the last answer, `processor` are the generator's own."""

    accepted: int
    refused: int
    seconds: float
    p50: float
    p95: float
    processor: float

    @property
    def rate(self) -> float:
        """Accepted referrals per second."""
        return self.accepted / self.seconds


_ORDERS: Final = TypeAdapter(Orders)
_ANSWERED: Final = TypeAdapter(Answered)


class Generator:
    """The generator as a process of its own. It has started and is connected once this is made."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.bench.closed_loop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._tell(_ORDERS.dump_json(orders))
        if self._process.stdout is None or self._process.stdout.readline() != READY:
            raise RuntimeError("the load generator did not start")

    def _tell(self, line: bytes) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def begin(self, at: float = 0.0) -> None:
        """Lets it begin at a moment of the monotonic clock; one that has passed is now."""
        self._tell(repr(at).encode())

    def found(self) -> Answered:
        """What it has found, once it is done. Raises RuntimeError if something was not accepted."""
        told, _ = self._process.communicate(timeout=self._orders.seconds + 90)
        if self._process.returncode != 0:
            raise RuntimeError("the load generator failed")
        answered = _ANSWERED.validate_json(told)
        if answered.refused:
            raise RuntimeError(f"{answered.refused} referrals were refused: such a load measures something else")
        return answered


async def drive(orders: Orders, ready: Callable[[], float]) -> Answered:
    """Sends until the time is up, and waits for the last answers; `ready` tells when to begin, once it is connected."""
    if orders.core is not None:
        os.sched_setaffinity(0, {orders.core})
    referrals, took, refused, left = Referrals(orders.token), list[float](), 0, orders.most
    connections = [await Connection.open(orders.url) for _ in range(orders.connections)]
    await asyncio.sleep(max(0.0, await asyncio.to_thread(ready) - time.monotonic()))
    began, used = time.monotonic(), time.process_time()

    async def work(connection: Connection) -> None:
        nonlocal refused, left
        while left > 0 and (sent := time.monotonic()) < began + orders.seconds:
            left -= 1
            answer = await connection.send(referrals.next())
            if answer.status == 201:
                took.append(1000 * (time.monotonic() - sent))
            else:
                refused += 1

    await asyncio.gather(*(work(connection) for connection in connections))
    passed = time.monotonic() - began
    for connection in connections:
        connection.close()
    return Answered(
        accepted=len(took),
        refused=refused,
        seconds=passed,
        p50=median(took) if took else 0.0,
        p95=p95(took) if took else 0.0,
        processor=time.process_time() - used,
    )


def main() -> int:
    """Does what is ordered; the exit status."""

    def ready() -> float:
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        return float(sys.stdin.buffer.readline())

    answered = uvloop.run(drive(_ORDERS.validate_json(sys.stdin.buffer.readline()), ready))
    sys.stdout.buffer.write(_ANSWERED.dump_json(answered))
    return 0


if __name__ == "__main__":
    sys.exit(main())
