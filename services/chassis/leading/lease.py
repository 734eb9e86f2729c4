"""The port of a lease: which of several processes does the work that only one should do, and until when.

A lease expires, so a process that hangs loses it, and it is free at once when its holder is seen to be dead. Two
holders at a time do no harm: work that is done twice has no further effect. A lease only makes that rare.
"""

from __future__ import annotations

from typing import Protocol


class Lease(Protocol):
    """One lease of one service."""

    async def claim(self, holder: str, seconds: float) -> bool:
        """Takes or renews the lease for this many seconds from now; False: another process has it."""

    async def release(self, holder: str) -> None:
        """Gives the lease back, if `holder` has it."""

    async def close(self) -> None:
        """Closes files and connections. The lease stays as it is."""
