"""The bare loop that deliveries are held against: it posts bodies to endpoints at a constant rate, and nothing else.

A program of its own. It reads its orders from standard input, takes the bodies from the endpoints, where they came as
deliveries, and writes what it found to standard output.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Final

import uvloop
from pydantic import TypeAdapter

from deploy.bench.endpoints import delays, found_at
from deploy.bench.http_client import Connection
from deploy.bench.requests import request
from deploy.bench.results import median, p95

CONNECTIONS: Final = 50
LATE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to send where; each connection is that of an endpoint."""

    url: str
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Milliseconds from when each was due until it came."""

    p50: float
    p95: float


_ORDERS: Final = TypeAdapter(Orders)
_POSTED: Final = TypeAdapter(Posted)


def run(orders: Orders) -> Posted:
    """The loop as a process of its own; what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.bench.bare_posts"],
        input=_ORDERS.dump_json(orders),
        stdout=subprocess.PIPE,
        check=True,
        timeout=orders.seconds + LATE_SECONDS + 60,
    )
    return _POSTED.validate_json(done.stdout)


async def post(orders: Orders) -> Posted:
    """Posts what is due."""
    bodies = (await found_at(orders.url))["bodies"]
    connections = [await Connection.open(orders.url) for _ in range(CONNECTIONS)]
    due, began = dict[str, float](), time.monotonic()
    free = [asyncio.Lock() for _ in connections]

    async def send(number: int) -> None:
        place = number % CONNECTIONS
        async with free[place]:
            body = bodies[number % len(bodies)].encode()
            answer = await connections[place].send(request("POST", f"/bare/{began}-{number}", "", body))
            if answer.status != 200:
                raise RuntimeError(f"an endpoint answered {answer.status}")

    async with asyncio.TaskGroup() as group:
        for number in range(round(orders.rate * orders.seconds)):
            at = began + number / orders.rate
            await asyncio.sleep(max(at - time.monotonic(), 0))
            due[f"{began}-{number}"] = at
            group.create_task(send(number))
    took = await delays(orders.url, "bare", due, LATE_SECONDS)
    for connection in connections:
        connection.close()
    return Posted(p50=median(took), p95=p95(took))


if __name__ == "__main__":
    sys.stdout.buffer.write(_POSTED.dump_json(uvloop.run(post(_ORDERS.validate_json(sys.stdin.buffer.read())))))
