"""The port of a lease: which of several processes does what one alone must do, and for how long it may be trusted to.

It runs out by itself, so that a process that hangs loses it, and it is free at once when its holder is seen to be dead.
Two holders at a time do no harm: what they do is absorbed when it is done twice. A lease only makes that rare.
"""

from __future__ import annotations

from typing import Protocol


class Lease(Protocol):
    """One lease of one service."""

    async def claim(self, holder: str, seconds: float) -> bool:
        """Takes the lease, or renews it, for so many seconds from now; False: somebody else has it."""

    async def release(self, holder: str) -> None:
        """Gives the lease back, if `holder` has it."""

    async def close(self) -> None:
        """Lets go of files and connections. The lease stays as it is."""
