"""What casefile says follows what it says it because of, however far behind the one topic is and the other not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest

from contracts import casefile, referral
from contracts.casefile.closing import CaseReopened
from contracts.message import CloudEvent, Message
from services.chassis.access.identity import Verifier
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer import Pace
from services.chassis.delivery.embedded import EmbeddedBus
from services.chassis.delivery.kafka.bus import KafkaBus
from services.chassis.delivery.kafka.clients import Cluster
from services.chassis.delivery.kafka.topics import Topics, wanted
from services.chassis.delivery.redriving import redrive
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.time.clock import SystemClock
from services.notifications.app import build
from services.notifications.catalogue import MESSAGES
from services.notifications.domain.inbox import MessageTaken
from services.sandbox.development_issuer import DevelopmentIssuer
from tests.notifications.messages import Publishing, Story

PATIENCE_SECONDS, PAUSE_SECONDS, TRIES = 0.4, 0.05, 3
NEWER = "org.caserelay.referral.praised.v1"
"""A type that only a newer version knows."""


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.slow)])
async def bus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bus]:
    """A bus with the topics of the two services."""
    made: Bus
    if request.param == "kafka":
        cluster = Cluster.at(request.getfixturevalue("kafka_servers"), request.getfixturevalue("kafka_prefix"))
        with closing(Topics(cluster)) as topics:
            topics.create(wanted([referral.TOPIC, casefile.TOPIC], 3), replication=1)
        made = KafkaBus(cluster)
    else:
        made = EmbeddedBus(tmp_path / "bus.db")
    yield made
    await made.close()


class AtRest:
    """The service, which takes in nothing unless it is told to."""

    def __init__(self, directory: Path, bus: Bus) -> None:
        settings, self.stores = Settings(data=directory), Stores(directory)
        verifier = Verifier(DevelopmentIssuer(directory / "issuer"), "caserelay")
        self.known: dict[str, type[Message]] = {**MESSAGES}
        app = build(settings, self.stores, bus, SystemClock(), verifier, Telemetry(), self.known)
        self.service: Service = app.state.service
        self.causes, self.effects = (self.service.sources[name] for name in ("referral", "casefile"))

    async def taken(self) -> list[str]:
        """The ids of what was taken in, in order."""
        events = [one.event for one in await self.service.log.read_all(0, 100)]
        return [str(event.message["id"]) for event in events if isinstance(event, MessageTaken)]

    async def until_taken(self, work: Callable[[], Awaitable[None]], *events: CloudEvent) -> None:
        """Does some work again and again until these are what was taken in first, in this order."""
        wanted = [event.id for event in events]
        async with asyncio.timeout(30):
            while (taken := await self.taken())[: len(wanted)] != wanted:
                assert taken == wanted[: len(taken)]
                await work()

    async def until_parked(self, work: Callable[[], Awaitable[None]], **parked: int) -> None:
        """The same until so many messages of each source are parked."""
        async with asyncio.timeout(30):
            while await self.service.parked() != parked:
                await work()


@pytest.fixture
async def here(tmp_path: Path, bus: Bus) -> AsyncIterator[AtRest]:
    """The service, with shorter pauses than it makes."""
    rest = AtRest(tmp_path, bus)
    for consumer in (rest.causes, rest.effects):
        consumer.pace = Pace(tries=TRIES, first_pause=PAUSE_SECONDS, look_again=PAUSE_SECONDS)
    yield rest
    await rest.service.stop()


@pytest.fixture
def impatient(here: AtRest) -> None:
    """A message does not wait long for one that is on its way."""
    for consumer in (here.causes, here.effects):
        consumer.pace = replace(consumer.pace, patience=PATIENCE_SECONDS)


@pytest.fixture
def publishing(bus: Bus) -> Publishing:
    """The two services that publish."""
    return Publishing(bus)


async def test_an_effect_waits_for_its_cause(here: AtRest, publishing: Publishing) -> None:
    """A subscriber that is shown the effect first would not be shown it, since nobody knows yet whom it concerns."""
    story, other = Story("case-1"), Story("case-1")
    (cause,) = await publishing.publish(story.submitted("brugwerk"))
    (nobodys,) = await publishing.publish(other.of_case(CaseReopened))
    effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened))
    following = asyncio.create_task(here.until_taken(here.effects.round, nobodys, cause, effect))
    await here.until_taken(partial(asyncio.sleep, 0.02), nobodys)
    await asyncio.sleep(0.3)
    assert (await here.taken(), (await here.service.parked())["casefile"]) == ([nobodys.id], 0)
    await here.until_taken(here.causes.round, nobodys, cause)
    await asyncio.wait_for(following, 30)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("told", [True, False], ids=["position told", "recorded before positions were told"])
async def test_an_effect_waits_aside_when_its_cause_is_long_in_coming(
    here: AtRest, publishing: Publishing, *, told: bool
) -> None:
    """A broker may be away for hours after somebody acted on a message; the others' messages do not wait meanwhile."""
    story, other = Story("case-1"), Story("case-2")
    (cause,) = await publishing.publish(story.submitted("brugwerk"))
    effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened), told=told)
    (nobodys,) = await publishing.publish(other.of_case(CaseReopened))
    await here.until_taken(here.effects.round, nobodys)
    await here.until_parked(here.effects.round, referral=0, casefile=1)
    for _ in range(TRIES * 2):
        await here.effects.retry_round()
    assert (await here.taken(), await here.effects.retrying()) == ([nobodys.id], True)
    await here.until_taken(here.causes.round, nobodys, cause)
    await here.until_taken(here.effects.retry_round, nobodys, cause, effect)
    assert await here.service.parked() == {"referral": 0, "casefile": 0}


