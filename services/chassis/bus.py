"""The port of the bus: publishers append messages under their log's position, consumers follow topics.

Delivery is at least once and in order per key; consumers absorb repeats. A publisher also announces how far it has
come, so that consumers know that nothing more will follow up to there, even where events publish nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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
class Batch:
    """Messages in order, and the source position that a consumer has covered once it has handled them."""

    messages: Sequence[BusMessage]
    through: int


class Bus(Protocol):
    """A durable, ordered topic per source log."""

    async def publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        """Appends the messages and announces that the source is published through `through`.

        A message at a position that the topic has already is absorbed. Returns once all is stored.
        """

    async def published_through(self, topic: str) -> int:
        """The source position up to which the topic is complete; 0 when nothing was published."""

    async def read(self, topic: str, after: int, limit: int) -> Batch:
        """Up to `limit` messages behind source position `after`."""

    async def wait(self, topic: str, after: int, timeout: float) -> None:
        """Returns when the topic may be complete beyond `after`, or after `timeout` seconds."""

    async def close(self) -> None:
        """Lets go of files and connections."""
