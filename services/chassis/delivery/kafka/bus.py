"""The bus on Apache Kafka: a topic per log with fixed partitions, keyed by case; groups of consumers share them.

The leader of a service publishes. It may hang, lose its lease and come back, so two may publish at once for a moment;
and a batch whose answer was lost is sent again. Each goes on behind what was announced as published and sends in order,
so that whatever a partition holds for the first time stands behind all that came before it in the log. Readers drop
the rest by its position.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaConnectionError, KafkaError

from services.chassis.delivery.bus import BusMessage, Places
from services.chassis.delivery.kafka.clients import PROGRESS, Cluster, RefusedTopics
from services.chassis.delivery.kafka.events import encode, partition_of
from services.chassis.delivery.kafka.progress import NOTHING, Progress, ProgressBoard
from services.chassis.delivery.kafka.subscription import KafkaSubscription
from services.chassis.delivery.kafka.topics import Topics
from services.chassis.delivery.kafka.upstream import close_at_once, connected
from services.chassis.engines.store_health import Unavailable

DELIVERY_MS: Final = 20_000
LARGEST_REQUEST: Final = 4_000_000
CLOSE_SECONDS: Final = 3.0


class TopicUnusable(Exception):  # noqa: N818 - reads as what happened
    """A topic is missing, or has another number of partitions than what was published to; names the topic only."""


class TopicRecreated(Exception):  # noqa: N818 - reads as what happened
    """The published messages are gone; the whole log is published again."""


class _Sent(NamedTuple):
    partition: int
    position: int
    acknowledged: Any


class KafkaBus:
    """A `Bus` in one cluster. Its clients live in threads of their own; this class is used from the event loop."""

    follows_to_know = True

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._board = ProgressBoard(cluster)
        # One thread: what is published is sent in the order in which it is asked for.
        self._sending = ThreadPoolExecutor(1, thread_name_prefix="kafka producer")
        self._producer: Any = None
        self._published: dict[str, Progress] = {}
        self._announced_at = -1
        self._closing = False

    async def publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        """See `Bus.publish`."""
        if topic not in self._published:
            await self.resume(topic)
        known = self._published[topic]
        new = [message for message in messages if message.position > known.through]
        if through <= known.through:
            return
        try:
            done = await self._in_thread(self._publish, topic, known, new, through)
        except BaseException:
            # Whether it arrived is not known, so nothing may be built on it: all of it is sent again, by a new client.
            del self._published[topic]
            with contextlib.suppress(RuntimeError):
                self._sending.submit(self._give_up)
            raise
        self._published[topic] = done
        self._board.hear(topic, done)

    def _publish(self, topic: str, known: Progress, messages: Sequence[BusMessage], through: int) -> Progress:
        producer = self._connected()
        name = self._cluster.name(topic)
        offsets, positions = dict(known.offsets), dict(known.positions)
        partitions = self._partitions(producer, name, known)
        sent: list[_Sent] = []
        for message in messages:
            partition = partition_of(message.key, partitions)
            record = encode(message, positions.get(partition, 0))
            positions[partition] = message.position
            future = producer.send(
                name, key=message.key.encode(), value=record.value, headers=record.headers, partition=partition
            )
            sent.append(_Sent(partition, message.position, future))
        lost = False
        for delivery in sent:
            offset = delivery.acknowledged.get(timeout=DELIVERY_MS / 1000 + 5).offset
            lost |= offset < known.offsets.get(delivery.partition, 0)
            offsets[delivery.partition] = offset + 1
        for partition in range(partitions):
            offsets.setdefault(partition, 0)
        done = Progress(through, offsets, positions)
        if lost or self._announce(producer, topic, done):
            # So that the next publisher begins at the first event, and no waiting reader takes this for progress.
            self._announce(producer, topic, NOTHING)
            raise TopicRecreated
        return done

    def _announce(self, producer: Any, topic: str, progress: Progress) -> bool:
        """Whether the topic of progress has lost what was in it."""
        name = self._cluster.name(PROGRESS)
        sent = producer.send(name, key=topic.encode(), value=progress.to_bytes(), partition=0)
        before, self._announced_at = self._announced_at, sent.get(timeout=DELIVERY_MS / 1000 + 5).offset
        return bool(self._announced_at <= before)

    @staticmethod
    def _partitions(producer: Any, name: str, known: Progress) -> int:
        found = producer.partitions_for(name)
        if not found:
            raise TopicUnusable(f"the topic {name} is missing: run `caserelay bus topics` with the same settings")
        if known.offsets and len(known.offsets) != len(found):
            raise TopicUnusable(
                f"the topic {name} had {len(known.offsets)} partitions and now has {len(found)}: the order within a"
                " case would be lost; make a new topic instead"
            )
        return len(found)

    def _connected(self) -> Any:
        if self._closing:
            raise KafkaConnectionError("the bus is being closed")
        if self._producer is None:
            self._producer = connected(
                KafkaProducer,
                self._cluster,
                acks="all",
                enable_idempotence=True,
                max_in_flight_requests_per_connection=1,
                delivery_timeout_ms=DELIVERY_MS,
                max_block_ms=5_000,
                max_request_size=LARGEST_REQUEST,
                batch_size=262_144,
                linger_ms=0,
                allow_auto_create_topics=False,
            )
        return self._producer

    def _give_up(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            close_at_once(producer, CLOSE_SECONDS)

    async def _in_thread(self, work: Callable[..., Progress], *arguments: Any) -> Progress:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._sending, work, *arguments)
        except KafkaError as failure:
            raise Unavailable("bus", type(failure).__name__) from failure

    async def resume(self, topic: str) -> int:
        """See `Bus.resume`."""
        self._published[topic] = await self._board.current(topic)
        return self._published[topic].through

    async def published_through(self, topic: str) -> int:
        """See `Bus.published_through`."""
        self._board.follow()
        return self._board.latest(topic).through

    async def topics(self, prefix: str) -> Sequence[str]:
        """See `Bus.topics`."""

        def found() -> list[str]:
            with closing(Topics(self._cluster)) as topics:
                return [name for name in topics.found() if name.startswith(prefix)]

        try:
            return await asyncio.get_running_loop().run_in_executor(self._sending, found)
        except (KafkaError, RefusedTopics) as failure:
            raise Unavailable("bus", type(failure).__name__) from failure

    def subscribe(self, topic: str, group: str, saved: Callable[[], Awaitable[Places]]) -> KafkaSubscription:
        """See `Bus.subscribe`."""
        self._board.keep(topic)
        return KafkaSubscription(self._cluster, self._board, topic, group, saved)

    async def close(self) -> None:
        """See `Bus.close`."""
        self._closing = True
        self._sending.shutdown(wait=False, cancel_futures=True)
        # From another thread than that which may be waiting for a broker that does not answer.
        await asyncio.gather(asyncio.to_thread(self._give_up), self._board.close())
