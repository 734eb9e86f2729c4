"""Where consumers keep their places and parked messages in memory, for tests and experiments."""

from __future__ import annotations

from collections.abc import Sequence

from services.chassis.delivery.bus import START, Place, Places
from services.chassis.delivery.consumer_store import Parked


class MemoryConsumerContents:
    """What the consumers of one service remember, for everybody in the process who opens it."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], dict[int, Place]] = {}
        self.parked: dict[str, dict[int, Parked]] = {}


class MemoryConsumerStore:
    """A `ConsumerStore` in memory."""

    def __init__(self, contents: MemoryConsumerContents) -> None:
        self._places = contents.places
        self._parked = contents.parked

    async def places(self, bus: str, topic: str) -> Places:
        """See `ConsumerStore.places`."""
        return dict(self._places.get((bus, topic), {}))

    async def beginning(self, bus: str, topic: str) -> tuple[Places, set[str]]:
        """See `ConsumerStore.beginning`."""
        # Places first: what another process parks meanwhile then counts as parked, and is at worst handled again.
        return await self.places(bus, topic), await self.parked_keys(topic)

    async def advance(self, bus: str, topic: str, places: Places, parked: Sequence[Parked] = ()) -> None:
        """See `ConsumerStore.advance`."""
        for parked_message in parked:
            self._park(topic, parked_message)
        saved = self._places.setdefault((bus, topic), {})
        saved.update({n: place for n, place in places.items() if saved.get(n, START).position <= place.position})

    async def park(self, topic: str, parked: Parked) -> None:
        """See `ConsumerStore.park`."""
        self._park(topic, parked)

    def _park(self, topic: str, parked: Parked) -> None:
        self._parked.setdefault(topic, {})[parked.message.position] = parked

    async def unpark(self, topic: str, position: int) -> None:
        """See `ConsumerStore.unpark`."""
        self._parked.get(topic, {}).pop(position, None)

    async def parked_keys(self, topic: str) -> set[str]:
        """See `ConsumerStore.parked_keys`."""
        return {parked.message.key for parked in self._parked.get(topic, {}).values()}

    async def parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.parked`."""
        return self._in_order(topic)

    def _in_order(self, topic: str) -> list[Parked]:
        return [parked for _, parked in sorted(self._parked.get(topic, {}).items())]

    async def first_parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.first_parked`."""
        first: dict[str, Parked] = {}
        for parked in self._in_order(topic):
            first.setdefault(parked.message.key, parked)
        return list(first.values())

    async def first_parked_of(self, topic: str, key: str) -> Parked | None:
        """See `ConsumerStore.first_parked_of`."""
        return next((parked for parked in self._in_order(topic) if parked.message.key == key), None)

    async def count_parked(self, topic: str) -> int:
        """See `ConsumerStore.count_parked`."""
        return len(self._parked.get(topic, {}))

    async def close(self) -> None:
        """See `ConsumerStore.close`."""
