"""On whichever engine the stores are: what an endpoint was told is known after a restart, and to those who share it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.message import CloudEvent
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.memory_stores import MemoryStores
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from services.notifications.delivering.places import saved_place
from services.notifications.domain import subscribing
from services.notifications.domain.lane import LANE, Lane, LaneCommand, RecordAttempt, decide, lane_stream
from services.notifications.reactor import SYSTEM
from tests.notifications.messages import BRUGWERK, START, Story
from tests.notifications.receiving import Answer, Receiver, Subscriptions, until
from tests.notifications.running import Running, running
from tests.support.repetitions import times

Open = Callable[[], StoreOpener]
SETTINGS: dict[str, Any] = {"webhook_allow": "127.0.0.0/8", "webhook_retries": ",".join(["0", *["0.05"] * 40])}


@pytest.fixture(params=["memory", "files", "postgres"])
def open_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same stores, as often as asked."""
    if request.param == "memory":
        stores = MemoryStores()
        return lambda: stores
    url = request.getfixturevalue("database_url") if request.param == "postgres" else None
    return lambda: Stores(tmp_path / "data", url)


class Flapping:
    """Answers by chance; some of what it takes it answers nothing to, so that the sender cannot know."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.well = False
        self.lost: Counter[str] = Counter()
        self.took: list[str] = []

    def __call__(self, _path: str, event: dict[str, Any]) -> Answer:
        """The answer to one request."""
        drawn = 0.0 if self.well else self._chance.random()
        if drawn < 0.6:
            self.took.append(event["id"])
            return Answer(after=self._chance.random() / 100)
        if drawn < 0.75:
            self.took.append(event["id"])
            self.lost[event["id"]] += 1
            return Answer(None)
        return Answer(self._chance.choice([500, 503, 429, 302, 404]))


async def told(system: Running, stories: list[Story], chance: random.Random) -> dict[str, list[str]]:
    """One more message of each case, in any order; their ids by case."""
    sent: dict[str, list[str]] = {}
    for story in chance.sample(stories, len(stories)):
        (event,) = await system.publishing.publish(_next(story, chance))
        sent[story.case] = [event.id]
    return sent


def _next(story: Story, chance: random.Random) -> Any:
    return story.submitted(BRUGWERK) if chance.random() < 0.5 else story.declined(BRUGWERK)


@pytest.mark.slow
async def test_whatever_the_endpoint_does_each_case_is_told_in_order_and_nothing_is_missing(
    open_stores: Open, there: Receiver, tmp_path: Path
) -> None:
    """Over restarts; twice comes only what the endpoint took and did not answer."""
    chance = random.Random(random.random())
    answering = Flapping(chance)
    stories = [Story(f"C{n}") for n in range(12)]
    sent: dict[str, list[str]] = {story.case: [] for story in stories}
    for round_ in range(times(20)):
        async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS) as system:
            if not round_:
                there.answering = lambda *_: Answer()
                await Subscriptions(system.service).active(BRUGWERK, there.url)
                await system.tell(*(story.submitted(BRUGWERK) for story in stories))
                await until(lambda: len(there.taken()) == len(stories))
                there.answering = answering
            for _ in range(3):
                for case, events in (await told(system, stories, chance)).items():
                    sent[case] += events
            await asyncio.sleep(chance.random())
    answering.well = True
    async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS):
        await until(lambda: set(answering.took) >= {event for events in sent.values() for event in events}, 60)
        await asyncio.sleep(0.3)
    first = list(dict.fromkeys(answering.took))
    for events in sent.values():
        assert [event for event in first if event in events] == events
    counts = Counter(answering.took)
    assert {event for event, count in counts.items() if count > 1 + answering.lost[event]} == set()


@pytest.mark.slow
async def test_after_a_restart_nothing_is_told_again_and_nothing_is_forgotten(
    open_stores: Open, there: Receiver, tmp_path: Path
) -> None:
    """Neither what arrived, nor what waits behind a delivery that is held, nor what came while nothing ran."""
    one, other = Story("C1"), Story("C2")
    async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS) as system:
        subscriptions = Subscriptions(system.service)
        subscription = await subscriptions.active(BRUGWERK, there.url)
        held = True
        there.answering = lambda _, event: (
            Answer(503, {"Retry-After": "1"}) if held and event["subject"] == "C1" else Answer()
        )
        sent = await system.tell(one.submitted(BRUGWERK), other.submitted(BRUGWERK))
        await until(lambda: len(there.received) == 2)
        sent += await system.tell(one.declined(BRUGWERK))
        await subscriptions.give(subscription, subscribing.PauseSubscription)
        sent += await system.tell(other.declined(BRUGWERK))
    held = False
    async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS) as system:
        await asyncio.sleep(1.2)
        assert len(there.received) == 2
        await Subscriptions(system.service).give(subscription, subscribing.ResumeSubscription)
        await until(lambda: len(there.taken()) == 4)
        await asyncio.sleep(0.2)
        assert Counter(there.taken()) == Counter(event.id for event in sent)
        assert there.taken().index(sent[0].id) < there.taken().index(sent[2].id)


@pytest.mark.slow
async def test_what_waited_behind_a_delivery_is_told_though_a_process_died_as_that_arrived(
    open_stores: Open, there: Receiver, tmp_path: Path
) -> None:
    """It recorded that the delivery arrived, and that more waits; the place in the feed was saved behind both."""
    story = Story("C1")
    async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS) as system:
        subscription = await Subscriptions(system.service).active(BRUGWERK, there.url)
        there.answering = lambda *_: Answer(503, {"Retry-After": "3600"})
        sent = await system.tell(story.submitted(BRUGWERK))
        await until(lambda: len(there.received) == 1)
        sent += await system.tell(story.declined(BRUGWERK))
        head = await system.service.log.head()
        consumers = open_stores().consumer_store("notifications")
        await until(lambda: _is_saved(consumers, subscription, head))
        await consumers.close()
        (attempted,) = await Subscriptions(system.service).events(subscription)
    async with running(tmp_path / "issuer", stores=open_stores(), at_work=False, **SETTINGS) as system:
        handler = Handler[LaneCommand, Lane](system.service.streams, OwnState(), decide)
        arrived = RecordAttempt(
            at=START,
            by=SYSTEM,
            delivery=attempted.delivery,
            known=1,
            acknowledged=True,
            started_at=START,
            latency_ms=1,
            status=204,
            more=True,
        )
        await handler.handle(arrived, lane_stream(subscription, "C1"), LANE, Call(actor=SYSTEM))
    there.answering = lambda *_: Answer()
    async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS):
        await until(lambda: there.taken() == [sent[1].id])


async def _is_saved(consumers: ConsumerStore, subscription: str, position: int) -> bool:
    return await saved_place(consumers, subscription, None) >= position


@pytest.mark.slow
async def test_two_processes_share_the_endpoints_and_tell_each_event_once(
    open_stores: Open, there: Receiver, tmp_path: Path
) -> None:
    """Also while one joins, and once the other has gone."""
    count = 12
    sent: list[CloudEvent] = []
    async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS) as first:
        subscriptions = Subscriptions(first.service)
        for n in range(count):
            await subscriptions.active(BRUGWERK, f"{there.url}/{n}")
        async with running(tmp_path / "issuer", stores=open_stores(), **SETTINGS):
            for n in range(20):
                sent += await first.publishing.publish(Story(f"C{n % 4}-{n}").submitted(BRUGWERK))
                await asyncio.sleep(0.1)
            await until(lambda: len(there.taken()) == count * len(sent))
        sent += await first.publishing.publish(Story("last").submitted(BRUGWERK))
        await until(lambda: len(there.taken()) == count * len(sent))
        await asyncio.sleep(0.3)
    for n in range(count):
        assert Counter(there.taken(f"/{n}")) == Counter(event.id for event in sent)
