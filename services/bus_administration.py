"""What stands behind `caserelay bus`: the topics in Kafka, and the messages that wait aside."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from contracts.topics import TOPICS
from services.chassis.consumer import BEHIND_ANOTHER, BehindItsCause, CauseGivenUp
from services.chassis.consumer_store import Parked
from services.chassis.kafka.clients import Cluster, RefusedTopics
from services.chassis.kafka.topics import Topics, wanted
from services.chassis.parking import redrive
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.notifications.organisation_topics import topic_of

_LEGAL: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka takes for the name of a topic."""

Say = Callable[[str], object]


def create_topics(settings: Settings, organisations: Iterable[str]) -> list[str]:
    """Creates the topics that are missing; returns their names. Raises RefusedTopics."""
    if (cluster := Cluster.of(settings)) is None:
        raise RefusedTopics("CASERELAY_KAFKA_SERVERS is not set; the bus in a file needs no topics")
    own = [topic_of(organisation) for organisation in organisations]
    if not all(map(_LEGAL.fullmatch, own)):
        raise RefusedTopics(
            "an organisation whose id has other characters than A-Z, a-z, 0-9, dot, dash and underscore, or is too long"
            " for the name of a topic, can have none in Kafka; its systems follow GET /v1/feed or /v1/stream"
        )
    with closing(Topics(cluster)) as topics:
        asked = wanted(TOPICS, settings.kafka_partitions, own)
        return topics.create(asked, settings.kafka_replication)


def list_parked(settings: Settings, services: Iterable[str], say: Say) -> int:
    """Says which messages wait aside, a line each, without what is in them; returns how many there are."""
    stores, found = Stores.of(settings), 0
    for service in services:
        if not stores.holds(service):
            continue
        with closing(stores.consumer_store(service)) as store:
            for topic in TOPICS:
                for one in store.parked(topic):
                    say(_line(service, topic, one))
                    found += 1
    return found


def redrive_parked(settings: Settings, services: Iterable[str]) -> int:
    """Gives the messages that were given up their tries again; returns how many. A running service takes them up."""
    stores, found = Stores.of(settings), 0
    for service in services:
        if stores.holds(service):
            with closing(stores.consumer_store(service)) as store:
                found += sum(redrive(store, topic) for topic in TOPICS)
    return found


def _line(service: str, topic: str, one: Parked) -> str:
    if one.retry_at is None:
        then = "given up: mend the cause, then `caserelay bus redrive`"
    elif one.failure == BEHIND_ANOTHER:
        then = "waits behind an earlier one"
    elif one.failure in (BehindItsCause.__name__, CauseGivenUp.__name__):
        then = "waits for what it follows from"
    else:
        then = f"tried again {datetime.fromtimestamp(one.retry_at, UTC).isoformat(timespec='seconds')}"
    return (
        f"{service}  {topic}  position {one.message.position}  {_type(one)}  key {one.message.key}  id {one.message.id}"
        f"  {one.failure} after {one.tries} tries  {then}"
    )


def _type(one: Parked) -> str:
    try:
        return str(json.loads(one.message.body)["type"])
    except (ValueError, TypeError, KeyError):
        return "unreadable"
