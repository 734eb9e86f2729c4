"""The bare loop that deliveries are held against: it posts bodies to endpoints at a constant rate, and nothing else.

A program of its own, with the library that one would take for it. It reads its orders from standard input, takes the
bodies from the endpoints, where they came as deliveries, and writes what it found to standard output.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Final

import httpx
import uvloop
from pydantic import TypeAdapter

from deploy.bench.endpoints import delays, found_at
from deploy.bench.results import median, p95

LATE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What to send where."""

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
    due, began = dict[str, float](), time.monotonic()
    headers = {"Content-Type": "application/cloudevents+json"}
    async with httpx.AsyncClient(base_url=orders.url, headers=headers) as http, asyncio.TaskGroup() as group:
        for number in range(round(orders.rate * orders.seconds)):
            at, name = began + number / orders.rate, f"{began}-{number}"
            await asyncio.sleep(max(at - time.monotonic(), 0))
            due[name] = at
            group.create_task(_post(http, f"/bare/{name}", bodies[number % len(bodies)]))
    took = await delays(orders.url, "bare", due, LATE_SECONDS)
    return Posted(p50=median(took), p95=p95(took))


async def _post(http: httpx.AsyncClient, path: str, body: str) -> None:
    answer = await http.post(path, content=body)
    answer.raise_for_status()


if __name__ == "__main__":
    sys.stdout.buffer.write(_POSTED.dump_json(uvloop.run(post(_ORDERS.validate_json(sys.stdin.buffer.read())))))
