"""The topic of an organisation in Kafka: what its feed shows, in the order of the feed, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from services.bus_administration import create_topics
from services.chassis.operating.supervision import Supervised
from services.chassis.settings import Settings
from services.notifications.organisation_topics import OrganisationTopics, topic_of
from services.notifications.read_receipts import ReadReceipts
from tests.casefile.cases import SERVICES
from tests.support.people import INES, KARIM, LOTTE
from tests.support.requests import another_person, yonas
from tests.support.running import Running, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
async def here(tmp_path: Path, kafka_servers: str, kafka_prefix: str) -> AsyncIterator[Running]:
    """All services over Kafka, with a topic for the agency and for brugwerk, and none yet for samenstap."""
    settings: dict[str, Any] = {"kafka_servers": kafka_servers, "kafka_prefix": kafka_prefix, "kafka_partitions": 3}
    create_topics(Settings(data=tmp_path, **settings), ["vdab-gent", "brugwerk"])
    async with running(tmp_path, SERVICES, **settings) as system:
        await system.set_the_scene()
        yield system


def _all_of(servers: str, topic: str) -> list[str]:
    consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end, found = consumer.end_offsets([partition])[partition], list[str]()
        while consumer.position(partition) < end:
            for records in consumer.poll(timeout_ms=500).values():
                found += [dict(record.headers)["ce_id"].decode() for record in records]
        return found
    finally:
        consumer.close(autocommit=False, timeout_ms=1_000)


async def told(here: Running, organisation: str, how_many: int) -> list[str]:
    """The ids in an organisation's topic, repeats dropped, once there are so many and no more come."""
    until, found = time.monotonic() + 30, list[str]()
    topic = f"{here.settings.kafka_prefix}{topic_of(organisation)}"
    while len(found) < how_many:
        assert time.monotonic() < until, (organisation, found, how_many)
        await asyncio.sleep(0.2)
        found = list(dict.fromkeys(await asyncio.to_thread(_all_of, str(here.settings.kafka_servers), topic)))
    await asyncio.sleep(1.5)
    assert found == list(dict.fromkeys(await asyncio.to_thread(_all_of, str(here.settings.kafka_servers), topic)))
    return found


async def shown(here: Running, person: Any) -> list[str]:
    """The ids in somebody's feed."""
    await here.settle()
    return [item["id"] for item in (await here.read(person, "/v1/feed", limit=200))["items"]]


async def refer(here: Running, body: dict[str, Any]) -> str:
    """A referral of the agency."""
    answer = await here.create(INES, "/v1/referrals", body)
    assert answer.status_code == 201, answer.text
    return f"/v1/referrals/{answer.json()['id']}"


async def test_each_organisation_gets_what_its_feed_shows(here: Running) -> None:
    """Of two referrals to two organisations neither hears of the other's; the agency hears of both."""
    declined = await refer(here, yonas())
    await here.done(LOTTE, declined, "receive")
    await here.done(LOTTE, declined, "decline", {"reason": "LANGUAGE_INSUFFICIENT"})
    await refer(here, another_person())
    for person in (INES, LOTTE):
        feed = await shown(here, person)
        assert await told(here, person.org, len(feed)) == feed


async def test_a_topic_that_is_made_later_begins_with_what_may_be_seen_then(here: Running) -> None:
    """After a withdrawal of consent, that is the stop; what was sent to a topic before stays as it was sent."""
    body = yonas("samenstap")
    offer = await refer(here, body)
    await here.done(KARIM, offer, "receive")
    await here.settle()
    before = await shown(here, KARIM)
    (basis,) = {item["legalBasisId"] for item in (await here.read(INES, f"{offer}/events"))["items"]} - {None}
    withdrawn = await here.command(INES, f"/v1/legal-bases/{basis}", "withdraw", {})
    assert withdrawn.status_code == 200, withdrawn.text
    after = await shown(here, KARIM)
    assert set(after) < {*before, *after}
    assert not set(before) <= set(after)
    create_topics(here.settings, ["samenstap"])
    assert await told(here, "samenstap", len(after)) == after


async def test_whoever_operates_it_sees_which_topic_is_behind(here: Running) -> None:
    """By name, until it holds all that its organisation may see, and where it is filled; nothing else waits for it."""
    service = here.service("notifications")

    async def comes_to(*, abreast: bool) -> None:
        async with asyncio.timeout(30):
            while True:
                said = (await here.get(None, "/readyz")).json()["services"]["notifications"]["behind"]
                if topic_of("brugwerk") in said and (said[topic_of("brugwerk")] == 0) is abreast:
                    return
                await asyncio.sleep(0.1)

    await comes_to(abreast=True)
    (filling,) = [work for work in service._work if "organisation topics" in work.name]
    await filling.stop()
    await refer(here, yonas())
    await comes_to(abreast=False)
    await here.settle()
    receipts = ReadReceipts(service.streams, service.index, service.clock)
    going_on = Supervised(
        "another", OrganisationTopics(service.bus, service.log, service.index, service.projection, receipts).round
    )
    going_on.start()
    await comes_to(abreast=True)
    await going_on.stop()
    (leading,) = [work for work in service._work if "leadership" in work.name]
    await leading.stop()
    while service.leadership.leading:  # noqa: ASYNC110 - its lease runs out
        await asyncio.sleep(0.1)
    said = (await here.get(None, "/readyz")).json()["services"]["notifications"]["behind"]
    assert topic_of("brugwerk") not in said
