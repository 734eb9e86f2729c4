"""What 10,000 endpoints with a million deliveries that wait cost who reads the feed, beside the same system without.

The endpoints are those of twenty organisations, of which each is sent a hundred events. None of them answers, as their
subscriptions know already: what waits is a place in the feed for each. Then the feed is read page by page, referrals
are submitted while somebody listens to the event stream, and the memory of all processes is read. The system without
any comes before and after it: how far these two are apart is how much the machine wavers.
"""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contracts.subscription_codes import Channel, Digest, Payload, WarningCode
from deploy.bench import open_loop
from deploy.bench.bench import Bench, rounds
from deploy.bench.engines import SQLITE, Place
from deploy.bench.http_client import Connection
from deploy.bench.open_loop import Offered, Subscriber
from deploy.bench.requests import request
from deploy.bench.results import Result, against, median, p95
from deploy.bench.system import System
from deploy.bench.webhooks import describe
from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.metadata import Metadata
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import machine_now
from services.notifications.domain.subscription import subscription_stream
from services.notifications.domain.subscription_events import (
    Choices,
    Keys,
    OwnershipProven,
    Person,
    SubscriptionCreated,
    WarnedAboutSubscription,
)
from services.notifications.events import EVENT_TYPES
from services.notifications.webhooks.signing import Secret
from services.sandbox.client import Person as Caller
from services.sandbox.demo import INES

ENDPOINTS: Final = 10_000
ORGANISATIONS: Final = 20
EVENTS: Final = 100
"""Of each organisation, and so of each of its endpoints."""
WRITTEN_AT_ONCE: Final = 250
REFERRALS_AT_ONCE: Final = 5
"""For each organisation, until it has its events."""
FILLING_RATE: Final = 20.0
LISTENING_RATE: Final = 2.0
LISTENED_SECONDS: Final = 20
PAGE: Final = 50
AT_REST: Final = 0.2
"""Of a core: a system that uses less than this has nothing left to do."""
LONGEST_REST: Final = 900.0
WITHOUT: Final = "no endpoints"
AGAIN: Final = "no endpoints, again"
_SECRET: Final = "bench.keys"  # noqa: S105 - where the secret is kept


@dataclass(frozen=True, slots=True)
class Found:
    """Of one system: milliseconds of pages and of submissions until they are on the stream, megabytes, seconds.

    `events` are those of one organisation, `woke` is how long it took until nothing was left to do.
    """

    pages: Sequence[float]
    offered: Offered
    megabytes: float
    started_in: float
    woke: float
    events: int


def about_seconds(bench: Bench) -> float:
    """How long it takes, roughly."""
    return 3 * (40 + bench.of(LISTENED_SECONDS, 2)) + _endpoints(bench) / 100


def _endpoints(bench: Bench) -> int:
    return bench.endpoints or bench.of(ENDPOINTS, 40)


def measure(bench: Bench) -> Iterator[Result]:
    """Without any, with them, and without any again."""
    many, told = _endpoints(bench), [f"told-{number:02d}" for number in range(bench.of(ORGANISATIONS, 2))]
    beside = f"{many:,} endpoints"
    found = {name: _measured(bench, told, count) for name, count in ((WITHOUT, 0), (beside, many), (AGAIN, 0))}
    base = found[WITHOUT]
    for name, each in found.items():
        waiting = each.events * many if name == beside else 0
        pages, stream = p95(each.pages), each.offered.told_p95
        yield Result(
            name=f"a page of the feed, {name}",
            engine=SQLITE,
            median=median(each.pages),
            p95=pages,
            compared=() if name == WITHOUT else against(WITHOUT, pages, p95(base.pages), "p95"),
            notes=(f"{waiting:,} deliveries wait",) if waiting else (),
        )
        yield Result(
            name=f"POST -> subscriber of the event stream, {name}",
            engine=SQLITE,
            median=each.offered.told_p50,
            p95=stream,
            compared=() if name == WITHOUT else against(WITHOUT, stream, base.offered.told_p95, "p95"),
        )
        more = (each.megabytes - base.megabytes) * 1024 / many
        yield Result(
            name=f"memory, {name}",
            engine=SQLITE,
            unit="MB",
            median=each.megabytes,
            notes=(
                *((f"{more:.1f} KB for each",) if waiting else ()),
                f"ready in {each.started_in:.1f} s",
                f"nothing left to do {each.woke:.0f} s later",
            ),
        )


