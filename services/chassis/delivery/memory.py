"""The bus in memory, for tests and experiments: services of one process talk to each other, and nothing survives it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Final

from services.chassis.delivery.bus import Batch, BusMessage, Places
from services.chassis.delivery.whole_topic import WholeTopicSubscription, batch_of
from services.chassis.engines.waiters import Waiters

_POSITION: Final = attrgetter("position")


class _Topic:
    def __init__(self) -> None:
        self.messages: list[BusMessage] = []
        self.through = 0


class MemoryBusContents:
    """What is on one bus, for everybody in the process who opens it."""

    def __init__(self) -> None:
        self.topics: dict[str, _Topic] = {}
        self.waiters = Waiters()


class MemoryBus:
    """A `Bus` in memory."""

    follows_to_know = False

    def __init__(self, contents: MemoryBusContents) -> None:
        self._contents = contents

    def _topic(self, topic: str) -> _Topic:
        return self._contents.topics.setdefault(topic, _Topic())

    async def publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        """See `Bus.publish`."""
        held = self._topic(topic)
        for message in messages:
            at = bisect_right(held.messages, message.position, key=_POSITION)
            if not at or held.messages[at - 1].position != message.position:
                held.messages.insert(at, message)
        held.through = max(held.through, through)
        self._contents.waiters.wake()

    def through(self, topic: str) -> int:
        """The source position up to which the topic is complete."""
        return self._topic(topic).through

    async def resume(self, topic: str) -> int:
        """See `Bus.resume`."""
        return self.through(topic)

    async def published_through(self, topic: str) -> int:
        """See `Bus.published_through`."""
        return self.through(topic)

    async def topics(self, prefix: str) -> Sequence[str]:  # noqa: ARG002 - nobody outside reads this memory
        """See `Bus.topics`."""
        return ()

    def read(self, topic: str, after: int, limit: int) -> Batch:
        """Up to `limit` messages behind source position `after`."""
        held = self._topic(topic)
        first = bisect_right(held.messages, after, key=_POSITION)
        return batch_of(held.messages[first : first + limit], after=after, through=held.through, limit=limit)

    async def wait(self, topic: str, after: int, timeout: float) -> None:
        """Returns when the topic may be complete beyond `after`, or after `timeout` seconds."""
        await self._contents.waiters.wait(lambda: self.through(topic) > after, timeout)

    def subscribe(self, topic: str, group: str, saved: Callable[[], Awaitable[Places]]) -> WholeTopicSubscription:  # noqa: ARG002 - all members read the same
        """See `Bus.subscribe`."""
        return WholeTopicSubscription("memory", self, topic, saved)

    async def close(self) -> None:
        """See `Bus.close`."""
        self._contents.waiters.wake()
