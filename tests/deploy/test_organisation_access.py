"""Who may read what over Kafka: what deploy/kafka/acl.sh asks for, and an organisation's subscriber."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from tests.deploy.subscriber import SOON, NodeSubscriber, Subscriber

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "deploy" / "kafka" / "acl.sh"


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs the script with a program in the place of Kafka's that writes down what it is asked."""
    recorder = tmp_path / "kafka-acls.sh"
    recorder.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    recorder.chmod(0o700)

    def run(*arguments: str, status: int = 0, prefix: str = "") -> list[str]:
        environment = {**os.environ, "KAFKA_SERVERS": "broker:9093", "KAFKA_ACLS": str(recorder), "PREFIX": prefix}
        done = subprocess.run(
            [str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == status, done.stderr
        return [line.removeprefix("--bootstrap-server broker:9093 ") for line in done.stdout.splitlines()]

    return run


def test_an_organisation_may_read_its_own_topic_and_no_other(asked: Callable[..., list[str]]) -> None:
    """In groups whose names begin with its own; nothing else, and nothing of that once it is revoked."""
    may = [
        "--allow-principal User:b --operation Read --topic caserelay.organisation.brugwerk.v1",
        "--allow-principal User:b --operation Read --resource-pattern-type prefixed --group brugwerk.",
    ]
    assert asked("organisation", "brugwerk", "User:b") == [f"--add {one}" for one in may]
    assert asked("revoke", "brugwerk", "User:b") == [f"--remove --force {one}" for one in may]


@pytest.mark.parametrize(("name", "prefix"), [("caserelay", ""), ("caserelay.referral", ""), ("staging", "staging.")])
def test_no_organisation_gets_into_the_groups_of_the_services(
    asked: Callable[..., list[str]], name: str, prefix: str
) -> None:
    """Anyone who may join a group could keep messages from its members."""
    assert asked("organisation", name, "User:mallory", status=2, prefix=prefix) == []


def test_only_its_own_service_writes_a_topic(asked: Callable[..., list[str]]) -> None:
    """And nobody but notifications writes what organisations read."""
    writes = [line for line in asked("services") if "--operation Write" in line]
    for name in ("referral", "casefile", "notifications"):
        (own,) = (line for line in writes if f"--topic caserelay.{name}.v1" in line)
        assert f"User:caserelay-{name} " in own
    (told,) = (line for line in writes if "--topic caserelay.organisation." in line)
    assert "User:caserelay-notifications " in told


@pytest.fixture
def organisation(kafka_servers: str) -> Iterator[str]:
    """An organisation with a topic."""
    name = f"brugwerk-{uuid.uuid4().hex[:8]}"
    admin: Any = KafkaAdminClient(bootstrap_servers=kafka_servers.split(","))
    admin.create_topics(
        {f"caserelay.organisation.{name}.v1": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
    )
    yield name
    admin.delete_topics([f"caserelay.organisation.{name}.v1"])
    admin.close()


def _tell(servers: str, organisation: str, *ids: str) -> None:
    producer: Any = KafkaProducer(bootstrap_servers=servers.split(","), acks="all")
    for one in ids:
        headers = [("ce_id", one), ("ce_specversion", "1.0"), ("ce_type", "t"), ("content-type", "application/json")]
        producer.send(
            f"caserelay.organisation.{organisation}.v1",
            json.dumps({"said": one}).encode(),
            headers=[(name, value.encode()) for name, value in headers],
        )
    producer.close()


def _committed(servers: str, organisation: str) -> int:
    consumer: Any = KafkaConsumer(bootstrap_servers=servers.split(","), group_id=f"{organisation}.example")
    place = consumer.committed(TopicPartition(f"caserelay.organisation.{organisation}.v1", 0))
    consumer.close()
    return int(place or 0)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("subscriber", [Subscriber, NodeSubscriber])
def test_the_example_prints_every_message_once(
    kafka_servers: str, organisation: str, tmp_path: Path, subscriber: type[Subscriber]
) -> None:
    """Also what was sent twice, also when it was killed, and stopped, and started again."""
    _tell(kafka_servers, organisation, "one", "two", "one")
    example = subscriber(kafka_servers, organisation, tmp_path)
    try:
        first = example.printed(2)
        assert first[0] == {"id": "one", "specversion": "1.0", "type": "t", "data": {"said": "one"}}
        example.wait_until_remembered(2)
        example.process.kill()
        example.process.wait()
        _tell(kafka_servers, organisation, "two", "three")
        example = subscriber(kafka_servers, organisation, tmp_path)
        assert [event["id"] for event in example.printed(3)] == ["one", "two", "three"]
        until = time.monotonic() + SOON
        while _committed(kafka_servers, organisation) < 5:
            assert time.monotonic() < until
        example.process.send_signal(signal.SIGTERM)
        assert example.process.wait(SOON) == 0
        assert len(example.printed(3)) == 3
    finally:
        example.process.kill()
        example.process.wait()
