"""Kafka does not answer, or is not there: its clients end at once all the same, and leave nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from services.chassis.delivery.bus import BusMessage, Place
from services.chassis.delivery.kafka.bus import KafkaBus
from services.chassis.delivery.kafka.clients import Cluster
from services.chassis.delivery.kafka.topics import Topics, wanted
from services.chassis.delivery.kafka.upstream import connected
from services.chassis.engines.store_health import Unavailable
from tests.support.kafka import Broker
from tests.support.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

TOPIC = "caserelay.test.v1"


@pytest.mark.timeout(300)
async def test_a_bus_is_closed_at_once_though_its_broker_does_not_answer(kafka_broker: Broker) -> None:
    """What cannot be delivered is delivered by the next process: a stop must not wait for it."""
    cluster = Cluster.at(kafka_broker.servers)
    with closing(Topics(cluster)) as topics:
        topics.create(wanted([TOPIC], 2), replication=1)
    bus = KafkaBus(cluster)
    await bus.publish(TOPIC, [BusMessage(1, "a case", "m-1", b"{}")], 1)

    async def saved() -> dict[int, Place]:
        return {}

    subscription = bus.subscribe(TOPIC, "a group", saved)
    while not (batches := await subscription.take(10, 0.5)):
        pass
    await subscription.taken({batch.partition: batch.place for batch in batches})
    kafka_broker.pause()
    publishing = asyncio.create_task(bus.publish(TOPIC, [BusMessage(2, "a case", "m-2", b"{}")], 2))
    await asyncio.sleep(1)
    async with asyncio.timeout(10):
        # The offsets that it did not commit yet, and its leave, are not answered either.
        await subscription.close()
        await bus.close()
    with pytest.raises(Unavailable):
        await publishing
    kafka_broker.go_on()


@pytest.mark.parametrize("kind", [KafkaConsumer, KafkaProducer, KafkaAdminClient])
def test_a_client_that_finds_no_broker_leaves_nothing_behind(kind: Callable[..., Any]) -> None:
    """Neither a thread nor a socket: over an outage of minutes there are many of them."""
    nowhere = Cluster.at(f"127.0.0.1:{free_port()}")

    def left() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/dev/fd").iterdir()))

    before = left()
    for _ in range(3):
        with pytest.raises(KafkaError):
            connected(kind, nowhere, bootstrap_timeout_ms=100)
    assert left() == before
