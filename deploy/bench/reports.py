"""Reports over 100,000 cases, or fewer: from the log alone, as `caserelay report` makes them, and over HTTP.

Over HTTP the facts are kept: how long a service takes to find all of them again is said as well. Rates are events a
second that a report goes through, next to the goal of 10^6 a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

import uvloop

from deploy.bench.bench import Bench
from deploy.bench.cases import Story
from deploy.bench.engines import STORES, Place
from deploy.bench.filling import Template, heads
from deploy.bench.http_client import Connection
from deploy.bench.requests import request
from deploy.bench.results import Result, against, median, p95
from deploy.bench.system import System
from services.casefile.events import EVENT_TYPES
from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.kept import KEPT, KEPT_AS, REPORTS_VERSION, Kept, newest
from services.casefile.reports.replayed import findings_in
from services.casefile.reports.report import Period, Wanted
from services.sandbox.demo import AUDITOR

SERVICE: Final = "casefile"
EVENTS: Final = 24
"""Of one case: referred, matched, and asked now and then how it goes."""
TIMES: Final = 5
GOAL: Final = 1_000_000 / 60
"""Events a second."""


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 30 + _cases(bench) * (2 + len(REPORTS)) * EVENTS / 15_000


def _cases(bench: Bench) -> int:
    return bench.referrals or bench.of(100_000, 200)


def measure(bench: Bench) -> Iterator[Result]:
    """On every engine the same."""
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with bench.place(engine) as place:
        with System.whole(place, bench.issuer) as system:
            before = uvloop.run(_live(system))
        template = Template(place, {SERVICE: before})
        asyncio.run(template.copy(_cases(bench), place))
        events = _cases(bench) * template.events(SERVICE)
        bench.say(f"  {_cases(bench):,} cases, {events:,} events")
        bench.remark(f"over {_cases(bench):,} cases with {events:,} events")
        for name, seconds in uvloop.run(_replayed(place)).items():
            yield _rate(f"replayed: {name}", engine, events / seconds)
        yield _rate("facts of all reports found", engine, events / uvloop.run(find_facts(place)))
        with System.whole(place, bench.issuer, scene=False) as system:
            for name, took in uvloop.run(_over_http(system)).items():
                yield Result(name=f"over HTTP: {name}", engine=engine, median=median(took), p95=p95(took))


def _rate(name: str, engine: str, rate: float) -> Result:
    return Result(name=name, engine=engine, rate=rate, compared=against("10^6 events a minute", rate, GOAL))


async def _live(system: System) -> int:
    connection = await Connection.open(system.url)
    story = Story(system, connection)
    await story.describe_mentor()
    await asyncio.to_thread(system.catch_up)
    before = heads(system.place)[SERVICE]
    await story.live(EVENTS)
    await asyncio.to_thread(system.catch_up)
    connection.close()
    return before


async def _replayed(place: Place) -> dict[str, float]:
    """Seconds, by report."""
    log = place.stores().event_log(SERVICE, EVENT_TYPES)
    took: dict[str, float] = {}
    for name, report in REPORTS.items():
        began = time.perf_counter()
        report.answer(await findings_in(log, report), Period(now=await newest(log)), Wanted())
        took[name] = time.perf_counter() - began
    await log.close()
    return took


async def find_facts(place: Place) -> float:
    """Has the facts of all reports found in what is there and new; how many seconds that took."""
    stores = place.stores()
    log = stores.event_log(SERVICE, EVENT_TYPES)
    index = stores.index(SERVICE, (KEPT,), REPORTS_VERSION, kept_as=KEPT_AS)
    began = time.perf_counter()
    await Kept(log, index).projection.catch_up()
    took = time.perf_counter() - began
    index.close()
    await log.close()
    return took


async def _over_http(system: System) -> dict[str, list[float]]:
    """Milliseconds, by report."""
    connection = await Connection.open(system.url)
    token = system.token(AUDITOR)
    took: dict[str, list[float]] = {name: [] for name in REPORTS}
    for name in REPORTS:
        for _ in range(TIMES):
            began = time.perf_counter()
            (await connection.send(request("GET", f"/v1/reports/{name}", token))).expect(200)
            took[name].append(1000 * (time.perf_counter() - began))
    connection.close()
    return took
