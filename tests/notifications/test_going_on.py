"""What comes next for an endpoint that has everything else is sent at once, and nothing is passed by on the way."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from contracts.subscription_codes import SubscriptionState
from services.notifications.delivering.endpoint import AWAY_AFTER, CASES_KNOWN, Endpoint, LaneKey, Walk
from services.notifications.delivering.endpoints import Endpoints
from services.notifications.delivering.schedule import Schedule
from services.notifications.delivering.shards import SHARDS
from services.notifications.domain import subscribing
from services.notifications.domain.subscription import subscription_stream
from tests.notifications.messages import BRUGWERK, SAMENSTAP, START, Story, described
from tests.notifications.receiving import Answer, Receiver, Subscriptions, until
from tests.notifications.running import Running
from tests.support.repetitions import times

PHASES: Final = 30
LANE: Final = LaneKey("C1", "C1", None)
DATABASE: Final = "notifications-index.db"


@pytest.fixture
def settings() -> dict[str, Any]:
    """It may call receivers of this machine, and tries often, in short succession."""
    return {"webhook_allow": "127.0.0.0/8", "schedule": Schedule((0.0, *[0.05] * 1000))}


@contextmanager
def nothing_is_written_to(database: Path) -> Iterator[None]:
    """Another process holds the file, as one does that was stopped in the middle of a write."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
async def first(system: Running, there: Receiver, subscriptions: Subscriptions) -> str:
    """The id of what an endpoint has got; nothing else has come for it."""
    await subscriptions.active(BRUGWERK, there.url)
    (event,) = await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: there.taken() == [event.id])
    return event.id


@pytest.mark.on_files
async def test_what_comes_next_does_not_wait_for_the_index(
    tmp_path: Path, system: Running, there: Receiver, first: str
) -> None:
    """Nor does the index know of it when it arrives."""
    with nothing_is_written_to(tmp_path / DATABASE):
        known = await system.service.index.through()
        (second,) = await system.publishing.publish(Story("C2").submitted(BRUGWERK))
        await until(lambda: there.taken() == [first, second.id], seconds=4)
        assert await system.service.index.through() == known
    assert second.id in await system.seen(BRUGWERK)


