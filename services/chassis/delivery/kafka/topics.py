"""The topics in Kafka, created by an explicit step with fixed partitions, and checked before a service starts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaConfigurationError, KafkaError

from services.chassis.delivery.kafka.clients import PROGRESS, Cluster, RefusedTopics, Unreachable
from services.chassis.delivery.kafka.upstream import connected

_MISTAKEN: Final = (KafkaConfigurationError, OSError, ValueError)
"""What wrong settings raise while a client is made; a broker that is away raises other errors."""
_FOREVER: Final = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
"""A new service reads from the first event."""
_NEWEST_ONLY: Final = {"cleanup.policy": "compact", "segment.bytes": "4194304", "min.cleanable.dirty.ratio": "0.1"}
_FOR_ORGANISATIONS: Final = {"retention.ms": str(30 * 24 * 3600 * 1000), "cleanup.policy": "delete"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic as it should be."""

    name: str
    partitions: int
    config: Mapping[str, str]


def wanted(between_services: Iterable[str], partitions: int, for_readers: Iterable[str] = ()) -> list[Wanted]:
    """All topics: those between the services, that of progress, and those that others read.

    One for readers outside has one partition, so that they read in the order in which it was written.
    """
    return [
        *(Wanted(topic, partitions, _FOREVER) for topic in between_services),
        Wanted(PROGRESS, 1, _NEWEST_ONLY),
        *(Wanted(topic, 1, _FOR_ORGANISATIONS) for topic in for_readers),
    ]


def _unreachable(cluster: Cluster, failure: KafkaError) -> Unreachable:
    return Unreachable(
        f"CASERELAY_KAFKA_SERVERS: Kafka cannot be reached at {cluster.brokers} ({type(failure).__name__});"
        " see whether a broker runs there"
    )


@contextmanager
def _in_silence() -> Iterator[None]:
    # The library logs each vain attempt without naming the place; one line afterwards says it all.
    library = logging.getLogger("kafka")
    level = library.level
    library.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        library.setLevel(level)


class Topics:
    """The administration of topics; blocks while it waits for the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        try:
            with _in_silence():
                self._admin: Any = connected(KafkaAdminClient, cluster)
        except _MISTAKEN as failure:
            raise RefusedTopics(
                f"CASERELAY_KAFKA_*: no client can be made for {cluster.brokers} ({type(failure).__name__}); look at"
                " addresses, certificates, mechanism and password"
            ) from None
        except KafkaError as failure:
            raise _unreachable(cluster, failure) from None

    def found(self) -> dict[str, int]:
        """The topics of this installation, by name without the prefix, with their number of partitions."""
        prefix = self._cluster.prefix
        try:
            with _in_silence():
                described = self._admin.describe_topics()
        except KafkaError as failure:
            raise _unreachable(self._cluster, failure) from None
        return {
            topic["name"].removeprefix(prefix): len(topic["partitions"])
            for topic in described
            if topic["name"].startswith(prefix + "caserelay.")
        }

    def create(self, topics: Iterable[Wanted], replication: int) -> list[str]:
        """Creates the missing topics; returns their names. Raises RefusedTopics when one exists with other settings."""
        found = self.found()
        missing = [topic for topic in topics if topic.name not in found]
        wrong = [topic for topic in topics if found.get(topic.name, topic.partitions) != topic.partitions]
        if wrong:
            raise RefusedTopics(
                "; ".join(
                    f"{topic.name} has {found[topic.name]} partitions and should have {topic.partitions}: the number is"
                    " fixed for ever, so set CASERELAY_KAFKA_PARTITIONS to it"
                    for topic in wrong
                )
            )
        if missing:
            try:
                self._admin.create_topics(
                    {
                        self._cluster.name(topic.name): {
                            "num_partitions": topic.partitions,
                            "replication_factor": replication,
                            "configs": dict(topic.config),
                        }
                        for topic in missing
                    },
                    wait_for_metadata=True,
                )
            except KafkaError as failure:
                raise RefusedTopics(f"the topics cannot be created ({type(failure).__name__}: {failure})") from None
        return [topic.name for topic in missing]

    def close(self) -> None:
        """Closes the connection."""
        self._admin.close()


def require(cluster: Cluster, topics: Iterable[str]) -> None:
    """Raises RefusedTopics, naming the command that helps, when one of the topics is missing."""
    found = Topics(cluster)
    try:
        lacks = [topic for topic in topics if topic not in found.found()]
    finally:
        found.close()
    if lacks:
        raise RefusedTopics(f"Kafka lacks the topics {', '.join(lacks)}: run `caserelay bus topics`, same settings")
