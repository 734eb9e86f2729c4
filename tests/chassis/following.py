"""A follower of a topic, and messages for it, without a consumer behind it."""

from __future__ import annotations

import time

from services.chassis.delivery.bus import Bus, BusMessage, Place

TOPIC, OTHER = "caserelay.test.v1", "caserelay.other.v1"


def message(position: int, key: str = "a", body: bytes = b"{}") -> BusMessage:
    """A message at a position."""
    return BusMessage(position, key, f"id-{position}", body)


class Follower:
    """Reads a topic as one group does, and saves how far it came, as a consumer would."""

    def __init__(self, bus: Bus, topic: str = TOPIC) -> None:
        self.places: dict[int, Place] = {}
        self.messages: list[BusMessage] = []
        self.subscription = bus.subscribe(topic, f"followers-of-{topic}", self._saved)

    async def _saved(self) -> dict[int, Place]:
        return self.places

    @property
    def through(self) -> int:
        """The source position that is covered."""
        return self.subscription.through(self.places)

    async def take(self, limit: int = 10, timeout: float = 0.5) -> list[BusMessage]:
        """What is new, taken and confirmed."""
        batches = await self.subscription.take(limit, timeout)
        new = [message for batch in batches for message in batch.messages]
        self.messages += new
        self.places |= {batch.partition: batch.place for batch in batches}
        await self.subscription.taken({batch.partition: batch.place for batch in batches})
        return new

    async def reaches(self, position: int, limit: int = 10) -> list[int]:
        """Takes until a position is covered, at most for ten seconds; the positions of all messages until then."""
        until = time.monotonic() + 10
        while self.through < position:
            assert time.monotonic() < until, (self.through, position)
            await self.take(limit, 0.1)
        return [message.position for message in self.messages]
