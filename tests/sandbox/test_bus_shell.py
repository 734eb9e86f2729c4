"""`caserelay bus`: topics that are made on purpose, and messages that wait aside, seen and tried again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.consumer_store import Parked
from services.chassis.stores import Stores
from tests.journeys.sandbox import run
from tests.sandbox.issuer import issuing

TOPIC = "caserelay.referral.v1"
BODY = b'{"type": "org.caserelay.referral.received.v1", "data": {"secret": "never shown"}}'


def park(data: Path, *parked: Parked) -> None:
    """A casefile service that has put messages aside."""
    stores = Stores(data)
    (data / "casefile-log.db").touch()

    async def put_aside() -> None:
        store = stores.consumer_store("casefile")
        await store.advance("embedded", TOPIC, {}, parked)
        await store.close()

    asyncio.run(put_aside())


def parked_in(data: Path) -> list[Parked]:
    """What is parked in it."""

    async def read() -> list[Parked]:
        store = Stores(data).consumer_store("casefile")
        found = await store.parked(TOPIC)
        await store.close()
        return found

    return asyncio.run(read())


def message(position: int, body: bytes = BODY) -> BusMessage:
    """A message of one case."""
    return BusMessage(position, "case-1", f"id-{position}", body)


def test_messages_that_wait_aside_are_listed_without_what_is_in_them(tmp_path: Path) -> None:
    """Where, which, why and what will happen to it; never the data."""
    data = tmp_path / "var"
    data.mkdir()
    park(
        data,
        Parked(message(7), 8, "ValidationError", None),
        Parked(message(9), 0, "BehindAnother", 0.0),
        Parked(message(11, b"\xff"), 3, "ValueError", 4_000_000_000.0),
        Parked(message(12), 0, "CauseGivenUp", 4_000_000_000.0),
    )
    shown = run(data, "bus", "parked")
    assert (shown.returncode, shown.stderr) == (0, "")
    first, second, third, fourth = shown.stdout.splitlines()
    for expected in ("casefile", TOPIC, "position 7", "referral.received.v1", "case-1", "id-7", "ValidationError"):
        assert expected in first
    assert "caserelay bus redrive" in first
    assert "behind an earlier message" in second
    assert "unreadable" in third
    assert "tried again 2096-" in third
    assert "waiting for its cause" in fourth
    assert "never shown" not in shown.stdout
    assert run(data, "bus", "parked", "referral").stdout.strip() == "no parked messages"


def test_parked_messages_are_listed_for_programs_too(tmp_path: Path) -> None:
    """As one document, with what each waits for, and still without what is in it."""
    data = tmp_path / "var"
    data.mkdir()
    assert json.loads(run(data, "bus", "parked", "--json").stdout) == {"parked": []}
    park(
        data,
        Parked(message(7), 8, "ValidationError", None),
        Parked(message(9), 0, "BehindAnother", 0.0),
        Parked(message(11, b"\xff"), 3, "ValueError", 4_000_000_000.0),
        Parked(message(12), 0, "CauseGivenUp", 4_000_000_000.0),
    )
    shown = run(data, "bus", "parked", "--json")
    assert "never shown" not in shown.stdout
    given_up, behind, unreadable, follows = json.loads(shown.stdout)["parked"]
    assert given_up == {
        "service": "casefile",
        "topic": TOPIC,
        "position": 7,
        "type": "org.caserelay.referral.received.v1",
        "key": "case-1",
        "id": "id-7",
        "failure": "ValidationError",
        "tries": 8,
        "waitsFor": "REDRIVE",
        "retryAt": None,
    }
    assert (behind["waitsFor"], behind["retryAt"]) == ("EARLIER_MESSAGE", None)
    assert (unreadable["type"], unreadable["waitsFor"]) == (None, "RETRY")
    assert unreadable["retryAt"] == "2096-10-02T07:06:40Z"
    assert (follows["waitsFor"], follows["retryAt"]) == ("CAUSE", None)
    assert json.loads(run(data, "bus", "redrive", "--json").stdout) == {"redriven": 1}


def test_what_was_given_up_gets_its_tries_again(tmp_path: Path) -> None:
    """The rest has them still."""
    data = tmp_path / "var"
    data.mkdir()
    waiting = Parked(message(11), 3, "ValueError", 4_000_000_000.0)
    park(data, Parked(message(7), 8, "ValidationError", None), waiting)
    assert run(data, "bus", "redrive", "notifications").stdout.strip() == "no messages were given up"
    assert run(data, "bus", "redrive").stdout.strip() == "1 will be retried"
    again, untouched = parked_in(data)
    assert (again.tries, again.retry_at) == (0, 0.0)
    assert untouched == waiting


def test_topics_need_a_cluster(tmp_path: Path) -> None:
    """Without one the command says which setting it lacks; with an address where nothing is, that nothing answers."""
    data = tmp_path / "var"
    nowhere: dict[str, Any] = {"kafka_servers": "127.0.0.1:9"}
    for settings, word in (({}, "CASERELAY_KAFKA_SERVERS is not set"), (nowhere, "reached")):
        refused = run(data, "bus", "topics", **settings)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert word in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not data.exists()


@pytest.mark.parametrize("servers", ["broker", "a:b", "http://broker:9092", "a:1,,b:2"])
def test_servers_that_are_no_addresses_are_refused(tmp_path: Path, servers: str) -> None:
    """Before anything is asked of anybody."""
    refused = run(tmp_path / "var", "bus", "topics", kafka_servers=servers)
    assert refused.returncode == 2
    assert "CASERELAY_KAFKA_SERVERS" in refused.stderr


def test_topics_are_made_once_and_keep_their_partitions(tmp_path: Path, kafka_servers: str, kafka_prefix: str) -> None:
    """What is there stays; a wish for another number of partitions is refused; services do not start without topics."""
    settings: dict[str, Any] = {"kafka_servers": kafka_servers, "kafka_prefix": kafka_prefix, "kafka_partitions": "3"}
    data = tmp_path / "var"
    with issuing() as issuer:
        refused = run(data, "serve", "referral", issuer=issuer.url, **settings)
    assert refused.returncode == 2
    assert "caserelay bus topics" in refused.stderr
    assert not data.exists()

    made = run(data, "bus", "topics", "--organisation", "brugwerk", **settings)
    assert made.stdout.split() == [
        "caserelay.referral.v1",
        "caserelay.casefile.v1",
        "caserelay.notifications.v1",
        "caserelay.progress.v1",
        "caserelay.organisation.brugwerk.v1",
    ]
    assert run(data, "bus", "topics", **settings).stdout.strip() == "nothing to do"
    added = run(data, "bus", "topics", "--organisation", "samenstap", **settings)
    assert added.stdout.split() == ["caserelay.organisation.samenstap.v1"]
    refused = run(data, "bus", "topics", **settings | {"kafka_partitions": "6"})
    assert refused.returncode == 2
    assert "caserelay.referral.v1 has 3 partitions and should have 6" in refused.stderr
    with KafkaAdminClient(bootstrap_servers=kafka_servers) as admin:
        found = {one["name"].removeprefix(kafka_prefix): len(one["partitions"]) for one in admin.describe_topics()}
    assert found["caserelay.referral.v1"] == 3
    assert found["caserelay.progress.v1"] == found["caserelay.organisation.brugwerk.v1"] == 1
