"""From a POST to the delivery at an endpoint, over 50 organisations with one each, at 2 and at 40 referrals a second.

Next to a bare loop that posts the same bodies to the same endpoints at the same rate, and to what the feed takes:
the same referrals as a subscriber of `GET /v1/stream` is told of them. Delays count from when a referral was due.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx

from deploy.bench import bare_posts, open_loop
from deploy.bench.bench import Bench
from deploy.bench.endpoints import Endpoints
from deploy.bench.engines import SET_UPS
from deploy.bench.open_loop import Offered, Subscriber
from deploy.bench.results import Result, against
from deploy.bench.system import System
from services.sandbox.client import Person
from services.sandbox.demo import INES, OPERATOR, ORGANISATIONS

RATES: Final = (2, 40)
ORGANISATIONS_TOLD: Final = 50
LEAST_REFERRALS: Final = 60
"""At the lowest rate: a 95th percentile of less says nothing."""
WARM_UP_SECONDS: Final = 3
ACTIVE_SECONDS: Final = 60.0
BARE: Final = "the bare loop"
ALLOWED: Final = "three bare loops and the feed"


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return len(SET_UPS) * (25 + 2 * sum(_seconds(bench, rate) for rate in RATES))


def _seconds(bench: Bench, rate: float) -> float:
    return bench.of(max(bench.seconds, round(LEAST_REFERRALS / rate)), 2)


def measure(bench: Bench) -> Iterator[Result]:
    """On each set-up: the feed, the deliveries and the bare loop, at each rate."""
    yield from bench.on_each(SET_UPS, measure_on)


def measure_on(bench: Bench, engine: str) -> Iterator[Result]:
    """On one of them."""
    with (
        bench.place(engine) as place,
        Endpoints() as endpoints,
        System.whole(place, bench.issuer, settings={"CASERELAY_WEBHOOK_ALLOW": "127.0.0.0/8"}) as system,
    ):
        told = [f"told-{number:02d}" for number in range(bench.of(ORGANISATIONS_TOLD, 5))]
        asyncio.run(_subscribe(system, endpoints, told))
        _offered(system, endpoints, told, max(RATES), bench.of(WARM_UP_SECONDS, 1))
        for rate in RATES:
            seconds = _seconds(bench, rate)
            offered = _offered(system, endpoints, told, rate, seconds)
            bare = bare_posts.run(bare_posts.Orders(url=endpoints.url, rate=rate, seconds=seconds))
            yield from _results(engine, rate, offered, bare)


def _offered(system: System, endpoints: Endpoints, told: Sequence[str], rate: float, seconds: float) -> Offered:
    orders = open_loop.Orders(
        url=system.url,
        token=system.token(INES),
        rate=rate,
        seconds=seconds,
        to=tuple(told),
        subscriber=Subscriber(url=system.urls["notifications"], token=system.token(INES)),
        endpoints=endpoints.url,
    )
    offered = open_loop.found(open_loop.start(orders), orders)
    if offered.refused:
        raise RuntimeError(f"{offered.refused} referrals were refused: such a load measures something else")
    system.catch_up()
    return offered


def _results(engine: str, rate: int, offered: Offered, bare: bare_posts.Posted) -> Iterator[Result]:
    yield Result(name=f"{BARE}, {rate}/s", engine=engine, median=bare.p50, p95=bare.p95, at=rate)
    feed, delivered = offered.told_p95 or 0.0, offered.delivered_p95
    name = f"POST -> subscriber of the event stream, {rate}/s"
    yield Result(name=name, engine=engine, median=offered.told_p50, p95=feed, at=rate)
    yield Result(
        name=f"POST -> endpoint, {rate}/s",
        engine=engine,
        median=offered.delivered_p50,
        p95=delivered,
        compared=(
            *against(BARE, delivered, bare.p95, "p95"),
            *against("the feed", delivered, feed, "p95"),
            *against(ALLOWED, delivered, 3 * bare.p95 + feed, "p95"),
        ),
        notes=(f"{offered.accepted} referrals",),
        at=rate,
    )


async def _subscribe(system: System, endpoints: Endpoints, told: Sequence[str]) -> None:
    """Makes the organisations, each with an endpoint that has proven to be its own."""
    await describe(system, told)
    async with httpx.AsyncClient(timeout=60) as http:
        await asyncio.gather(*(_endpoint(http, system, endpoints, organisation) for organisation in told))


async def describe(system: System, told: Sequence[str]) -> None:
    """Makes the organisations."""
    async with httpx.AsyncClient(timeout=60) as http:
        for organisation in told:
            body = {**ORGANISATIONS["brugwerk"], "name": f"{organisation} (measured)"}
            await _sent(http, system, OPERATOR, "PUT", "referral", f"/v1/organisations/{organisation}", body)


async def _endpoint(http: httpx.AsyncClient, system: System, endpoints: Endpoints, organisation: str) -> None:
    lead = Person("measured.lead", organisation, "NGO_LEAD")
    body = {"channel": "WEBHOOK", "url": f"{endpoints.url}/hooks/{organisation}", "payload": "THIN"}
    made = await _sent(http, system, lead, "POST", "notifications", "/v1/subscriptions", body)
    async with asyncio.timeout(ACTIVE_SECONDS):
        while made["state"] != "ACTIVE":
            await asyncio.sleep(0.2)
            made = await _sent(http, system, lead, "GET", "notifications", f"/v1/subscriptions/{made['id']}")


async def _sent(
    http: httpx.AsyncClient, system: System, person: Person, method: str, service: str, path: str, body: Any = None
) -> Any:
    headers = {"Authorization": f"Bearer {system.token(person)}", "Idempotency-Key": str(uuid.uuid4())}
    answer = await http.request(method, system.urls[service] + path, headers=headers, json=body)
    if answer.is_error:
        raise RuntimeError(f"{path} was answered with {answer.status_code}: {answer.text[:400]}")
    return answer.json()
