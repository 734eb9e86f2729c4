"""Following a topic that has a single partition, as those in a file or in memory have.

A topic has one partition, and an offset in it is the source's position.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from services.chassis.delivery.bus import START, Batch, BusMessage, Place, Places

_ONLY: Final = 0


class WholeTopics(Protocol):
    """A bus whose topics have one partition."""

    def through(self, topic: str) -> int:
        """The source position up to which the topic is complete."""

    def read(self, topic: str, after: int, limit: int) -> Batch:
        """Up to `limit` messages behind source position `after`."""

    async def wait(self, topic: str, after: int, timeout: float) -> None:
        """Returns when the topic may be complete beyond `after`, or after `timeout` seconds."""


def batch_of(messages: Sequence[BusMessage], *, after: int, through: int, limit: int) -> Batch:
    """The messages behind `after` in a topic that is complete up to `through`."""
    end = messages[-1].position if len(messages) == limit else max(through, after)
    return Batch(_ONLY, messages, Place(end, end))


class WholeTopicSubscription:
    """A `Subscription`: every member of a group reads the whole topic, and a repeat changes nothing."""

    def __init__(self, bus: str, read_from: WholeTopics, topic: str, saved: Callable[[], Awaitable[Places]]) -> None:
        self.bus = bus
        self._bus = read_from
        self._topic = topic
        self._saved = saved

    async def take(self, limit: int, timeout: float) -> Sequence[Batch]:
        """See `Subscription.take`."""
        after = self.through(await self._saved())
        batch = self._bus.read(self._topic, after, limit)
        if batch.place.position <= after:
            await self._bus.wait(self._topic, after, timeout)
            batch = self._bus.read(self._topic, after, limit)
        return (batch,) if batch.place.position > after else ()

    async def taken(self, places: Places) -> None:
        """See `Subscription.taken`."""

    def through(self, places: Places) -> int:
        """See `Subscription.through`."""
        return places.get(_ONLY, START).position

    def position_of(self, key: str, places: Places) -> int:  # noqa: ARG002 - all keys are in the one partition
        """See `Subscription.position_of`."""
        return self.through(places)

    def behind(self, places: Places) -> int:
        """See `Subscription.behind`."""
        return max(0, self._bus.through(self._topic) - self.through(places))

    async def close(self) -> None:
        """See `Subscription.close`."""
