"""The lease in memory, for tests and experiments: all who may lead are in one process."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class MemoryLeaseContents:
    """Who has a lease, and until when by the machine's clock."""

    holder: str | None = None
    until: float = 0.0


class MemoryLease:
    """A `Lease` in memory."""

    def __init__(self, contents: MemoryLeaseContents) -> None:
        self._held = contents

    async def claim(self, holder: str, seconds: float) -> bool:
        """See `Lease.claim`."""
        free = self._held.holder in (None, holder) or self._held.until < time.monotonic()
        if free:
            self._held.holder, self._held.until = holder, time.monotonic() + seconds
        return free

    async def release(self, holder: str) -> None:
        """See `Lease.release`."""
        if self._held.holder == holder:
            self._held.holder = None

    async def close(self) -> None:
        """See `Lease.close`."""
