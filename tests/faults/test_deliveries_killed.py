"""SIGKILL and SIGSTOP of what delivers, under load: every acknowledged delivery is recorded, and none is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import pytest

from services.chassis.leading.leadership import LEASE_SECONDS
from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.load import Clients
from tests.faults.processes import Program
from tests.notifications.receiving import Answer, Receiver, receiver
from tests.support.people import HANNE
from tests.support.repetitions import in_full, times

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

CLIENTS: Final = 4
REST_SECONDS: Final = 0.4
READ_SECONDS: Final = 0.1
SETTINGS: Final = {"webhook_allow": "127.0.0.0/8", "webhook_retries": ",".join(["0", *["0.3"] * 30])}
HELD_SECONDS: Final = LEASE_SECONDS + 2
KILLS: Final = {"files": in_full(100, short=7), "postgres": in_full(100, short=3)}
log = logging.getLogger(__name__)
Span = tuple[float, float]
"""When an answer may have been lost, or two may have believed that an endpoint was theirs: by the loop's clock."""


async def subscribed(people: Caller, url: str) -> str:
    """A webhook of the organisation that is told of everything, and has proven to be its own."""
    body = {"channel": "WEBHOOK", "url": url, "payload": "THIN"}
    made = await people.send(HANNE, "POST", "/v1/subscriptions", body, key=str(uuid.uuid4()))
    assert made.status_code == 201, made.text
    subscription = str(made.json()["id"])
    async with asyncio.timeout(30):
        while (await people.read(HANNE, f"/v1/subscriptions/{subscription}"))["state"] != "ACTIVE":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
    return subscription


def answers_by_chance(chance: random.Random) -> Callable[[str, dict[str, Any]], Answer]:
    """Now and then it is too busy."""
    return lambda *_: Answer(503) if chance.random() < 0.05 else Answer(after=chance.random() / 50)


async def some_more_taken(there: Receiver, count: int) -> None:
    """Returns once the endpoint has taken so many more, and a moment later, or after a while without."""
    begun = len(there.received)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while len(there.received) < begun + count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)


async def all_told(people: Caller, there: Receiver, begun: str, paths: Sequence[str]) -> list[dict[str, Any]]:
    """What the organisation's feed holds behind a cursor, once every endpoint has taken all of it."""
    await people.settled()
    events, _ = await people.feed(HANNE, begun)
    wanted = {event["id"] for event in events}
    async with asyncio.timeout(120):
        while any(set(there.taken(path)) < wanted for path in paths):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.2)
    return events


def was_told_in_order(there: Receiver, events: list[dict[str, Any]], paths: Sequence[str], doubts: list[Span]) -> None:
    """Nothing is missing, no case out of order, and twice came only what a doubt explains."""
    for path in paths:
        first = list(dict.fromkeys(there.taken(path)))
        by_case: defaultdict[str, list[str]] = defaultdict(list)
        for event in events:
            by_case[event["partitionkey"]].append(event["id"])
        place = {event: number for number, event in enumerate(first)}
        for ids in by_case.values():
            assert sorted(ids, key=place.__getitem__) == ids
        came: defaultdict[str, list[float]] = defaultdict(list)
        for each in there.received:
            if each.path == path and each.took:
                came[each.event["id"]].append(each.at)
        for times_ in came.values():
            for before, after in pairwise(times_):
                assert any(begun <= after and before <= ended for begun, ended in doubts), (before, after, doubts)


async def is_recorded(people: Caller, there: Receiver, subscription: str, path: str) -> None:
    """Each that was taken is DELIVERED, and nothing else stands there."""
    async with asyncio.timeout(60):
        while True:
            items = await people.listed(HANNE, f"/v1/subscriptions/{subscription}/deliveries")
            stand = {item["event"]: item["state"] for item in items}
            if stand == dict.fromkeys(there.taken(path), "DELIVERED"):
                return
            await asyncio.sleep(0.5)


@pytest.mark.timeout(times(4200))
@pytest.mark.parametrize("engine", ["files", "postgres"])
async def test_every_acknowledged_delivery_is_recorded_and_none_forgotten_whenever_it_is_killed(
    program: Start, caller: Callable[[Program], Caller], request: pytest.FixtureRequest, engine: str
) -> None:
    """What is killed is everything that runs, the worker that delivers with it; CI does so few times on PostgreSQL."""
    settings = {"database_url": request.getfixturevalue("database_url")} if engine == "postgres" else {}
    victim = program("serve", "all", processes="2", **SETTINGS, **settings)
    chance, loop = random.Random(random.getrandbits(32)), asyncio.get_running_loop()
    await victim.start()
    async with receiver() as there, caller(victim) as people:
        await people.set_the_scene()
        _, begun = await people.feed(HANNE)
        subscription = await subscribed(people, f"{there.url}/hook")
        there.answering = answers_by_chance(chance)
        clients, doubts = Clients(people, chance, REST_SECONDS), list[Span]()
        working = asyncio.create_task(clients.work(CLIENTS))
        for _ in range(KILLS[engine]):
            await some_more_taken(there, chance.randrange(20))
            assert not working.done()
            # What it was sending then may have been taken, and nobody is there who could say so.
            at = loop.time()
            victim.kill()
            victim.launch()
            # Which holds this loop up: what was sent before is read here only now.
            await asyncio.sleep(READ_SECONDS)
            doubts.append((at - 1.0, loop.time()))
            log.info("killed; %d taken", len(there.taken()))
            await victim.answers("/healthz")
        log.info("killed for the last time; %d taken", len(there.taken()))
        clients.end()
        await working
        events = await all_told(people, there, begun, ["/hook"])
        log.info("%d events, %d attempts", len(events), len(there.received))
        was_told_in_order(there, events, ["/hook"], doubts)
        await is_recorded(people, there, subscription, "/hook")
    await victim.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", in_full(["files", "postgres"], short=["postgres"]))
async def test_of_two_that_deliver_one_that_was_stopped_does_no_harm_when_it_goes_on(
    program: Start, caller: Callable[[Program], Caller], request: pytest.FixtureRequest, engine: str
) -> None:
    """The other one takes over its endpoints; it finds out, before it sends anything, that they are not its own.

    CI tries it on PostgreSQL alone, which is for several processes.
    """
    settings = {"database_url": request.getfixturevalue("database_url")} if engine == "postgres" else {}
    one, other = (program("serve", "all", processes="1", **SETTINGS, **settings) for _ in range(2))
    chance, loop = random.Random(random.getrandbits(32)), asyncio.get_running_loop()
    await asyncio.gather(one.start(), other.start())
    async with receiver() as there, caller(one) as people:
        await people.set_the_scene()
        _, begun = await people.feed(HANNE)
        paths = [f"/{n}" for n in range(6)]
        subscriptions = [await subscribed(people, f"{there.url}{path}") for path in paths]
        there.answering = answers_by_chance(chance)
        clients, doubts = Clients(people, chance, REST_SECONDS), list[Span]()
        working = asyncio.create_task(clients.work(CLIENTS))
        await asyncio.sleep(2)
        at = loop.time()
        other.pause()
        await asyncio.sleep(HELD_SECONDS)
        other.go_on()
        doubts.append((at - 1.0, loop.time() + 1.0))
        await asyncio.sleep(2)
        clients.end()
        await working
        events = await all_told(people, there, begun, paths)
        was_told_in_order(there, events, paths, doubts)
        for subscription, path in zip(subscriptions, paths, strict=True):
            await is_recorded(people, there, subscription, path)
    await one.stop()
    await other.stop()