@pytest.mark.on_files
async def test_a_replay_waits_for_the_index(
    tmp_path: Path, system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """What was sent a moment ago is among what is sent again, though the index did not know it yet."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    sent = await system.tell(Story("C1").submitted(BRUGWERK))
    with nothing_is_written_to(tmp_path / DATABASE):
        sent += await system.publishing.publish(Story("C2").submitted(BRUGWERK))
        await until(lambda: len(there.taken()) == 2, seconds=4)
        await subscriptions.give(subscription, subscribing.ReplaySubscription, since=START)
        # Long enough for a look that does not wait.
        await asyncio.sleep(0.3)
    await until(lambda: Counter(there.taken()) == Counter([event.id for event in sent] * 2))


@pytest.mark.on_files
async def test_what_came_during_a_pause_waits_for_the_index(
    tmp_path: Path, system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """An endpoint that goes on gets it, though the index knows of it only later, and nothing else comes."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    await subscriptions.give(subscription, subscribing.PauseSubscription)
    with nothing_is_written_to(tmp_path / DATABASE):
        (event,) = await system.publishing.publish(Story("C1").submitted(BRUGWERK))
        await subscriptions.give(subscription, subscribing.ResumeSubscription)
        await asyncio.sleep(0.3)
    await until(lambda: there.taken() == [event.id])


def abreast() -> Endpoint:
    """One that was looked at, and has all that came until then."""
    endpoint = Endpoint("subscription", shard=0, seq=0)
    endpoint.walk, endpoint.news = Walk(10, saved=10), 9
    return endpoint


def test_what_comes_next_is_begun_behind_all_that_the_walk_has_passed() -> None:
    """And counts as open until it has ended: a process that is killed walks there again."""
    endpoint = abreast()
    assert endpoint.is_abreast
    assert endpoint.walk is not None
    assert endpoint.step_to(15, LANE)
    under_way = endpoint.active[LANE]
    assert (under_way.first, under_way.floor, list(endpoint.waiting)) == (15, 10, [LANE])
    assert (endpoint.walk.after, endpoint.reached(endpoint.walk)) == (15, 14)
    endpoint.ended(LANE, held=False)
    assert endpoint.reached(endpoint.walk) == 15
    assert endpoint.is_abreast


def something_came(endpoint: Endpoint) -> None:
    """For which it has to be looked at."""
    endpoint.news = 11


def it_has_to_prove_whose_it_is(endpoint: Endpoint) -> None:
    """It was asked, or will be."""
    endpoint.is_challenged = True


def it_rests(endpoint: Endpoint) -> None:
    """After something of ours failed."""
    endpoint.rests_until = START


def it_is_away(endpoint: Endpoint) -> None:
    """It has taken nothing so often in a row."""
    for _ in range(AWAY_AFTER):
        endpoint.answered(acknowledged=False, latency_ms=1, at=START)


def its_place_is_not_known(endpoint: Endpoint) -> None:
    """Nobody has read it yet."""
    endpoint.walk = None


def it_has_no_room(endpoint: Endpoint) -> None:
    """As many lanes as may be are under way or next."""
    for number in range(CASES_KNOWN):
        endpoint.begin(LANE._replace(about=str(number)), number, 0)


@pytest.mark.parametrize(
    "hinder",
    [
        something_came,
        it_has_to_prove_whose_it_is,
        it_rests,
        it_is_away,
        its_place_is_not_known,
        it_has_no_room,
    ],
)
def test_an_endpoint_does_not_go_on_without_a_look_while(hinder: Callable[[Endpoint], None]) -> None:
    """Each by itself."""
    endpoint = abreast()
    hinder(endpoint)
    assert not endpoint.is_abreast


@pytest.mark.parametrize(("news", "stalled", "short"), [(10, False, False), (11, False, True), (11, True, False)])
def test_what_came_during_a_look_is_looked_for_once_more(news: int, *, stalled: bool, short: bool) -> None:
    """Where there was no room for it, that is once there is."""
    endpoint = abreast()
    endpoint.news, endpoint.stalled = news, stalled
    assert endpoint.is_short is short


def test_an_endpoint_that_was_not_looked_at_does_not_go_on() -> None:
    """It may have any number of events behind its place."""
    endpoint = Endpoint("subscription", shard=0, seq=0)
    endpoint.walk = Walk(10, saved=10)
    assert not endpoint.is_abreast


def test_what_a_look_has_passed_is_not_begun_once_more() -> None:
    """An index may be ahead of who follows the log."""
    endpoint = abreast()
    assert not endpoint.step_to(10, LANE)
    assert not endpoint.active
    assert endpoint.walk is not None
    assert endpoint.walk.after == 10


@pytest.mark.on_files
async def test_what_came_while_it_was_away_is_not_passed_by_once_it_is_back(
    tmp_path: Path, system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Some lane found that out for all, and the index does not know yet what it was not looked at for."""
    await subscriptions.active(BRUGWERK, there.url)
    well = False
    there.answering = lambda *_: Answer(204 if well else 503)
    sent = await system.publishing.publish(*(Story(f"C{n}").submitted(BRUGWERK) for n in range(AWAY_AFTER)))
    await until(lambda: len(there.received) > 2 * AWAY_AFTER)
    with nothing_is_written_to(tmp_path / DATABASE):
        sent += await system.publishing.publish(Story("D1").submitted(BRUGWERK))
        await asyncio.sleep(0.3)
        well = True
        await until(lambda: len(there.taken()) == AWAY_AFTER)
        sent += await system.publishing.publish(Story("D2").submitted(BRUGWERK))
        await asyncio.sleep(0.3)
    await until(lambda: set(there.taken()) == {event.id for event in sent})


@pytest.mark.on_files
async def test_what_the_index_is_waited_for_is_not_passed_by(
    tmp_path: Path, system: Running, there: Receiver, first: str
) -> None:
    """A message about no case has to be looked for; what comes behind it waits along."""
    with nothing_is_written_to(tmp_path / DATABASE):
        sent = await system.publishing.publish(described(SAMENSTAP), Story("C2").submitted(BRUGWERK))
        await asyncio.sleep(0.3)
    await until(lambda: Counter(there.taken()) == Counter([first, *(event.id for event in sent)]))


@pytest.mark.on_files
async def test_others_do_not_wait_with_one_that_waits_for_the_index(
    tmp_path: Path, system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """What fails is tried again meanwhile."""
    paused = await subscriptions.active(BRUGWERK, f"{there.url}/paused")
    await subscriptions.active(BRUGWERK, f"{there.url}/fails")
    well = False
    there.answering = lambda path, _: Answer(204 if well or path == "/paused" else 503)
    (event,) = await system.tell(Story("C1").submitted(BRUGWERK))
    await until(lambda: there.tried(event.id) > 2)
    await subscriptions.give(paused, subscribing.PauseSubscription)
    with nothing_is_written_to(tmp_path / DATABASE):
        await subscriptions.give(paused, subscribing.ResumeSubscription)
        await asyncio.sleep(0.2)
        well = True
        await until(lambda: there.taken("/fails") == [event.id], seconds=4)


async def test_an_endpoint_that_moves_while_cases_wait_is_asked_there(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """The lane that is next finds that nothing may be sent, and the endpoint is looked at afresh."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    # Until something has arrived it gets one case at a time.
    there.answering = lambda *_: Answer(after=0.3)
    sent = await system.tell(Story("C1").submitted(BRUGWERK), Story("C2").submitted(BRUGWERK))
    await until(lambda: len(there.received) == 1)
    there.answering = lambda *_: Answer()
    choices = (await subscriptions.state(subscription)).choices
    assert choices is not None
    moved = replace(choices, url=f"{there.url}/moved")
    await subscriptions.give(subscription, subscribing.ChangeSubscription, choices=moved)
    await subscriptions.becomes(subscription, SubscriptionState.ACTIVE)
    await until(lambda: set(there.taken()) == {event.id for event in sent})
    assert [each.path for each in there.challenges] == ["/", "/moved"]


async def test_what_cannot_be_sent_for_want_of_its_secrets_rests(
    system: Running, there: Receiver, subscriptions: Subscriptions, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not begun again at once, time after time."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    assert system.service.vault is not None
    await system.service.vault.forget(subscription_stream(subscription))
    await system.tell(Story("C1").submitted(BRUGWERK))
    await asyncio.sleep(1.5)
    assert 1 <= sum(record.message == "a delivery was interrupted" for record in caplog.records) <= 3
    assert not there.received


async def test_endpoints_that_are_loaded_again_are_all_there(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """Something may have failed the first time, behind some of them."""
    subscription = await subscriptions.active(BRUGWERK, there.url)
    await system.tell(Story("C1").submitted(BRUGWERK))
    endpoints = Endpoints(system.service.streams, system.service.index)
    shards = range(SHARDS)
    (first,) = await endpoints.load(shards)
    assert await endpoints.load(shards) == [first]
    assert first.id == subscription


async def test_nothing_is_passed_by_whatever_becomes_of_the_endpoint(
    system: Running, there: Receiver, subscriptions: Subscriptions
) -> None:
    """It fails until it counts as away and comes back, is paused and goes on, while more comes all the time."""
    chance = random.Random(random.random())
    subscription = await subscriptions.active(BRUGWERK, there.url)
    well = True
    there.answering = lambda *_: Answer(204 if well else 503)
    sent = list[str]()

    async def go_on(count: int) -> None:
        for _ in range(count):
            (event,) = await system.publishing.publish(Story(f"C{len(sent)}").submitted(BRUGWERK))
            sent.append(event.id)
            await asyncio.sleep(chance.random() / 100)

    for _ in range(times(PHASES)):
        await go_on(chance.randrange(5))
        well = False
        await go_on(2 * AWAY_AFTER)
        await asyncio.sleep(chance.random() / 5)
        well = True
        await go_on(chance.randrange(10))
        await subscriptions.give(subscription, subscribing.PauseSubscription)
        await go_on(chance.randrange(5))
        await subscriptions.give(subscription, subscribing.ResumeSubscription)
    await go_on(2)
    await subscriptions.becomes(subscription, SubscriptionState.ACTIVE)
    await until(lambda: set(there.taken()) == set(sent), seconds=30)
    assert len(there.taken()) == len(sent)