def _measured(bench: Bench, told: Sequence[str], count: int) -> Found:
    with socket.socket() as nobody, bench.place(SQLITE) as place:
        # Bound and not listening, the port is nobody else's, and refuses at once.
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/hooks"
        asyncio.run(_fill(place, told, count, url))
        settings = {"CASERELAY_WEBHOOK_ALLOW": "127.0.0.0/8", "CASERELAY_WEBHOOK_RETRIES": "0,86400"}
        with System.whole(place, bench.issuer, settings=settings) as system:
            asyncio.run(describe(system, told))
            while (events := asyncio.run(_events(system, told[-1]))) < bench.of(EVENTS, 10):
                _offer(system, told, REFERRALS_AT_ONCE * len(told) / FILLING_RATE, FILLING_RATE)
            _rest(system)
        with System.whole(place, bench.issuer, scene=False, settings=settings) as system:
            woke = _rest(system)
            pages = asyncio.run(_pages(system, told, bench.seconds))
            offered = _offer(system, told, bench.of(LISTENED_SECONDS, 2), LISTENING_RATE)
            _rest(system)
            return Found(pages, offered, system.resident_megabytes(), system.started_in, woke, events)


def _rest(system: System) -> float:
    """Waits until nothing is left to do; how long that took, in seconds."""
    began = time.monotonic()
    system.catch_up()
    while True:
        used, since = system.processor_seconds(), time.monotonic()
        time.sleep(1)
        if system.processor_seconds() - used < AT_REST * (time.monotonic() - since):
            return since - began
        if since - began > LONGEST_REST:
            raise RuntimeError(f"still at work after {LONGEST_REST:.0f} s")


def _offer(system: System, told: Sequence[str], seconds: float, rate: float) -> Offered:
    listener = Subscriber(url=system.urls["notifications"], token=system.token(INES))
    orders = open_loop.Orders(
        url=system.url,
        token=system.token(INES),
        rate=rate,
        seconds=seconds,
        to=tuple(told),
        subscriber=listener,
    )
    offered = open_loop.found(open_loop.start(orders), orders)
    if offered.refused:
        raise RuntimeError(f"{offered.refused} referrals were refused: such a load measures something else")
    return offered


async def _events(system: System, organisation: str) -> int:
    connection = await Connection.open(system.urls["notifications"])
    feed = request("GET", "/v1/feed?limit=200", system.token(_reader(organisation)))
    found = (await connection.send(feed)).expect(200)
    connection.close()
    return len(found["items"])


async def _pages(system: System, told: Sequence[str], seconds: float) -> list[float]:
    """Milliseconds of pages of the feed of the organisations in turn."""
    connection = await Connection.open(system.urls["notifications"])
    pages = [request("GET", f"/v1/feed?limit={PAGE}", system.token(_reader(organisation))) for organisation in told]
    took: list[float] = []
    for number, counts in enumerate(rounds(seconds)):
        since = time.perf_counter()
        (await connection.send(pages[number % len(pages)])).expect(200)
        if counts:
            took.append(1000 * (time.perf_counter() - since))
    connection.close()
    return took


def _reader(organisation: str) -> Caller:
    return Caller("measured.clerk", organisation, "NGO_COORDINATOR")


async def _fill(place: Place, told: Sequence[str], count: int, url: str) -> None:
    """Writes the subscriptions into the log: proven to be their organisation's, and warned of an hour ago."""
    stores = place.stores()
    log, vault = stores.event_log("notifications", EVENT_TYPES), stores.vault("notifications")
    secret, at = Secret.drawn(), machine_now().replace(microsecond=0) - timedelta(hours=1)
    await vault.keep(_SECRET, subscription_stream(_SECRET), {"secret": secret.whsec, "key": secret.whsk})
    keys = Keys(secret_ref=_SECRET, public_key=secret.whpk)
    for first in range(0, count, WRITTEN_AT_ONCE):
        numbers = range(first, min(first + WRITTEN_AT_ONCE, count))
        await log.append([_subscription(log, told[n % len(told)], f"{url}/{n}", keys, at) for n in numbers])
    await log.close()
    await vault.close()


def _subscription(log: EventLog, organisation: str, url: str, keys: Keys, at: datetime) -> Write:
    subscription, lead = str(uuid.uuid4()), Actor(sub="measured.lead", role="NGO_LEAD", org=organisation)
    choices = Choices(
        channel=Channel.WEBHOOK.value,
        url=url,
        payload=Payload.THIN.value,
        digest=Digest.IMMEDIATE.value,
        language="nl",
        time_zone="Europe/Brussels",
    )
    created = SubscriptionCreated(
        subscription=subscription,
        organisation=organisation,
        reads_as=lead.role,
        choices=choices,
        keys=keys,
        created_by=Person(sub=lead.sub, role=lead.role),
        created_at=at,
    )
    proven = OwnershipProven(challenge=1, proven_at=at)
    warned = WarnedAboutSubscription(warning=WarningCode.FAILING.value, since=at, warned_at=at)
    return Write(
        subscription_stream(subscription), 0, [(event, _of(log, lead, at)) for event in (created, proven, warned)]
    )


def _of(log: EventLog, by: Actor, at: datetime) -> Metadata:
    event_id = str(uuid.uuid4())
    return log.types.metadata(event_id=event_id, actor=by, occurred_at=at, recorded_at=at, correlation_id=event_id)
