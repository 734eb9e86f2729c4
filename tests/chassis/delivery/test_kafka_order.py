"""How a reader handles records that came out of order, those of others, and a topic that was recreated."""

from __future__ import annotations

import asyncio
import time

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.kafka.bus import KafkaBus
from services.chassis.delivery.kafka.clients import PROGRESS, Cluster
from services.chassis.delivery.kafka.events import encode
from services.chassis.delivery.kafka.progress import Progress
from services.chassis.delivery.kafka.topics import Topics, wanted
from services.chassis.delivery.kafka.upstream import connected
from services.chassis.delivery.publisher import Publisher
from services.chassis.log.event_log import EventLog, Write
from services.chassis.operating.supervision import Supervised
from tests.chassis.counters import Counted, LookedAt, metadata, translate
from tests.chassis.following import TOPIC, Follower, message

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def cluster(kafka_servers: str, kafka_prefix: str) -> Cluster:
    """A cluster with the topic, in one partition, so that all is in one order."""
    made = Cluster.at(kafka_servers, kafka_prefix)
    create(made)
    return made


def create(cluster: Cluster) -> None:
    """Makes the topics."""
    topics = Topics(cluster)
    topics.create(wanted([TOPIC], 1), 1)
    topics.close()


def put(cluster: Cluster, *records: tuple[int, int]) -> None:
    """Records at a position, each naming the one before it, as they came to stand in the partition."""
    producer = connected(KafkaProducer, cluster)
    offset = 0
    for position, previous in records:
        record = encode(message(position), previous)
        sent = producer.send(cluster.name(TOPIC), key=b"a", value=record.value, headers=record.headers, partition=0)
        offset = sent.get(timeout=10).offset + 1
    last = max(position for position, _ in records)
    done = Progress(last, {0: offset}, {0: last})
    producer.send(cluster.name(PROGRESS), key=TOPIC.encode(), value=done.to_bytes(), partition=0).get(timeout=10)
    producer.close(timeout=5)


async def reads(cluster: Cluster, through: int) -> list[int]:
    """The positions that a reader hands on, in its order, until it has covered one."""
    bus = KafkaBus(cluster)
    follower = Follower(bus)
    until = time.monotonic() + 30
    while follower.through < through:
        assert time.monotonic() < until, follower.places
        await follower.take(3, 0.2)
    await follower.subscription.close()
    await bus.close()
    return [one.position for one in follower.messages]


@pytest.mark.parametrize(
    "records",
    [
        [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)],
        # A retry let 3 overtake 2, and the publisher sent both again.
        [(1, 0), (3, 2), (2, 1), (3, 2), (4, 3), (5, 4)],
        [(1, 0), (3, 2), (4, 3), (5, 4), (2, 1), (3, 2), (4, 3), (5, 4)],
        # The very first one was overtaken.
        [(2, 1), (1, 0), (2, 1), (3, 2), (4, 3), (5, 4)],
        # A leader that hung sends again what the next one has sent long since.
        [(1, 0), (2, 1), (3, 2), (1, 0), (2, 1), (4, 3), (3, 2), (5, 4), (4, 3)],
    ],
    ids=["in order", "one overtook", "three overtook", "the first was overtaken", "a straggler"],
)
async def test_whatever_stands_in_a_partition_is_handed_on_once_and_in_order(
    cluster: Cluster, records: list[tuple[int, int]]
) -> None:
    """Nothing is lost by an overtaking, although what overtook is dropped at first."""
    put(cluster, *records)
    assert await reads(cluster, 5) == [1, 2, 3, 4, 5]


async def test_whoever_watches_the_group_sees_how_far_it_has_come(cluster: Cluster) -> None:
    """Places are saved elsewhere; they are told to Kafka too: soon after, and when the member leaves."""
    put(cluster, *((position, position - 1) for position in range(1, 6)))
    bus = KafkaBus(cluster)
    follower = Follower(bus)
    watching = connected(KafkaConsumer, cluster, group_id=cluster.name(f"followers-of-{TOPIC}"))
    partition = TopicPartition(cluster.name(TOPIC), 0)
    until = time.monotonic() + 30
    while watching.committed(partition) != 5:
        assert time.monotonic() < until
        await follower.take(3, 0.2)
    await bus.resume(TOPIC)
    await bus.publish(TOPIC, [message(6)], 6)
    await follower.reaches(6)
    await follower.subscription.close()
    assert watching.committed(partition) == 6
    watching.close(autocommit=False)
    await bus.close()


async def test_a_record_of_somebody_else_is_passed_by(cluster: Cluster) -> None:
    """It holds nobody up."""
    producer = connected(KafkaProducer, cluster)
    producer.send(cluster.name(TOPIC), value=b"noise", partition=0).get(timeout=10)
    producer.close(timeout=5)
    put(cluster, (1, 0), (2, 1))
    assert await reads(cluster, 2) == [1, 2]


async def made_anew(cluster: Cluster) -> None:
    """The topics are deleted, and then created again."""
    with KafkaAdminClient(**cluster.options()) as admin:
        admin.delete_topics([cluster.name(TOPIC), cluster.name(PROGRESS)])
    for _ in range(50):
        await asyncio.sleep(0.1)
        topics = Topics(cluster)
        left = topics.found()
        topics.close()
        if not left:
            break
    create(cluster)


