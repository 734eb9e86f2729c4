"""The same on files with the embedded bus, and on PostgreSQL with Kafka: who was told, who was not, and until when."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.bus_administration import create_topics
from services.casefile.replay import replay_case
from services.chassis.settings import Settings
from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.casefile.tellings import has_read
from tests.notifications.receiving import Answer, Receiver, Subscriptions, receiver, until
from tests.support.people import INES, KARIM, LOTTE
from tests.support.requests import another_person
from tests.support.running import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

DAY = timedelta(hours=24)
WEBHOOKS: dict[str, Any] = {"webhook_allow": "127.0.0.0/8", "webhook_retries": "0,0.1,0.1"}


@pytest.fixture
async def on_files(tmp_path: Path) -> AsyncIterator[CaseContext]:
    """All services over SQLite and the embedded bus."""
    async with running(tmp_path, SERVICES, **WEBHOOKS) as services:
        await services.set_the_scene()
        yield CaseContext(services)


@pytest.fixture
async def on_servers(
    tmp_path: Path, database_url: str, kafka_servers: str, kafka_prefix: str
) -> AsyncIterator[CaseContext]:
    """All services over PostgreSQL and Kafka, with a topic of its own for samenstap."""
    more = {"kafka_servers": kafka_servers, "kafka_prefix": kafka_prefix, "kafka_partitions": 3}
    settings: dict[str, Any] = {"database_url": database_url, **more}
    create_topics(Settings(data=tmp_path, **settings), ["samenstap"])
    async with running(tmp_path, SERVICES, **settings, **WEBHOOKS) as services:
        await services.set_the_scene()
        yield CaseContext(services)


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    """The endpoint of brugwerk."""
    async with receiver() as there:
        yield there


async def ways(context: CaseContext, case: Told) -> set[tuple[str, str, str]]:
    """Who was told of the referral, by which way, and how far that came."""
    await context.running.settle()
    timeline = await context.running.read(INES, f"{case.path}/timeline")
    (item,) = [item for item in timeline["items"] if item["type"] == "ReferralSubmitted"]
    return {(way["organisation"], way["channel"], way["state"]) for way in item["told"]}


async def becomes(context: CaseContext, case: Told, *expected: tuple[str, str, str]) -> None:
    """Returns once these are among them."""

    async def holds() -> bool:
        return set(expected) <= await ways(context, case)

    await until(holds, 60)


async def story(context: CaseContext, there: Receiver) -> Told:
    """A feed that is read, an endpoint that takes nothing for a day, and then does."""
    services = context.running
    endpoint = Subscriptions(services.service("notifications"))
    await endpoint.active("brugwerk", there.url)
    case = await context.referred()
    await has_read(services, INES)
    await becomes(context, case, ("brugwerk", "WEBHOOK", "DELIVERED"), ("vdab-gent", "FEED", "READ"))
    there.answering = lambda *_: Answer(500)
    missed = await context.referred()
    await becomes(context, missed, ("brugwerk", "WEBHOOK", "FAILED"))
    await services.at(services.clock.now() + DAY + timedelta(hours=1))
    (raised,) = (await services.read(INES, missed.path))["escalations"]
    assert (raised["reason"], raised["state"], raised["unreached"]) == ("NOT_TOLD", "OPEN", "brugwerk")
    assert (await services.read(INES, case.path))["escalations"] == []
    await has_read(services, LOTTE)
    (settled,) = (await services.read(INES, missed.path))["escalations"]
    assert (settled["state"], settled["resolution"]) == ("RESOLVED", "REACHED")
    return case


async def test_on_files_who_is_told_stands_on_the_timeline(on_files: CaseContext, there: Receiver) -> None:
    """And who is not, with the lead, until they are; a replay of the log alone says the same."""
    case = await story(on_files, there)
    replayed = await replay_case(on_files.running.settings, case.id, None, None)
    told = [line.partition("told: ")[2] for line in replayed.to_lines() if "told: " in line]
    assert any(line.startswith("brugwerk by WEBHOOK: DELIVERED 2026-") for line in told)
    shown = (await on_files.running.read(INES, f"{case.path}/timeline"))["items"]
    assert [item["told"] for item in json.loads(replayed.to_json())["timeline"]] == [item["told"] for item in shown]


async def test_on_postgres_and_kafka_who_is_told_stands_on_the_timeline(
    on_servers: CaseContext, there: Receiver
) -> None:
    """As well; and what is put into a topic of an organisation was sent to it."""
    await story(on_servers, there)
    body = another_person()
    basis = {**body["legalBasis"], "recipient": KARIM.org}
    case = await on_servers.referred({**body, "to": KARIM.org, "legalBasis": basis})
    await becomes(on_servers, case, (KARIM.org, "KAFKA", "SENT"))
