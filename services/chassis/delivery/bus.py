"""The port of the bus: publishers append messages under their log's position, subscribers follow topics.

Delivery is at least once and in order per key; consumers absorb repeats. A topic has partitions, and a key's messages
are all in one of them. Members of a group share the partitions. A publisher also announces how far it has come, so
that subscribers know that nothing more will follow up to there, even where events publish nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class BusMessage:
    """A message as it travels.

    `body` is the CloudEvent in structured JSON, `position` that of its event in the source's log, `key` what keeps
    its order (the case).
    """

    position: int
    key: str
    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """How far a partition was handled: the bus' own `offset` to go on at, and the last source `position` before it."""

    offset: int
    position: int


START: Final = Place(0, 0)
Places = Mapping[int, Place]
"""By partition; a partition of which nothing was handled is missing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one partition in order, and the place to save once they are handled. It may hold no message."""

    partition: int
    messages: Sequence[BusMessage]
    place: Place


class Subscription(Protocol):
    """One member's share of a topic, within the group of a service."""

    bus: str
    """The kind of bus; its places mean nothing to a bus of another kind."""

    async def take(self, limit: int, timeout: float) -> Sequence[Batch]:
        """Up to `limit` messages behind the saved places; none when nothing arrived for `timeout` seconds.

        Messages that were taken before and not confirmed with `taken` are delivered again.
        """

    async def taken(self, places: Places) -> None:
        """The batches with these places are handled, and the places saved."""

    def through(self, places: Places) -> int:
        """The source position that is covered when the whole group has come to these places."""

    def position_of(self, key: str, places: Places) -> int:
        """The source position up to which a key's messages are handled when the group has come to these places.

        0 while that is not known here.
        """

    def behind(self, places: Places) -> int:
        """How much was published after these places, in positions or messages."""

    async def close(self) -> None:
        """Leaves the group."""


class Bus(Protocol):
    """A durable topic per source log, ordered within each partition."""

    follows_to_know: bool
    """Whether it has to follow something to know how far topics have come. A process that has another one work for it
    asks that one then."""

    async def publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        """Appends the messages and announces that the source is published through `through`.

        A message at a position that the topic already has is dropped, here or by the topic's subscribers. Returns once
        all is stored; raises when that is not known, and then the caller publishes the same messages again.
        """

    async def resume(self, topic: str) -> int:
        """The source position after which a publisher continues; 0 when nothing was published."""

    async def published_through(self, topic: str) -> int:
        """The source position up to which the topic is complete, as far as this process has heard."""

    async def topics(self, prefix: str) -> Sequence[str]:
        """The topics with this prefix that an operator created for readers outside."""

    def subscribe(self, topic: str, group: str, saved: Callable[[], Awaitable[Places]]) -> Subscription:
        """A new member of a group; `saved` are the places that the group has saved until now."""

    async def close(self) -> None:
        """Closes files and connections."""
