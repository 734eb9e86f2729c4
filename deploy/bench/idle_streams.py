"""Processor time of a process in which nothing happens: with nobody connected, and with many idle event streams.

The streams are those of a dozen organisations, and each is sent a comment every ten seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

import uvloop

from deploy.bench.bench import Bench
from deploy.bench.engines import SQLITE
from deploy.bench.http_client import events
from deploy.bench.requests import request
from deploy.bench.results import Result
from deploy.bench.system import System
from services.chassis.operating.descriptors import raise_limit
from services.sandbox.client import Person

STREAMS: Final = 2000
ORGANISATIONS: Final = 12
SETTLE_SECONDS: Final = 3
AT_LEAST_SECONDS: Final = 20
"""Two rounds of comments."""
ABOUT_SECONDS: Final = 25


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return ABOUT_SECONDS + 2 * _seconds(bench)


def _seconds(bench: Bench) -> float:
    return max(bench.seconds, bench.of(AT_LEAST_SECONDS, 1))


def measure(bench: Bench) -> Iterator[Result]:
    """First without, then with them, in the same process."""
    raise_limit()
    count = bench.of(STREAMS, 50)
    with bench.place(SQLITE) as place, System.whole(place, bench.issuer, scene=False) as system:
        none, idle = uvloop.run(_shares(system, count, _seconds(bench)))
    yield Result(name="nobody connected", engine=SQLITE, unit="% of a core", median=none)
    notes = (f"{ORGANISATIONS} organisations", f"{idle - none:.2f} more than with nobody")
    yield Result(name=f"{count:,} idle event streams", engine=SQLITE, unit="% of a core", median=idle, notes=notes)


async def _shares(system: System, count: int, seconds: float) -> tuple[float, float]:
    """Per cent of a core with nobody, and with the streams."""
    await asyncio.sleep(SETTLE_SECONDS)
    none = await _share(system, seconds)
    tokens = [system.token(Person("clerk", f"listener-{n}", "NGO_COORDINATOR")) for n in range(ORGANISATIONS)]
    url = system.urls["notifications"]
    streams = [events(url, request("GET", "/v1/stream", tokens[n % ORGANISATIONS])) for n in range(count)]
    listening = []
    for stream in streams:
        # The first is empty: it is connected. What comes behind it is read as a client would.
        await anext(stream)
        listening.append(asyncio.ensure_future(anext(stream)))
    await asyncio.sleep(SETTLE_SECONDS)
    idle = await _share(system, seconds)
    if ended := sum(listener.done() for listener in listening):
        msg = f"{ended} streams ended, or were not idle"
        raise RuntimeError(msg)
    for listener in listening:
        listener.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    return none, idle


async def _share(system: System, seconds: float) -> float:
    used, since = system.processor_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (system.processor_seconds() - used) / (time.monotonic() - since)
