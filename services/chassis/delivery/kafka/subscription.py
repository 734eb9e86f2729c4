"""One member of a consumer group. It continues where the service has saved, not where Kafka's offsets of the group are.

Offsets are committed to Kafka as well, for operators who watch the lag there. The client is used from a thread of its
own; the library calls back from its own thread about partitions that came or went, while the client waits in a poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from services.chassis.delivery.bus import START, Batch, BusMessage, Place, Places
from services.chassis.delivery.kafka.clients import Cluster
from services.chassis.delivery.kafka.events import decode, partition_of
from services.chassis.delivery.kafka.progress import ProgressBoard
from services.chassis.delivery.kafka.upstream import ASSIGNORS, connected
from services.chassis.engines.store_health import Unavailable

T = TypeVar("T")

SESSION_MS: Final = 6_000
"""A member that is silent for this long loses its partitions; brokers allow no shorter time."""
HEARTBEAT_MS: Final = 1_500
LONGEST_POLL_SECONDS: Final = 0.5
"""A stop waits for the poll that is under way."""
COMMIT_MS: Final = 1_000
"""How long a stop waits for a broker that does not answer, twice: to commit, and to leave."""
COMMIT_EVERY_SECONDS: Final = 1.0
"""Nothing depends on these offsets, and a request for every batch was more than a quarter of a broker's work."""
LONGEST_BATCH_MS: Final = 45_000
"""A member that does not poll for this long loses its partitions; longer than it waits for a store."""
LOOK_AGAIN_SECONDS: Final = 5.0
"""How often it checks a partition with a gap again, and the saved places."""
STORE_SECONDS: Final = 4.0
"""How long the store may take to return the saved places: less than a session, whose heartbeats it delays."""

log = logging.getLogger(__name__)


