"""The port of shares: work that is cut into numbered parts, each done by one of several processes, and none by two.

A share expires like a lease: a process that hangs loses what it has, and what a dead one had is free at once. Nobody
takes more than its fair part of all, so that a process that joins finds something to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a process has, and how many it may keep now that so many share them."""

    mine: frozenset[int]
    fair: int


def fair_part(parts: int, members: int) -> int:
    """How many of the parts each of the members may have at most."""
    return -(-parts // max(members, 1))


class Shares(Protocol):
    """The parts of one service's work."""

    async def claim(self, holder: str, parts: int, seconds: float) -> Claimed:
        """Says that `holder` is there, renews what it has, and takes free parts up to a fair number.

        For this many seconds from now. What it has beyond the fair number it keeps until it gives that back.
        """

    async def give_back(self, holder: str, part: int) -> None:
        """Lets another process have a part."""

    async def leave(self, holder: str) -> None:
        """Gives everything back: `holder` is not there any more."""

    async def close(self) -> None:
        """Closes files and connections; what was claimed stays so."""