async def test_a_topic_that_was_made_anew_is_gone_on_with_behind_what_was_handled(cluster: Cluster) -> None:
    """The publisher fills it again from the log; its offsets are others, and positions tell what is known already."""
    messages = [BusMessage(n, "a", f"id-{n}", b"{}") for n in range(1, 31)]
    bus = KafkaBus(cluster)
    # In three batches, one of them twice: so the old topic's offsets run ahead of the new one's.
    await bus.publish(TOPIC, messages[:10], 10)
    put(cluster, *((n, n - 1) for n in range(1, 11)))
    follower = Follower(bus)
    await follower.reaches(10)
    await follower.take(10, 0.5)
    assert follower.places[0].offset == 20
    await follower.subscription.close()
    await bus.close()

    await made_anew(cluster)
    recreated = KafkaBus(cluster)
    assert await recreated.resume(TOPIC) == 0
    await recreated.publish(TOPIC, messages[:25], 25)
    await recreated.publish(TOPIC, messages[25:], 30)
    again = Follower(recreated)
    again.places = dict(follower.places)
    until = time.monotonic() + 30
    while len(again.messages) < 20:
        assert time.monotonic() < until, again.messages
        await again.take(10, 0.2)
    assert [one.position for one in again.messages] == list(range(11, 31))
    assert again.through == 30
    await again.subscription.close()
    await recreated.close()


async def test_those_that_run_fill_and_follow_a_topic_that_was_made_anew(cluster: Cluster, log: EventLog) -> None:
    """Nobody has to start them again: the publisher notices, and publishes the whole log once more."""

    async def record(first: int, last: int) -> None:
        # Every tenth is private, and the first after the topics were lost is one of them.
        events = [(Counted(by=n) if n % 10 else LookedAt(), metadata(f"e-{n}")) for n in range(first, last + 1)]
        await log.append([Write("counter", first - 1, events)])

    def handed_on() -> list[int]:
        return [one.position for one in follower.messages]

    bus = KafkaBus(cluster)
    publisher = Publisher(log, bus, topic=TOPIC, source="/services/test", translate=translate)
    work, follower = Supervised("publisher", publisher.round), Follower(bus)
    work.start()
    public = [n for n in range(1, 36) if n % 10]
    await record(1, 29)
    await follower.reaches(29)
    await made_anew(cluster)
    await record(30, 30)
    await asyncio.sleep(2)
    await record(31, 35)
    until = time.monotonic() + 60
    while follower.through < 35:
        assert time.monotonic() < until, (follower.through, handed_on(), work.failing)
        await follower.take(10, 0.2)
        assert [n for n in public if n <= follower.through] == [n for n in handed_on() if n <= follower.through]
    assert handed_on() == public
    new = Follower(bus)
    await follower.subscription.close()
    assert await new.reaches(35) == public
    await new.subscription.close()
    await work.stop()
    await bus.close()


async def test_what_is_missing_is_not_passed_over(cluster: Cluster) -> None:
    """A partition that lost what was announced counts as behind, and goes on when it is published again."""
    put(cluster, (1, 0), (2, 1), (4, 3), (5, 4))
    bus = KafkaBus(cluster)
    follower = Follower(bus)
    for _ in range(15):
        await follower.take(10, 0.2)
    assert [one.position for one in follower.messages] == [1, 2]
    assert follower.through < 5
    assert follower.subscription.behind(follower.places) > 0
    put(cluster, (3, 2), (4, 3), (5, 4))
    await follower.reaches(5)
    assert [one.position for one in follower.messages] == [1, 2, 3, 4, 5]
    await follower.subscription.close()
    await bus.close()


async def test_a_partition_that_waits_for_what_is_missing_goes_on_after_it_was_given_up_and_given_back(
    cluster: Cluster,
) -> None:
    """As every member does when another comes or goes; the library keeps the partition paused over that."""
    put(cluster, (1, 0), (2, 1), (4, 3), (5, 4))
    bus = KafkaBus(cluster)
    follower = Follower(bus)
    while [one.position for one in follower.messages] != [1, 2]:
        await follower.take(10, 0.2)
    await follower.take(10, 0.2)
    # What a sign of life is answered with when members change. A second member would have to take the same topic, and
    # then chance would say who gets the partition.
    follower.subscription._consumer._coordinator.request_rejoin()  # type: ignore[attr-defined]
    await follower.take(10, 0.5)
    put(cluster, (3, 2), (4, 3), (5, 4))
    await follower.reaches(5)
    assert [one.position for one in follower.messages] == [1, 2, 3, 4, 5]
    await follower.subscription.close()
    await bus.close()


async def test_junk_in_the_topic_of_progress_is_passed_by(cluster: Cluster) -> None:
    """What others put there stops nobody, and an entry that was deleted starts over."""
    bus = KafkaBus(cluster)
    await bus.publish(TOPIC, [message(1)], 1)
    producer = connected(KafkaProducer, cluster)
    for key, value in ((b"\xff", b"{}"), (TOPIC.encode(), b"[]"), (b"caserelay.gone.v1", None)):
        producer.send(cluster.name(PROGRESS), key=key, value=value, partition=0).get(timeout=10)
    recreated = KafkaBus(cluster)
    assert await recreated.resume(TOPIC) == 1
    await recreated.publish(TOPIC, [message(2)], 2)
    producer.send(cluster.name(PROGRESS), key=TOPIC.encode(), value=None, partition=0).get(timeout=10)
    producer.close(timeout=5)
    assert await KafkaBus.resume(bus, TOPIC) == 0
    await bus.close()
    await recreated.close()
