"""The port of what consumers remember: how far they have come, and the messages that were parked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.chassis.delivery.bus import BusMessage, Places


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message: how often it was tried, the class of the last failure, and when it is tried again.

    `retry_at` is in seconds of the machine's clock; None: given up until an operator redrives it.
    """

    message: BusMessage
    tries: int
    failure: str
    retry_at: float | None


class ConsumerStore(Protocol):
    """Places and parked messages of one service, saved in one transaction per batch.

    Raises Unavailable when the store cannot be used.
    """

    async def places(self, bus: str, topic: str) -> Places:
        """How far each partition of a topic was handled, by any process; each kind of bus has its own places."""

    async def beginning(self, bus: str, topic: str) -> tuple[Places, set[str]]:
        """Both `places` and `parked_keys`, of one moment."""

    async def advance(self, bus: str, topic: str, places: Places, parked: Sequence[Parked] = ()) -> None:
        """Saves places together with the messages that were parked on the way to them.

        A place with a smaller source position than the saved one changes nothing.
        """

    async def park(self, topic: str, parked: Parked) -> None:
        """Parks a message, or records how its latest try went."""

    async def unpark(self, topic: str, position: int) -> None:
        """Forgets a parked message: it was handled."""

    async def parked_keys(self, topic: str) -> set[str]:
        """The keys that have parked messages."""

    async def parked(self, topic: str) -> list[Parked]:
        """All parked messages of a topic in order."""

    async def first_parked(self, topic: str) -> list[Parked]:
        """The oldest parked message of each key."""

    async def first_parked_of(self, topic: str, key: str) -> Parked | None:
        """The oldest parked message of one key."""

    async def count_parked(self, topic: str) -> int:
        """How many messages are parked."""

    async def close(self) -> None:
        """Closes files and connections; may be called more than once."""
