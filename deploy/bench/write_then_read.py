"""From a POST at the referral service to the case's timeline that shows it: `?waitFor=` with the answer's Position.

Next to it the same timeline once nothing has to be waited for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import uvloop

from deploy.bench.bench import Bench, rounds
from deploy.bench.engines import SET_UPS
from deploy.bench.http_client import Connection
from deploy.bench.requests import Referrals, request
from deploy.bench.results import Result, against, median, p95
from deploy.bench.system import System
from services.sandbox.demo import INES

ABOUT_SECONDS: Final = 10


def measure(bench: Bench) -> Iterator[Result]:
    """One referral after the other."""
    yield from bench.on_each(SET_UPS, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with bench.place(engine) as place, System.whole(place, bench.issuer) as system:
        posted, waited, again = uvloop.run(one_after_the_other(bench, system))
        both = [first + other for first, other in zip(posted, waited, strict=True)]
        yield Result(name="POST -> its answer", engine=engine, median=median(posted), p95=p95(posted))
        yield Result(name="GET of a timeline known already", engine=engine, median=median(again), p95=p95(again))
        yield Result(
            name="answer -> the timeline shows it (waitFor)",
            engine=engine,
            median=median(waited),
            p95=p95(waited),
            compared=against("the timeline known already", median(waited), median(again), "median"),
        )
        yield Result(
            name="POST -> the timeline shows it",
            engine=engine,
            median=median(both),
            p95=p95(both),
            notes=(f"{len(both)} referrals, one after the other",),
        )


async def one_after_the_other(bench: Bench, system: System) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of the POST, of the read that waits for it, and of another read."""
    connection = await Connection.open(system.url)
    casefile = await Connection.open(system.urls["casefile"])
    token = system.token(INES)
    referrals = Referrals(token)
    posted, waited, again = list[float](), list[float](), list[float]()
    for counts in rounds(bench.seconds):
        began = time.perf_counter()
        answer = await connection.send(referrals.next())
        written = time.perf_counter()
        path = f"/v1/cases/{answer.expect(201)['case']}/timeline"
        requested = time.perf_counter()
        shown = await casefile.send(request("GET", f"{path}?waitFor={answer.header('position')}", token))
        read = time.perf_counter()
        if not any(item["type"] == "ReferralSubmitted" for item in shown.expect(200)["items"]):
            raise RuntimeError("the timeline does not show the referral")
        known = time.perf_counter()
        (await casefile.send(request("GET", path, token))).expect(200)
        if counts:
            posted.append(1000 * (written - began))
            waited.append(1000 * (read - requested))
            again.append(1000 * (time.perf_counter() - known))
    connection.close()
    casefile.close()
    return posted, waited, again