async def test_an_effect_waits_aside_as_long_as_its_cause_does(here: AtRest, publishing: Publishing) -> None:
    """Also when that is given up; when it is redriven, and only then, the two are told in their order."""
    story, other = Story("case-1"), Story("case-2")
    cause = await publishing.publish_unknown(story.submitted("brugwerk"), NEWER)
    effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened))
    (well,) = await publishing.publish(other.submitted("brugwerk"))
    await here.until_taken(here.causes.round, well)
    await here.until_parked(here.causes.round, referral=1, casefile=0)
    await here.until_parked(here.effects.round, referral=1, casefile=1)
    while await here.causes.retrying():
        await here.effects.retry_round()
        assert await here.effects.retrying()
        await here.causes.retry_round()
    while await here.effects.retrying():
        await here.effects.retry_round()
    assert await here.taken() == [well.id]
    # As a newer version does.
    here.known[NEWER] = referral.ReferralSubmitted
    await here.effects.retry_round()
    await here.causes.retry_round()
    assert await here.taken() == [well.id]
    store = here.stores.consumer_store("notifications")
    assert await redrive(store, referral.TOPIC) == 1
    await store.close()
    await here.effects.retry_round()
    assert await here.taken() == [well.id]
    await here.until_taken(here.causes.retry_round, well, cause)
    await here.until_taken(here.effects.retry_round, well, cause, effect)
    assert await here.service.parked() == {"referral": 0, "casefile": 0}


@pytest.mark.usefixtures("impatient")
async def test_an_effect_of_what_is_gone_is_told_when_others_have_come_in_its_place(
    here: AtRest, publishing: Publishing
) -> None:
    """The referral service was restored alone, from before the message that casefile had acted on."""
    story = Story("case-1")
    first, second, third = await publishing.publish(*(story.submitted("brugwerk") for _ in range(3)))
    gone = msgspec.structs.replace(third, id="gone", sequence=str(int(third.sequence) + 1))
    assert isinstance(gone, CloudEvent)
    effect = await publishing.publish_what_follows(gone, story.of_case(CaseReopened))
    await here.until_taken(here.causes.round, first, second, third)
    await here.until_parked(here.effects.round, referral=0, casefile=1)
    (fourth,) = await publishing.publish(story.submitted("brugwerk"))
    await here.until_taken(here.causes.round, first, second, third, fourth)
    await here.until_taken(here.effects.retry_round, first, second, third, fourth, effect)


@pytest.mark.parametrize("bus", ["embedded"], indirect=True)
async def test_a_repeat_of_what_was_told_long_ago_waits_for_nobody(
    here: AtRest, publishing: Publishing, tmp_path: Path
) -> None:
    """The places were lost, and the effects are read again first: they are absorbed."""
    story = Story("case-1")
    (cause,) = await publishing.publish(story.submitted("brugwerk"))
    effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened))
    await here.until_taken(here.causes.round, cause)
    await here.until_taken(here.effects.round, cause, effect)
    with closing(sqlite3.connect(tmp_path / "notifications-consumers.db", isolation_level=None)) as db:
        db.execute("DELETE FROM places")
    assert (await here.causes.behind(), await here.effects.behind()) == (1, 1)
    await here.effects.round()
    assert (await here.causes.behind(), await here.effects.behind(), await here.effects.parked()) == (1, 0, 0)
    assert await here.taken() == [cause.id, effect.id]
