"""Load at a constant rate, whatever the server does: referrals that are due one after the other, and are sent then.

A program of its own, so that it does not share an interpreter with what watches it. Delays count from the moment at
which a referral was due: a server that stops answers late, not less often. So do those of a subscriber's events, if
one is asked for. Reads its orders from standard input and
writes what it found to standard output, both JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import uvloop
from pydantic import TypeAdapter

from deploy.bench.endpoints import delays
from deploy.bench.http_client import Connection, events
from deploy.bench.requests import RECIPIENT, SUBMITTED, Referrals, request
from deploy.bench.results import median, p95

CONNECTIONS: Final = 64
TICK_SECONDS: Final = 0.002
LATE_SECONDS: Final = 10.0
"""How long what is still due is waited for at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Somebody who listens to `GET /v1/stream` meanwhile."""

    url: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to send where, to which organisations in turn; `endpoints` is where all of them have their webhooks."""

    url: str
    token: str
    rate: float
    seconds: float
    to: tuple[str, ...] = (RECIPIENT,)
    subscriber: Subscriber | None = None
    endpoints: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What came of it: milliseconds from when each was due; `waiting` were due at the end and not yet sent.

    `told_p50` and `told_p95` are until the subscriber was told, `delivered_p50` and `delivered_p95` until the endpoint
    was, if there is one.
    """

    accepted: int
    refused: int
    waiting: int
    p50: float
    p95: float
    slowest: float
    told_p50: float | None = None
    told_p95: float | None = None
    delivered_p50: float | None = None
    delivered_p95: float | None = None


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


class Told:
    """When a subscriber was told of which referral, next to when it was due."""

    def __init__(self, stream: AsyncGenerator[bytes], due: dict[str, float]) -> None:
        self._due = due
        self._seen = dict[str, float]()
        self._stream = stream
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def connected(cls, subscriber: Subscriber, due: dict[str, float]) -> Told:
        """Returns once the stream is open; `due` will hold when which referral was due."""
        stream = events(subscriber.url, request("GET", f"/v1/stream?types={SUBMITTED}", subscriber.token))
        await anext(stream)
        return cls(stream, due)

    async def _listen(self) -> None:
        async for data in self._stream:
            self._seen[json.loads(data)["data"]["referral"]] = time.monotonic()

    async def delays(self) -> list[float]:
        """Milliseconds, once all have come. Raises RuntimeError if one does not, or the stream ends."""
        until = time.monotonic() + LATE_SECONDS
        while missing := self._due.keys() - self._seen.keys():
            if time.monotonic() > until or self._listening.done():
                raise RuntimeError(f"the subscriber was not told of {len(missing)} of {len(self._due)}")
            await asyncio.sleep(0.05)
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening
        return [1000 * (self._seen[referral] - at) for referral, at in self._due.items()]


async def _put(due: asyncio.Queue[float], orders: Orders, workers: asyncio.Future[Any]) -> None:
    """Puts each moment into the queue when it has come, for as long as the workers work."""
    began = time.monotonic()
    for number in range(round(orders.rate * orders.seconds)):
        at = began + number / orders.rate
        # One that is due already still lets the others have their turn.
        await asyncio.wait([workers], timeout=max(at - time.monotonic(), 0))
        if workers.done():
            break
        due.put_nowait(at)


async def drive(orders: Orders) -> Offered:
    """Sends what is due over connections that are kept open."""
    referrals, due = Referrals(orders.token, orders.to), asyncio.Queue[float]()
    took, refused, of_referral = list[float](), 0, dict[str, float]()
    watched = orders.subscriber is not None or orders.endpoints is not None

    async def work(connection: Connection) -> None:
        nonlocal refused
        while True:
            at = await due.get()
            answer = await connection.send(referrals.next())
            if answer.status == 201:
                if watched:
                    of_referral[answer.expect(201)["id"]] = at
                took.append(1000 * (time.monotonic() - at))
            else:
                refused += 1
            due.task_done()

    told = await Told.connected(orders.subscriber, of_referral) if orders.subscriber is not None else None
    # At a low rate none may lie idle for so long that the server closes it.
    many = min(CONNECTIONS, max(2, round(orders.rate)))
    connections = [await Connection.open(orders.url) for _ in range(many)]
    workers = asyncio.gather(*(work(connection) for connection in connections))
    await _put(due, orders, workers)
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
    after = await told.delays() if told is not None else []
    there = await delays(orders.endpoints, "hooks", of_referral, LATE_SECONDS) if orders.endpoints is not None else []
    return Offered(
        accepted=len(took),
        refused=refused,
        waiting=waiting,
        p50=median(took),
        p95=p95(took),
        slowest=max(took),
        told_p50=median(after) if after else None,
        told_p95=p95(after) if after else None,
        delivered_p50=median(there) if there else None,
        delivered_p95=p95(there) if there else None,
    )


def main() -> int:
    """Does what is ordered; the exit status."""
    offered = uvloop.run(drive(_ORDERS.validate_json(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(_OFFERED.dump_json(offered))
    return 0


if __name__ == "__main__":
    sys.exit(main())
