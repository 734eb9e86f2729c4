"""How far each topic on Kafka is published: written by its publisher, read by everybody who waits for a position.

A record says that all events up to the source position `through` are published, and where: in each partition before
the given offset, the last one at the given position. So a reader that has reached these offsets has covered `through`.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from pydantic_core import from_json, to_json

from services.chassis.delivery.bus import START, Places
from services.chassis.delivery.kafka.clients import PROGRESS, Cluster
from services.chassis.delivery.kafka.upstream import connected
from services.chassis.engines.store_health import Unavailable

KEPT: Final = 4096
"""Records remembered per topic; a subscriber that lags further behind counts as having covered less."""
POLL_MS: Final = 500
REST_AFTER_SECONDS: Final = 30.0
"""So long after anybody asked it ends to listen. Who takes messages asks all the time."""
FIRST_LOOK_SECONDS: Final = 20.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """One record: all up to `through` lies before `offsets`, the last of each partition at `positions`."""

    through: int = 0
    offsets: Mapping[int, int] = field(default_factory=dict)
    positions: Mapping[int, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The value of the record."""
        return to_json({"through": self.through, "offsets": self.offsets, "positions": self.positions})

    @classmethod
    def of(cls, value: bytes) -> Progress:
        """The inverse."""
        read = from_json(value)
        return cls(
            read["through"],
            {int(partition): offset for partition, offset in read["offsets"].items()},
            {int(partition): position for partition, position in read["positions"].items()},
        )

    def is_reached(self, places: Places) -> bool:
        """Whether a group that has come to these places has handled all that the record speaks of.

        It compares positions too: the places may belong to a topic that was lost and recreated.
        """
        return not any(self.behind(places, partition) for partition in self.offsets)

    def behind(self, places: Places, partition: int) -> int:
        """At least how many records of a partition come after a group's place."""
        place = places.get(partition, START)
        return max(self.offsets[partition] - place.offset, int(place.position < self.positions.get(partition, 0)))


NOTHING: Final = Progress()


class ProgressBoard:
    """What this process knows of the progress of every topic; a thread reads the topic of progress."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._partition = TopicPartition(cluster.name(PROGRESS), 0)
        self._known: dict[str, deque[Progress]] = {}
        self._followed: set[str] = set()
        self.complete = False
        """Whether it has read everything that was there when it began to listen."""
        self._questions: queue.SimpleQueue[asyncio.Future[None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._anew = threading.Event()
        self._heard = -1
        self._wanted_at = 0.0

    def latest(self, topic: str) -> Progress:
        """The newest record that it has read."""
        known = self._known.get(topic)
        return known[-1] if known else NOTHING

    def reached(self, topic: str, places: Places) -> int:
        """The source position that is covered by a group that has come to these places."""
        known = self._known.get(topic)
        if not known:
            return 0
        # Offsets only grow from record to record, so those that are reached come first.
        reached = bisect_right(known, 0, key=lambda progress: 0 if progress.is_reached(places) else 1)
        return known[reached - 1].through if reached else 0

    def hear(self, topic: str, progress: Progress) -> None:
        """Takes a record in. NOTHING starts over; any other record that is behind what is known came late."""
        if progress.through == 0:
            self._known.pop(topic, None)
        elif progress.through > self.latest(topic).through:
            kept = KEPT if topic in self._followed else 1
            self._known.setdefault(topic, deque(maxlen=kept)).append(progress)

    def keep(self, topic: str) -> None:
        """The topic has a subscriber in this process, so older records count as well."""
        self._followed.add(topic)
        if (known := self._known.get(topic)) is not None:
            self._known[topic] = deque(known, maxlen=KEPT)

    async def current(self, topic: str) -> Progress:
        """The newest record on Kafka. Raises Unavailable when Kafka does not answer."""
        self.follow()
        question: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._questions.put(question)
        try:
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await question
        except TimeoutError:
            raise Unavailable("bus") from None
        return self.latest(topic)

    def follow(self) -> None:
        """Begins to listen, or goes on. Needs a running event loop."""
        self._wanted_at = time.monotonic()
        if self._thread is None or not self._thread.is_alive():
            self.complete = False
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, args=(loop,), name="kafka progress", daemon=True)
            self._thread.start()

    def read_anew(self) -> None:
        """Forgets what it read and reads it again: the topics were lost and start over."""
        self._anew.set()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while not (self._ending.is_set() or self._rests()):
            try:
                self._listen(loop)
            except Exception as failure:  # noqa: BLE001 - it listens again, whatever it was
                log.warning("progress cannot be followed", extra={"failure": type(failure).__name__})
                self._ending.wait(1.0)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        consumer = connected(
            KafkaConsumer,
            self._cluster,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            auto_offset_reset="earliest",
        )
        self._anew.clear()
        self._heard = -1
        loop.call_soon_threadsafe(self._begin)
        try:
            consumer.assign([self._partition])
            consumer.seek_to_beginning(self._partition)
            self._catch_up(consumer, loop)
            loop.call_soon_threadsafe(self._completed)
            while not (self._ending.is_set() or self._anew.is_set() or self._rests()):
                asking = self._questions.qsize()
                if asking:
                    self._catch_up(consumer, loop)
                    if self._anew.is_set():
                        break
                    for _ in range(asking):
                        loop.call_soon_threadsafe(_answer, self._questions.get())
                self._take(consumer, loop, POLL_MS)
        finally:
            consumer.close(autocommit=False, timeout_ms=1_000)

    def _rests(self) -> bool:
        return time.monotonic() > self._wanted_at + REST_AFTER_SECONDS

    def _begin(self) -> None:
        self.complete = False
        self._known.clear()

    def _completed(self) -> None:
        self.complete = True

    def _catch_up(self, consumer: Any, loop: asyncio.AbstractEventLoop) -> None:
        end = consumer.end_offsets([self._partition], timeout_ms=5_000)[self._partition]
        if end <= self._heard:
            self.read_anew()
            return
        while consumer.position(self._partition, timeout_ms=5_000) < end and not self._ending.is_set():
            self._take(consumer, loop, POLL_MS)

    def _take(self, consumer: Any, loop: asyncio.AbstractEventLoop, timeout_ms: int) -> None:
        for records in consumer.poll(timeout_ms=timeout_ms, max_records=1000).values():
            for record in records:
                if record.offset <= self._heard:
                    self.read_anew()
                    return
                self._heard = record.offset
                try:
                    topic = record.key.decode()
                    progress = Progress.of(record.value) if record.value is not None else NOTHING
                except (AttributeError, KeyError, TypeError, ValueError):
                    log.warning("a record of somebody else's", extra={"topic": PROGRESS})
                    continue
                loop.call_soon_threadsafe(self.hear, topic, progress)

    async def close(self) -> None:
        """Stops listening."""
        self._ending.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 5.0)


def _answer(question: asyncio.Future[None]) -> None:
    if not question.done():
        question.set_result(None)
