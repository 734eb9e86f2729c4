"""Reading among 100,000 cases: a timeline of 200 events, and lists and worklists of 50.

Every question is a new one: another long case each time, and page after page of a list. They are asked one after the
other on one connection.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Final

import uvloop

from deploy.bench.bench import Bench, rounds
from deploy.bench.cases import Story
from deploy.bench.engines import STORES, Place
from deploy.bench.filling import Ids, Template, heads
from deploy.bench.http_client import Connection
from deploy.bench.requests import request
from deploy.bench.results import Result, median, p95
from deploy.bench.system import System
from services.sandbox.client import Person
from services.sandbox.demo import INES, LOTTE

LONG: Final = 200
LONG_CASES: Final = 100
LISTS: Final = (
    ("cases, as the agency", INES, "/v1/cases"),
    ("cases, as the organisation", LOTTE, "/v1/cases"),
    ("referrals, as the agency", INES, "/v1/referrals"),
    ("referrals, as the organisation", LOTTE, "/v1/referrals"),
    ("worklist, as the organisation", LOTTE, "/v1/worklist"),
)


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 20 + _cases(bench) / 1000 + 2 * (1 + len(LISTS)) * bench.seconds


def _cases(bench: Bench) -> int:
    return bench.of(100_000, 500)


def measure(bench: Bench) -> Iterator[Result]:
    """On every engine the same."""
    yield from bench.on_each(STORES, _on)


def _on(bench: Bench, engine: str) -> Iterator[Result]:
    with bench.place(engine) as place:
        since = time.monotonic()
        with System.whole(place, bench.issuer) as system:
            long = uvloop.run(_live(system))
        _fill(bench, place, long)
        bench.say(f"  {_cases(bench):,} cases filled in {time.monotonic() - since:.0f} s")
        with System.whole(place, bench.issuer, scene=False) as system:
            system.catch_up()
            took = uvloop.run(_timelines(bench, system, long.case))
            name = f"timeline of {LONG} events"
            yield Result(name=name, engine=engine, median=median(took), p95=p95(took), notes=(f"{len(took)} reads",))
            for name, person, path in LISTS:
                took = uvloop.run(pages(bench, system, person, path))
                yield Result(
                    name=f"list of 50: {name}",
                    engine=engine,
                    median=median(took),
                    p95=p95(took),
                    notes=(f"{len(took)} pages",),
                )


class _Lived:
    """The long case, and the heads of the logs before it and before the short one."""

    case = ""
    before_long: dict[str, int]
    before_short: dict[str, int]


async def _live(system: System) -> _Lived:
    connection = await Connection.open(system.url)
    story = Story(system, connection)
    lived = _Lived()
    # The mentor's profile comes first, and is not copied.
    await story.describe_mentor()
    await asyncio.to_thread(system.catch_up)
    lived.before_long = heads(system.place)
    lived.case = await story.live(LONG)
    await asyncio.to_thread(system.catch_up)
    lived.before_short = heads(system.place)
    await story.refer()
    await asyncio.to_thread(system.catch_up)
    connection.close()
    return lived


def _fill(bench: Bench, place: Place, lived: _Lived) -> None:
    short = Template(place, lived.before_short)
    # Of the long case only what came before the short one.
    long = Template(place, lived.before_long, lived.before_short)
    asyncio.run(short.copy(_cases(bench), place))
    asyncio.run(long.copy(LONG_CASES, place))


async def _timelines(bench: Bench, system: System, case: str) -> list[float]:
    connection = await Connection.open(system.url)
    token = system.token(INES)
    took = list[float]()
    copies = [Ids(copy).of(case) for copy in range(1, LONG_CASES + 1)]
    for counts in rounds(bench.seconds):
        question = request("GET", f"/v1/cases/{random.choice(copies)}/timeline", token)  # noqa: S311 - no secret
        began = time.perf_counter()
        answer = await connection.send(question)
        if counts:
            took.append(1000 * (time.perf_counter() - began))
        if len(answer.expect(200)["items"]) < LONG:
            raise RuntimeError("the timeline is shorter than it should be")
    connection.close()
    return took


async def pages(bench: Bench, system: System, person: Person, path: str) -> list[float]:
    """Milliseconds of each page of 50, one after the other."""
    connection = await Connection.open(system.urls["referral" if path == "/v1/referrals" else "casefile"])
    token = system.token(person)
    took = list[float]()
    following = None
    for counts in rounds(bench.seconds):
        question = request("GET", f"{path}?limit=50" + (f"&cursor={following}" if following else ""), token)
        began = time.perf_counter()
        answer = await connection.send(question)
        if counts:
            took.append(1000 * (time.perf_counter() - began))
        # Behind the last page the first one again.
        following = answer.expect(200)["next"]
    connection.close()
    return took
