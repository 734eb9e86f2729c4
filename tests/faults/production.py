"""Production as an agency runs it: PostgreSQL, Apache Kafka, and two replicas of each service."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from contracts import referral
from services.bus_administration import create_topics
from services.chassis.engines.migrations import migrate
from services.chassis.settings import Settings
from services.cli import SERVICE_NAMES
from services.notifications.organisation_topics import topic_of
from tests.faults.caller import until
from tests.faults.gateway import Gateway
from tests.faults.issuer import LoopbackIssuer
from tests.faults.processes import Program
from tests.support.people import LOTTE

REPLICAS: Final = 2
SUBSCRIBES: Final = LOTTE.org
"""The organisation that reads over Kafka."""
PARTITIONS: Final = 6
READERS: Final = ("casefile", "notifications")
"""Who shares the partitions of the referral service's topic out among its replicas."""


class Production:
    """The replicas and what they stand on. `start` is what makes a program."""

    def __init__(self, start: Callable[..., Program], issuer: LoopbackIssuer, database: str, kafka: Kafka) -> None:
        self.database = database
        self.kafka = kafka
        self._issuer = issuer
        settings = {
            "database_url": database,
            "kafka_servers": kafka.servers,
            "kafka_prefix": kafka.prefix,
            "kafka_partitions": str(PARTITIONS),
            "heartbeat_seconds": "1",
        }
        self.replicas: Mapping[str, Sequence[Program]] = {
            name: [start("serve", name, **settings) for _ in range(REPLICAS)] for name in SERVICE_NAMES
        }

    @property
    def programs(self) -> list[Program]:
        """Every replica of every service."""
        return [one for replicas in self.replicas.values() for one in replicas]

    async def start(self) -> None:
        """Prepares database and topics, starts everything and returns once all take work."""
        await asyncio.to_thread(self._prepare)
        await asyncio.gather(*(one.start() for one in self.programs))

    def _prepare(self) -> None:
        """As `caserelay migrate` and `caserelay bus topics` do, without the time that two programs take to start."""
        migrate(self.database, SERVICE_NAMES)
        cluster = Settings(
            kafka_servers=self.kafka.servers, kafka_prefix=self.kafka.prefix or None, kafka_partitions=PARTITIONS
        )
        create_topics(cluster, [SUBSCRIBES])

    async def stop(self) -> None:
        """SIGTERM to all of them; each has to end cleanly."""
        await asyncio.gather(*(one.stop() for one in self.programs))

    def gateway(self, *only: int, patience: float = 40.0) -> Gateway:
        """Callers that are answered by one replica or another; by those with these numbers, if some are given."""
        urls = {
            name: [one.url for number, one in enumerate(replicas) if number in (only or range(REPLICAS))]
            for name, replicas in self.replicas.items()
        }
        return Gateway(urls, self._issuer.token, patience)

    async def shared(self, shares: Iterable[int]) -> None:
        """Returns once the partitions of that topic are spread so over the members of each reader's group."""
        wanted = sorted(shares)

        async def is_so() -> bool:
            # A broker that has just come back may not know yet who looks after a group.
            with suppress(KafkaError):
                return all([await self.kafka.shares(reader, referral.TOPIC) == wanted for reader in READERS])
            return False

        await until(is_so, 60)

    def leader(self, service: str) -> Program:
        """The replica that publishes, indexes and keeps deadlines at the moment."""
        with psycopg.connect(self.database) as asking:
            ((holder,),) = asking.execute(f"SELECT holder FROM caserelay_{service}.leader").fetchall()  # noqa: S608 - one of three names
        (leads,) = [one for one in self.replicas[service] if int(holder.split("-")[0]) in one.pids]
        return leads

    def follower(self, service: str) -> Program:
        """The other replica."""
        (follows,) = [one for one in self.replicas[service] if one is not self.leader(service)]
        return follows


@dataclass(frozen=True)
class Kafka:
    """Where topics are, and what their names begin with."""

    servers: str
    prefix: str

    async def told(self) -> list[dict[str, Any]]:
        """All that a subscriber of the organisation's topic reads there, as CloudEvents, repeats included."""
        return await asyncio.to_thread(self._read, self.prefix + topic_of(SUBSCRIBES))

    async def shares(self, service: str, topic: str) -> list[int]:
        """How many partitions of a topic each member of a service's group has, in ascending order."""
        return await asyncio.to_thread(self._shares, f"{self.prefix}caserelay.{service}.{topic}")

    def _shares(self, group: str) -> list[int]:
        with KafkaAdminClient(bootstrap_servers=self.servers) as admin:
            members = admin.describe_groups([group])[group]["members"]
        return sorted(
            sum(len(topic["partitions"]) for topic in member["member_assignment"]["assigned_partitions"])
            for member in members
            if member["member_assignment"]
        )

    def _read(self, topic: str) -> list[dict[str, Any]]:
        consumer, read = KafkaConsumer(bootstrap_servers=self.servers, enable_auto_commit=False), list[dict[str, Any]]()
        try:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            while any(consumer.position(one) < ends[one] for one in partitions):
                for records in consumer.poll(timeout_ms=1000).values():
                    read += [_event(record) for record in records]
        finally:
            consumer.close()
        return read


def _event(record: Any) -> dict[str, Any]:
    attributes = {name[3:]: value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {**attributes, "data": json.loads(record.value)}


def told_as_in_the_feed(told: Sequence[Mapping[str, Any]], feed: Sequence[Mapping[str, Any]]) -> None:
    """Without repeats the topic holds what the feed shows the organisation, in the same order."""
    first = {event["id"]: event for event in reversed(told)}
    ids = list(dict.fromkeys(event["id"] for event in told))
    assert ids == [event["id"] for event in feed]
    for shown in feed:
        assert first[shown["id"]]["data"] == shown["data"]
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in ids:
        places[first[one]["source"], first[one]["subject"]].append(int(first[one]["sequence"]))
    assert all(place == sorted(set(place)) for place in places.values())
