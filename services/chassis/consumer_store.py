"""The port of what consumers remember: their positions, and the messages that wait aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.chassis.bus import BusMessage


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that waits aside: how often it was tried, the class of the last failure, and when it is tried again.

    `retry_at` is in seconds of the machine's clock; None: given up, until somebody redrives it.
    """

    message: BusMessage
    tries: int
    failure: str
    retry_at: float | None


class ConsumerStore(Protocol):
    """Positions and parked messages of one service, both in one transaction per batch.

    Answers at once: its statements are short, and made inline.
    """

    def through(self, topic: str) -> int:
        """The source position that is covered."""

    def advance(self, topic: str, through: int, parked: Sequence[Parked] = ()) -> None:
        """Saves a position together with the messages that were put aside on the way to it."""

    def park(self, topic: str, one: Parked) -> None:
        """Puts a message aside, or says how its latest try went."""

    def unpark(self, topic: str, position: int) -> None:
        """Forgets a parked message: it was handled."""

    def parked_keys(self, topic: str) -> set[str]:
        """The keys that have messages waiting aside."""

    def parked(self, topic: str) -> list[Parked]:
        """All parked messages of a topic in order."""

    def first_parked(self, topic: str) -> list[Parked]:
        """The oldest parked message of each key."""

    def count_parked(self, topic: str) -> int:
        """How many messages wait aside."""

    def close(self) -> None:
        """Lets go of files and connections."""