class KafkaSubscription:
    """A `Subscription` to a topic in Kafka."""

    bus = "kafka"

    def __init__(
        self, cluster: Cluster, board: ProgressBoard, topic: str, group: str, saved: Callable[[], Awaitable[Places]]
    ) -> None:
        self._cluster = cluster
        self._board = board
        self._topic = topic
        self._name = cluster.name(topic)
        self._group = cluster.name(group)
        self._saved = saved
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka consumer")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._consumer: Any = None
        # It never changes, and is known once this member has joined for the first time.
        self._partitions = 0
        self._at: dict[int, Place] = {}
        # The position after which a gap was found when a partition was last read from its start.
        self._rescanned: dict[int, int] = {}
        # Partitions that are paused until then, by the machine's clock.
        self._missing: dict[int, float] = {}
        self._to_commit: dict[int, Place] = {}
        self._committed_at = 0.0
        self._unconfirmed = False
        # When the saved places were last compared with those that this member has reached.
        self._compared_at = time.monotonic()
        self._covered = 0
        self._closed = False

    async def take(self, limit: int, timeout: float) -> Sequence[Batch]:
        """See `Subscription.take`."""
        self._board.follow()
        self._loop = asyncio.get_running_loop()
        unconfirmed, now = self._unconfirmed, time.monotonic()
        saved = None
        if unconfirmed or now > self._compared_at + LOOK_AGAIN_SECONDS:
            saved, self._compared_at = await self._saved(), now
        # It stays until it is confirmed, even when the caller is cancelled in the middle of the poll.
        self._unconfirmed = True
        seconds = min(timeout, LONGEST_POLL_SECONDS)
        batches = await self._in_thread(self._poll, limit, seconds, saved, unconfirmed)
        self._unconfirmed = bool(batches)
        return batches

    async def taken(self, places: Places) -> None:
        """See `Subscription.taken`."""
        self._unconfirmed = False
        self._to_commit.update(places)

    def through(self, places: Places) -> int:
        """See `Subscription.through`."""
        # Also where others take: who waits for them has to know what is published.
        self._board.follow()
        self._covered = max(self._covered, self._board.reached(self._topic, places))
        return self._covered

    def position_of(self, key: str, places: Places) -> int:
        """See `Subscription.position_of`."""
        return places.get(partition_of(key, self._partitions), START).position if self._partitions else 0

    def behind(self, places: Places) -> int:
        """See `Subscription.behind`."""
        self._board.follow()
        published = self._board.latest(self._topic)
        behind = sum(published.behind(places, partition) for partition in published.offsets)
        # While it is not known how far the topic is published, the member must not count as caught up.
        return behind if self._board.complete else max(1, behind)

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except KafkaError as failure:
            raise Unavailable("bus", type(failure).__name__) from failure

    # ---- everything below runs in the thread of the client ----

    def _poll(self, limit: int, seconds: float, saved: Places | None, unconfirmed: bool) -> list[Batch]:  # noqa: FBT001 - from `take` only
        if self._consumer is None:
            self._consumer = self._joined()
        self._commit()
        if saved is not None:
            mine = {partition.partition for partition in self._consumer.assignment()}
            # A database that was killed loses the newest places; if no message arrives, nothing would save them again.
            self._place({partition for partition in mine if unconfirmed or self._has_lost(saved, partition)}, saved)
        self._look_again()
        try:
            found = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
        except Exception as failure:
            if not getattr(failure, "retriable", False):
                # A broken client stays broken; the next poll makes another.
                self._leave()
            raise
        return [batch for partition, records in found.items() if (batch := self._batch(partition.partition, records))]

    def _has_lost(self, saved: Places, partition: int) -> bool:
        place, at = saved.get(partition, START), self._at.get(partition, START)
        return place.position < at.position or place.offset < at.offset

    def _joined(self) -> Any:
        consumer = connected(
            KafkaConsumer,
            self._cluster,
            group_id=self._group,
            partition_assignment_strategy=ASSIGNORS,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            fetch_min_bytes=1,
            max_poll_interval_ms=LONGEST_BATCH_MS,
            metadata_max_age_ms=30_000,
        )
        try:
            consumer.subscribe([self._name], listener=_Rebalanced(self._assigned, self._revoked))
            # A member that joins before it knows the topic's partitions shares out none, as long as nothing else
            # changes.
            if not (partitions := consumer.partitions_for_topic(self._name)):
                raise Unavailable("bus", "NO_PARTITIONS")
            self._partitions = len(partitions)
        except BaseException:
            consumer.close(autocommit=False, timeout_ms=COMMIT_MS)
            raise
        return consumer

    def _assigned(self, partitions: Collection[int]) -> None:
        # Read again, in the event loop, where the store is used: the previous member has moved on meanwhile.
        async def saved() -> Places:
            return await self._saved()

        assert self._loop is not None  # noqa: S101 - polls are made from the loop
        places = asyncio.run_coroutine_threadsafe(saved(), self._loop).result(STORE_SECONDS)
        self._place(partitions, places)
        # What the previous member had handled and not committed yet; a partition in which nothing more is said may have
        # been this one's all along.
        self._to_commit.update({partition: places[partition] for partition in partitions if partition in places})

    def _revoked(self, partitions: Collection[int]) -> None:
        for partition in partitions:
            self._at.pop(partition, None)
            self._missing.pop(partition, None)
            # The partition's next member commits the saved places.
            self._to_commit.pop(partition, None)

    def _look_again(self) -> None:
        now = time.monotonic()
        for partition in [partition for partition, at in self._missing.items() if at < now]:
            del self._missing[partition]
            name = TopicPartition(self._name, partition)
            if name in self._consumer.assignment():
                self._consumer.seek(name, self._at.get(partition, START).offset)
                self._consumer.resume(name)

    def _place(self, partitions: Collection[int], places: Places) -> None:
        for partition in partitions:
            place = places.get(partition)
            self._at.pop(partition, None)
            if place is not None:
                self._at[partition] = place
            self._missing.pop(partition, None)
            name = TopicPartition(self._name, partition)
            self._consumer.seek(name, (place or START).offset)
            # The library keeps a partition paused when it revokes and assigns it again.
            self._consumer.resume(name)

    def _batch(self, partition: int, records: Sequence[Any]) -> Batch | None:
        at, messages = self._at.get(partition), list[BusMessage]()
        for record in records:
            try:
                received = decode(record.key, record.headers, record.value)
            except (AttributeError, KeyError, ValueError):
                log.warning("a record of somebody else's", extra={"topic": self._topic, "partition": partition})
                at = Place(record.offset + 1, at.position if at is not None else 0)
                continue
            position = received.message.position
            if at is None:
                # The first record that is left: the topic's retention has removed any before it.
                at = Place(record.offset, 0 if record.offset == 0 else received.previous)
            if position > at.position >= received.previous:
                messages.append(received.message)
                at = Place(record.offset + 1, position)
            elif position > at.position and self._rescanned.get(partition) != at.position:
                # There is a gap. Perhaps the topic was recreated with other offsets: read it from the start, once.
                # Messages that were handled are known by their positions.
                log.warning("a partition has a gap", extra={"topic": self._topic, "partition": partition})
                self._rescanned[partition] = at.position
                self._consumer.seek(TopicPartition(self._name, partition), 0)
                at = Place(0, at.position)
                break
            else:
                # A repeat, or a record that overtook another; then both are sent again.
                at = Place(record.offset + 1, at.position)
        if at is None:
            return None
        published = self._board.latest(self._topic)
        if at.offset >= published.offsets.get(partition, 0) and at.position < published.positions.get(partition, 0):
            # Everything announced has been read and something is still missing: it can only arrive later.
            log.error("a partition lacks messages", extra={"topic": self._topic, "partition": partition})
            name = TopicPartition(self._name, partition)
            self._missing[partition] = time.monotonic() + LOOK_AGAIN_SECONDS
            self._consumer.pause(name)
            return None
        self._at[partition] = at
        return Batch(partition, messages, at)

    def _commit(self) -> None:
        if time.monotonic() - self._committed_at < COMMIT_EVERY_SECONDS:
            return
        if offsets := self._handled():
            self._committed_at = time.monotonic()
            self._consumer.commit_async(offsets)

    def _handled(self) -> dict[TopicPartition, OffsetAndMetadata]:
        offsets = {
            TopicPartition(self._name, partition): OffsetAndMetadata(place.offset)
            for partition, place in self._to_commit.items()
        }
        self._to_commit.clear()
        return offsets

    def _end(self) -> None:
        try:
            if self._consumer is not None and (offsets := self._handled()):
                with contextlib.suppress(KafkaError):
                    self._consumer.commit(offsets, timeout_ms=COMMIT_MS)
        finally:
            self._leave()

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError):
                consumer.close(autocommit=False, timeout_ms=COMMIT_MS)

    async def close(self) -> None:
        """See `Subscription.close`."""
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        finally:
            self._thread.shutdown(wait=False)


class _Rebalanced(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Passes on which partitions came and went."""

    def __init__(self, assigned: Callable[[Collection[int]], None], revoked: Callable[[Collection[int]], None]) -> None:
        self._assigned = assigned
        self._revoked = revoked

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """See the library."""
        self._assigned([place.partition for place in assigned])

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """See the library."""
        self._revoked([place.partition for place in revoked])
