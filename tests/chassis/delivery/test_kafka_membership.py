"""A group of consumers whose members are thrown out, as by a broker that hung for longer than their session."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove

from services.chassis.delivery.bus import START, Place
from services.chassis.delivery.kafka.bus import KafkaBus
from services.chassis.delivery.kafka.clients import Cluster
from services.chassis.delivery.kafka.topics import Topics, wanted
from services.chassis.engines.store_health import Unavailable
from tests.chassis.following import TOPIC, Follower, message
from tests.faults.caller import until
from tests.support import kafka
from tests.support.engines import NoServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PARTITIONS = 6
GROUP = f"followers-of-{TOPIC}"
KEYS = 60
"""So many that each partition holds some."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """With a broker that lets members that come within three seconds join an empty group together, as in a restart."""
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(kafka.own_broker({"group.initial.rebalance.delay.ms": "3000"}))
        except NoServer as reason:
            kafka.without_server(reason)
        made = Cluster.at(broker.servers)
        topics = Topics(made)
        topics.create(wanted([TOPIC], PARTITIONS), 1)
        topics.close()
        yield made


@asynccontextmanager
async def member(cluster: Cluster, places: dict[int, Place]) -> AsyncIterator[Follower]:
    """Follows the topic from a process of its own, in effect, as long as the block runs."""
    bus = KafkaBus(cluster)
    follower = Follower(bus)
    follower.places = places

    async def work() -> None:
        while True:
            batches = await follower.subscription.take(10, 0.1)
            for batch in batches:
                follower.messages += batch.messages
                if batch.place.offset > places.get(batch.partition, START).offset:
                    places[batch.partition] = batch.place
            await follower.subscription.taken({batch.partition: batch.place for batch in batches})

    working = asyncio.create_task(work())
    try:
        yield follower
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await follower.subscription.close()
        await bus.close()


def group(cluster: Cluster) -> Any:
    """The group, as the broker knows it."""
    with KafkaAdminClient(**cluster.client) as admin:
        return admin.describe_groups([GROUP])[GROUP]


def throw_out(cluster: Cluster) -> None:
    """Ends the membership of all, as the end of their sessions would."""
    members = [MemberToRemove(member_id=one["member_id"]) for one in group(cluster)["members"]]
    with KafkaAdminClient(**cluster.client) as admin:
        admin.remove_group_members(GROUP, members)


async def test_whoever_was_thrown_out_and_whoever_comes_new_share_all_partitions_anew(cluster: Cluster) -> None:
    """A member that had every partition, and has none now, claims none: else those that it gave up are nobody's."""
    places: dict[int, Place] = {}
    bus = KafkaBus(cluster)

    async def told(first: int) -> None:
        await bus.publish(TOPIC, [message(first + n, key=f"k{n}") for n in range(KEYS)], first + KEYS - 1)

    async with member(cluster, places) as one:

        async def covered(position: int) -> None:
            async def is_so() -> bool:
                return one.through >= position

            await until(is_so, 30)

        await told(1)
        await covered(KEYS)
        await asyncio.to_thread(throw_out, cluster)
        async with member(cluster, places) as other:

            async def both() -> bool:
                said = await asyncio.to_thread(group, cluster)
                return len(said["members"]) == 2 and said["group_state"] == "Stable"

            await until(both, 30)
            await told(KEYS + 1)
            await covered(2 * KEYS)
            handled = sorted({m.position for follower in (one, other) for m in follower.messages})
            assert handled == list(range(1, 2 * KEYS + 1))
            assert other.messages
    await bus.close()


async def test_a_member_that_could_not_be_told_where_to_go_on_asks_again(cluster: Cluster) -> None:
    """A database that was killed lost its newest places, and is away when partitions come: Kafka knows of more."""
    bus = KafkaBus(cluster)
    await bus.publish(TOPIC, [message(n, key=f"k{n}") for n in range(1, KEYS + 1)], KEYS)
    first = Follower(bus)
    await first.reaches(KEYS, 100)
    # Closed, it commits to Kafka what it has handled.
    await first.subscription.close()
    away = [Unavailable("consumers")]

    async def saved() -> dict[int, Place]:
        if away:
            raise away.pop()
        return second.places

    second = Follower(bus)
    second.subscription = bus.subscribe(TOPIC, GROUP, saved)

    async def handled() -> bool:
        with contextlib.suppress(Unavailable):
            await second.take(100, 0.2)
        return len(second.messages) >= KEYS

    await until(handled, 60)
    assert sorted(one.position for one in second.messages) == list(range(1, KEYS + 1))
    await second.subscription.close()
    await bus.close()
