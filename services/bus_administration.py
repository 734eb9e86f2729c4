"""What stands behind `caserelay bus`: the topics in Kafka, and parked messages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts.topics import TOPICS
from services.chassis.delivery.consumer import BEHIND_ANOTHER, BehindItsCause, CauseGivenUp
from services.chassis.delivery.consumer_store import ConsumerStore, Parked
from services.chassis.delivery.kafka.clients import Cluster, RefusedTopics
from services.chassis.delivery.kafka.topics import Topics, wanted
from services.chassis.delivery.redriving import redrive
from services.chassis.modelling.days import in_utc
from services.chassis.settings import Settings
from services.chassis.store_opener import StoreOpener
from services.chassis.stores import Stores
from services.notifications.organisation_topics import topic_of

_LEGAL: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka takes for the name of a topic."""


def create_topics(settings: Settings, organisations: Iterable[str]) -> list[str]:
    """Creates the topics that are missing; returns their names. Raises RefusedTopics."""
    if (cluster := Cluster.of(settings)) is None:
        raise RefusedTopics("CASERELAY_KAFKA_SERVERS is not set; topics exist only in Kafka")
    own = [topic_of(organisation) for organisation in organisations]
    if not all(map(_LEGAL.fullmatch, own)):
        raise RefusedTopics(
            "an organisation whose id has other characters than A-Z, a-z, 0-9, dot, dash and underscore, or is too long"
            " for the name of a topic, can have none in Kafka; its systems follow GET /v1/feed or /v1/stream"
        )
    with closing(Topics(cluster)) as topics:
        topics_wanted = wanted(TOPICS, settings.kafka_partitions, own)
        return topics.create(topics_wanted, settings.kafka_replication)


@dataclass(frozen=True)
class ParkedMessage:
    """A parked message of one service, without what is in it."""

    service: str
    topic: str
    parked: Parked

    @property
    def waits_for(self) -> str:
        """What has to happen before it is handled: REDRIVE, RETRY, CAUSE, or EARLIER_MESSAGE of its key."""
        if self.parked.retry_at is None:
            return "REDRIVE"
        if self.parked.failure == BEHIND_ANOTHER:
            return "EARLIER_MESSAGE"
        return "CAUSE" if self.parked.failure in (BehindItsCause.__name__, CauseGivenUp.__name__) else "RETRY"

    def to_json(self) -> dict[str, object]:
        """For programs."""
        message = self.parked.message
        retried = self.waits_for == "RETRY"
        return {
            "service": self.service,
            "topic": self.topic,
            "position": message.position,
            "type": _type(self.parked),
            "key": message.key,
            "id": message.id,
            "failure": self.parked.failure,
            "tries": self.parked.tries,
            "waitsFor": self.waits_for,
            "retryAt": _time(self.parked.retry_at) if retried else None,
        }

    def to_line(self) -> str:
        """For people."""
        parked, message = self.parked, self.parked.message
        then = _THEN[self.waits_for]
        if self.waits_for == "RETRY":
            then += f" {_time(parked.retry_at)}"
        return (
            f"{self.service}  {self.topic}  position {message.position}  {_type(parked) or 'unreadable'}"
            f"  key {message.key}  id {message.id}  {parked.failure} after {parked.tries} tries  {then}"
        )


_THEN: Final = {
    "REDRIVE": "given up: fix the cause, then run `caserelay bus redrive`",
    "EARLIER_MESSAGE": "waiting behind an earlier message",
    "CAUSE": "waiting for its cause",
    "RETRY": "tried again",
}


def parked_messages(settings: Settings, services: Iterable[str]) -> list[ParkedMessage]:
    """The parked messages, by service, topic and position."""
    return asyncio.run(_parked(Stores.of(settings), services))


async def _parked(stores: StoreOpener, services: Iterable[str]) -> list[ParkedMessage]:
    found: list[ParkedMessage] = []
    for service in services:
        if stores.holds(service):
            async with _opened(stores, service) as store:
                for topic in TOPICS:
                    found += (ParkedMessage(service, topic, parked) for parked in await store.parked(topic))
    return found


@asynccontextmanager
async def _opened(stores: StoreOpener, service: str) -> AsyncIterator[ConsumerStore]:
    store = stores.consumer_store(service)
    try:
        yield store
    finally:
        await store.close()


def redrive_parked(settings: Settings, services: Iterable[str]) -> int:
    """Gives the messages that were given up their tries again; returns how many. A running service takes them up."""
    return asyncio.run(_redriven(Stores.of(settings), services))


async def _redriven(stores: StoreOpener, services: Iterable[str]) -> int:
    found = 0
    for service in services:
        if stores.holds(service):
            async with _opened(stores, service) as store:
                for topic in TOPICS:
                    found += await redrive(store, topic)
    return found


def _time(at: float | None) -> str | None:
    return None if at is None else in_utc(datetime.fromtimestamp(at, UTC), "seconds")


def _type(parked: Parked) -> str | None:
    try:
        return str(json.loads(parked.message.body)["type"])
    except (ValueError, TypeError, KeyError):
        return None
