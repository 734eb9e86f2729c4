"""Load at a constant rate, whatever the server does: referrals that are due one after the other, and are sent then.

A program of its own, so that it does not share an interpreter with what watches it. Delays count from the moment at
which a referral was due: a server that stops answers late, not less often. Reads its orders from standard input and
writes what it found to standard output, both JSON.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import uvloop
from pydantic import TypeAdapter

from deploy.bench.http_client import Connection
from deploy.bench.requests import Referrals
from deploy.bench.results import median, p95

CONNECTIONS: Final = 64
TICK_SECONDS: Final = 0.002
LATE_SECONDS: Final = 10.0
"""How long what is still due is waited for at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to send where."""

    url: str
    token: str
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What came of it: milliseconds from when each was due; `waiting` were due at the end and not yet sent."""

    accepted: int
    refused: int
    waiting: int
    p50: float
    p95: float
    slowest: float


_ORDERS: Final = TypeAdapter(Orders)
_OFFERED: Final = TypeAdapter(Offered)


def start(orders: Orders) -> subprocess.Popen[bytes]:
    """The generator as a process of its own, at work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.bench.open_loop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdin is not None:
        process.stdin.write(_ORDERS.dump_json(orders))
        process.stdin.close()
        process.stdin = None
    return process


def found(process: subprocess.Popen[bytes], orders: Orders) -> Offered:
    """What it has found, once it is done."""
    output, _ = process.communicate(timeout=orders.seconds + LATE_SECONDS + 60)
    if process.returncode != 0:
        raise RuntimeError("the load generator failed")
    return _OFFERED.validate_json(output)


async def drive(orders: Orders) -> Offered:
    """Sends what is due over connections that are kept open."""
    referrals, due = Referrals(orders.token), asyncio.Queue[float]()
    delays, refused = list[float](), 0
    total = round(orders.rate * orders.seconds)

    async def work(connection: Connection) -> None:
        nonlocal refused
        while True:
            at = await due.get()
            answer = await connection.send(referrals.next())
            if answer.status == 201:
                delays.append(1000 * (time.monotonic() - at))
            else:
                refused += 1
            due.task_done()

    connections = [await Connection.open(orders.url) for _ in range(CONNECTIONS)]
    workers = asyncio.gather(*(work(connection) for connection in connections))
    began = time.monotonic()
    for number in range(total):
        at = began + number / orders.rate
        while (early := at - time.monotonic()) > 0:
            await asyncio.sleep(max(early, TICK_SECONDS))
            if workers.done():
                break
        if workers.done():
            break
        due.put_nowait(at)
    waiting = due.qsize()
    with suppress(TimeoutError):
        await asyncio.wait_for(due.join(), 0.1 if workers.done() else LATE_SECONDS)
    if workers.done():
        # A connection was lost: whatever it was, it is not load that was borne.
        workers.result()
    workers.cancel()
    with suppress(asyncio.CancelledError):
        await workers
    for connection in connections:
        connection.close()
    return Offered(
        accepted=len(delays),
        refused=refused,
        waiting=waiting,
        p50=median(delays),
        p95=p95(delays),
        slowest=max(delays),
    )


def main() -> int:
    """Does what is ordered; the exit status."""
    offered = uvloop.run(drive(_ORDERS.validate_json(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(_OFFERED.dump_json(offered))
    return 0


if __name__ == "__main__":
    sys.exit(main())
