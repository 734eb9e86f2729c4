"""A bus that keeps what is published until it is told to let it go: it delays, repeats, and lets topics overtake.

It stands before another bus, through the port that services know. As Kafka does, it has a topic in partitions, keeps
the order of each of them, and lets another one be ahead; what was not saved as handled it delivers again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from zlib import crc32

from services.chassis.delivery.bus import START, Batch, Bus, BusMessage, Place, Places, Subscription
from services.chassis.delivery.consumer_store import ConsumerStore, Parked

PARTITIONS: Final = 3


class Crashed(Exception):  # noqa: N818 - what happens to the process
    """The process that handles messages ended here."""


class Held:
    """What is held of each topic for each group, whichever process asks for it: so it outlives a restart."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], Line] = {}
        self.crash_before_saving = False
        self.crash_after_saving = False


class Line:
    """The messages of one topic on their way to one group, by partition, and how many of each were let go."""

    def __init__(self) -> None:
        self.messages: dict[int, list[BusMessage]] = {partition: [] for partition in range(PARTITIONS)}
        self.let_go: dict[int, int] = dict.fromkeys(range(PARTITIONS), 0)
        self.again: dict[int, int] = dict.fromkeys(range(PARTITIONS), 0)
        """How many that were handled come once more with the next ones."""
        self.fetched = START
        self.source: Subscription | None = None

    def everything(self) -> list[BusMessage]:
        """All that ever came."""
        return [message for messages in self.messages.values() for message in messages]

    async def fetch(self) -> None:
        """Takes over all that is published by now."""
        assert self.source is not None
        while batches := await self.source.take(1000, 0):
            for batch in batches:
                for message in batch.messages:
                    self.messages[crc32(message.key.encode()) % PARTITIONS].append(message)
                self.fetched = batch.place


class DelayingSubscription:
    """A `Subscription` that gives what was let go, and nothing else."""

    def __init__(self, behind: Bus, topic: str, group: str, saved: Callable[[], Awaitable[Places]], held: Held) -> None:
        self.bus = "delaying"
        self._held = held
        self._line = held.lines.setdefault((group, topic), Line())
        self._saved = saved
        self._line.source = self._behind = behind.subscribe(topic, group, self._fetched)

    async def _fetched(self) -> Mapping[int, Place]:
        return {0: self._line.fetched}

    async def take(self, limit: int, timeout: float) -> Sequence[Batch]:  # noqa: ARG002 - nobody waits here
        """See `Subscription.take`."""
        await self._line.fetch()
        places, batches = await self._saved(), list[Batch]()
        for partition, messages in self._line.messages.items():
            done = places.get(partition, START).offset
            first = max(0, done - self._line.again[partition])
            given = messages[first : self._line.let_go[partition]][:limit]
            if given:
                place = Place(first + len(given), given[-1].position)
                batches.append(Batch(partition, given, place))
            self._line.again[partition] = 0
        return batches

    async def taken(self, places: Places) -> None:  # noqa: ARG002 - they are saved by now
        """See `Subscription.taken`."""
        if self._held.crash_after_saving:
            self._held.crash_after_saving = False
            raise Crashed

    def _left(self, partition: int, places: Places) -> list[BusMessage]:
        return self._line.messages[partition][places.get(partition, START).offset :]

    def through(self, places: Places) -> int:
        """See `Subscription.through`."""
        next_ones = [left[0].position for partition in range(PARTITIONS) if (left := self._left(partition, places))]
        return min((position - 1 for position in next_ones), default=self._line.fetched.position)

    def position_of(self, key: str, places: Places) -> int:
        """See `Subscription.position_of`."""
        left = self._left(crc32(key.encode()) % PARTITIONS, places)
        return left[0].position - 1 if left else self._line.fetched.position

    def behind(self, places: Places) -> int:
        """See `Subscription.behind`."""
        left = sum(len(self._left(partition, places)) for partition in range(PARTITIONS))
        return left + self._behind.behind({0: self._line.fetched})

    async def close(self) -> None:
        """See `Subscription.close`."""
        await self._behind.close()


class DelayingBus:
    """A `Bus` before another one. `held` is what it holds back, and is told to let go."""

    follows_to_know = False

    def __init__(self, behind: Bus, held: Held) -> None:
        self._behind = behind
        self._held = held

    async def publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        """See `Bus.publish`."""
        await self._behind.publish(topic, messages, through)

    async def resume(self, topic: str) -> int:
        """See `Bus.resume`."""
        return await self._behind.resume(topic)

    async def published_through(self, topic: str) -> int:
        """See `Bus.published_through`."""
        return await self._behind.published_through(topic)

    async def topics(self, prefix: str) -> Sequence[str]:
        """See `Bus.topics`."""
        return await self._behind.topics(prefix)

    def subscribe(self, topic: str, group: str, saved: Callable[[], Awaitable[Places]]) -> DelayingSubscription:
        """See `Bus.subscribe`."""
        return DelayingSubscription(self._behind, topic, group, saved, self._held)

    async def close(self) -> None:
        """See `Bus.close`."""
        await self._behind.close()


class CrashingConsumerStore:
    """A `ConsumerStore` before another one, whose process may end before it has saved what was handled."""

    def __init__(self, behind: ConsumerStore, held: Held) -> None:
        self._behind = behind
        self._held = held

    async def places(self, bus: str, topic: str) -> Places:
        """See `ConsumerStore.places`."""
        return await self._behind.places(bus, topic)

    async def advance(self, bus: str, topic: str, places: Places, parked: Sequence[Parked] = ()) -> None:
        """See `ConsumerStore.advance`."""
        if self._held.crash_before_saving:
            self._held.crash_before_saving = False
            raise Crashed
        await self._behind.advance(bus, topic, places, parked)

    async def park(self, topic: str, parked: Parked) -> None:
        """See `ConsumerStore.park`."""
        await self._behind.park(topic, parked)

    async def unpark(self, topic: str, position: int) -> None:
        """See `ConsumerStore.unpark`."""
        await self._behind.unpark(topic, position)

    async def beginning(self, bus: str, topic: str) -> tuple[Places, set[str]]:
        """See `ConsumerStore.beginning`."""
        return await self._behind.beginning(bus, topic)

    async def parked_keys(self, topic: str) -> set[str]:
        """See `ConsumerStore.parked_keys`."""
        return await self._behind.parked_keys(topic)

    async def parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.parked`."""
        return await self._behind.parked(topic)

    async def first_parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.first_parked`."""
        return await self._behind.first_parked(topic)

    async def first_parked_of(self, topic: str, key: str) -> Parked | None:
        """See `ConsumerStore.first_parked_of`."""
        return await self._behind.first_parked_of(topic, key)

    async def count_parked(self, topic: str) -> int:
        """See `ConsumerStore.count_parked`."""
        return await self._behind.count_parked(topic)

    async def close(self) -> None:
        """See `ConsumerStore.close`."""
        await self._behind.close()
