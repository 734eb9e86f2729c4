"""From a POST to the event at a subscriber of `GET /v1/stream`, next to the POST's own answer.

Between the two lie publishing, the bus, the notifications service's own log and its index.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

import uvloop

from deploy.bench.bench import Bench, rounds
from deploy.bench.engines import SET_UPS
from deploy.bench.http_client import Connection, events
from deploy.bench.requests import SUBMITTED, Referrals, request
from deploy.bench.results import Result, against, median, p95
from deploy.bench.system import System
from services.sandbox.demo import INES, LOTTE

ABOUT_SECONDS: Final = 10


def measure(bench: Bench) -> Iterator[Result]:
    """One referral after the other, each waited for at the subscriber."""
    yield from bench.on_each(SET_UPS, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with bench.place(engine) as place, System.whole(place, bench.issuer) as system:
        answered, received = uvloop.run(one_after_the_other(bench, system))
        yield Result(name="POST -> its answer", engine=engine, median=median(answered), p95=p95(answered))
        yield Result(
            name="POST -> subscriber of the event stream",
            engine=engine,
            median=median(received),
            p95=p95(received),
            compared=against("the POST's answer", median(received), median(answered), "median"),
            notes=(f"{len(received)} referrals, one after the other",),
        )


async def one_after_the_other(bench: Bench, system: System) -> tuple[list[float], list[float]]:
    """Milliseconds from the POST to its answer, and to the event."""
    connection = await Connection.open(system.url)
    referrals = Referrals(system.token(INES))
    path = f"/v1/stream?types={SUBMITTED}"
    stream = events(system.urls["notifications"], request("GET", path, system.token(LOTTE)))
    await anext(stream)
    answered, received = list[float](), list[float]()
    for counts in rounds(bench.seconds):
        sent = time.perf_counter()
        # Read meanwhile: the event may come before the answer has been looked at.
        coming = asyncio.ensure_future(_next(stream))
        answer = await connection.send(referrals.next())
        back = time.perf_counter()
        referral, seen = await coming
        submitted = answer.expect(201)["id"]
        while referral != submitted:
            if counts:
                raise RuntimeError("the stream told of another referral")
            # One of those before, which was still on its way when the stream was opened.
            referral, seen = await _next(stream)
        if counts:
            answered.append(1000 * (back - sent))
            received.append(1000 * (seen - sent))
    connection.close()
    await stream.aclose()
    return answered, received


async def _next(stream: AsyncIterator[bytes]) -> tuple[str, float]:
    data = await anext(stream)
    seen = time.perf_counter()
    return str(json.loads(data)["data"]["referral"]), seen
