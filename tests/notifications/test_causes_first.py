"""What casefile says follows what it says it because of, however far behind the one topic is and the other not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from contracts import casefile, referral
from contracts.casefile import CaseReopened
from contracts.message import CloudEvent, Message
from services.chassis.bus import Bus
from services.chassis.clock import SystemClock
from services.chassis.consumer import FIRST_PAUSE_SECONDS, Consumer
from services.chassis.development_issuer import DevelopmentIssuer
from services.chassis.eventlog import Unavailable
from services.chassis.identity import Verifier
from services.chassis.kafka.bus import KafkaBus
from services.chassis.kafka.clients import Cluster
from services.chassis.kafka.connecting import connected
from services.chassis.kafka.events import encode
from services.chassis.kafka.topics import Topics, wanted
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.telemetry import Telemetry
from services.notifications import app, reactions
from services.notifications.app import build
from services.notifications.catalogue import MESSAGES
from services.notifications.domain import MessageTaken
from tests.kafka import Broker
from tests.notifications.messages import Publishing, Story

PATIENCE_SECONDS = 0.2
NEWER = "org.caserelay.referral.praised.v1"
"""A type that only a newer version knows."""


@asynccontextmanager
async def at_rest(directory: Path, cluster: Cluster | None = None) -> AsyncIterator[tuple[Service, Publishing]]:
    """The service, which takes in nothing unless it is told to."""
    settings, stores = Settings(data=directory), Stores(directory)
    bus: Bus = KafkaBus(cluster) if cluster is not None else stores.bus()
    verifier = Verifier(DevelopmentIssuer(directory / "issuer"), "caserelay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "PATIENCE_SECONDS", PATIENCE_SECONDS)
        service: Service = build(settings, stores, bus, SystemClock(), verifier, Telemetry()).state.service
    yield service, Publishing(bus)
    await service.stop()
    await bus.close()


async def taken(service: Service) -> list[str]:
    """The ids of what was taken in, in order."""
    events = [one.event for one in await service.log.read_all(0, 100)]
    return [str(event.message["id"]) for event in events if isinstance(event, MessageTaken)]


async def until_taken(service: Service, consumer: Consumer, events: Sequence[CloudEvent]) -> None:
    """Lets a consumer go on until these are what was taken in, in this order, or longer than that."""
    async with asyncio.timeout(60):
        while (ids := await taken(service))[: len(events)] != [event.id for event in events]:
            assert ids == [event.id for event in events][: len(ids)]
            await consumer.round()


async def test_an_effect_waits_as_long_as_its_cause_may_be_on_its_way(tmp_path: Path) -> None:
    """A subscriber that is shown the cause first would never be shown the effect: it reads on from where it is."""
    async with at_rest(tmp_path) as (service, publishing):
        story = Story("case-1")
        (cause,) = await publishing.publish(story.submitted("brugwerk"))
        effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened))
        waiting = asyncio.create_task(service.sources["casefile"].round())
        await asyncio.sleep(PATIENCE_SECONDS * 4)
        assert not waiting.done()
        await service.sources["referral"].round()
        await asyncio.wait_for(waiting, 5)
        assert await taken(service) == [cause.id, effect.id]


async def test_an_effect_whose_cause_does_not_come_is_told_all_the_same(tmp_path: Path) -> None:
    """All that was published is taken in, and the cause is not among it."""
    async with at_rest(tmp_path) as (service, publishing):
        story, other = Story("case-1"), Story("case-2")
        (first,) = await publishing.publish(other.submitted("brugwerk"))
        await service.sources["referral"].round()
        never = first.model_copy(update={"id": "never published"})
        assert isinstance(never, CloudEvent)
        effect = await publishing.publish_what_follows(never, story.of_case(CaseReopened))
        await asyncio.wait_for(service.sources["casefile"].round(), 5)
        assert await taken(service) == [first.id, effect.id]


async def test_an_effect_waits_aside_as_long_as_its_cause_does(tmp_path: Path) -> None:
    """Nothing of the case is told out of order; what was redriven tells both, the cause first."""
    async with at_rest(tmp_path) as (service, publishing):
        story, other = Story("case-1"), Story("case-2")
        cause = await publishing.publish_unknown(story.submitted("brugwerk"), NEWER)
        effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened))
        (well,) = await publishing.publish(other.submitted("brugwerk"))
        await service.sources["referral"].round()
        await service.sources["casefile"].round()
        assert await taken(service) == [well.id]
        assert service.parked() == {"referral": 1, "casefile": 1}
        with pytest.MonkeyPatch.context() as newer:
            newer.setattr(reactions, "MESSAGES", {**MESSAGES, NEWER: referral.ReferralSubmitted})
            for source in ("casefile", "referral", "casefile"):
                await asyncio.sleep(FIRST_PAUSE_SECONDS * 2)
                await service.sources[source].retry_round()
        assert await taken(service) == [well.id, cause.id, effect.id]
        assert service.parked() == {"referral": 0, "casefile": 0}


async def put_unannounced(publishing: Publishing, cluster: Cluster, message: Message) -> CloudEvent:
    """What is left of a publisher that could not say that it had published: the message, in its partition."""
    topic, event, sent = await publishing.next(message, type(message).TYPE)
    record = encode(sent, sent.position - 1)
    with closing(connected(KafkaProducer, cluster)) as producer:
        at = {"key": sent.key.encode(), "headers": record.headers, "partition": 0}
        producer.send(cluster.name(topic), value=record.value, **at).get(timeout=10)
    return event


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.xdist_group("fault")
@pytest.mark.timeout(120)
async def test_an_effect_waits_for_a_cause_that_nobody_could_announce(tmp_path: Path, kafka_broker: Broker) -> None:
    """The broker went away as soon as it held the cause, and whoever had it acted on it. How long does not matter."""
    cluster = Cluster.at(kafka_broker.servers)
    with closing(Topics(cluster)) as topics:
        topics.create(wanted([referral.TOPIC, casefile.TOPIC], 1), replication=1)
    async with at_rest(tmp_path, cluster) as (service, publishing):
        story, other = Story("case-1"), Story("case-2")
        causes, effects = service.sources["referral"], service.sources["casefile"]
        (first,) = await publishing.publish(other.submitted("brugwerk"))
        await until_taken(service, causes, [first])
        cause = await put_unannounced(publishing, cluster, story.submitted("brugwerk"))
        effect = await publishing.publish_what_follows(cause, story.of_case(CaseReopened))
        waiting = asyncio.create_task(until_taken(service, effects, [first, cause, effect]))
        await asyncio.sleep(PATIENCE_SECONDS * 10)
        kafka_broker.pause()
        await asyncio.sleep(PATIENCE_SECONDS * 10)
        with pytest.raises(Unavailable):
            await causes.end()
        assert await taken(service) == [first.id]
        kafka_broker.go_on()
        await until_taken(service, causes, [first, cause])
        await asyncio.wait_for(waiting, 30)
