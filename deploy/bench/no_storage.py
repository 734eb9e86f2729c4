"""Stores that acknowledge without writing: what the same route costs when nothing has to be kept."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
import hmac
from typing import Any

from services.chassis.event_types import EventTypes
from services.chassis.eventlog import EventLog, Write
from services.chassis.metadata import Recorded
from services.chassis.stores import Stores
from services.chassis.vault import Vault

KEPT = ("organisation-", "programme-")
"""Streams that every referral is held against: without them there would be no route to measure."""


class NoLog:
    """An `EventLog` that keeps what it is asked to decide on, in memory, and forgets everything else."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._position = 0
        self._kept: dict[str, list[Recorded]] = defaultdict(list)

    async def append(self, writes: Sequence[Write]) -> int:
        """Acknowledges; nothing is encoded, queued, written or waited for."""
        for write in writes:
            for event, meta in write.events:
                self._position += 1
                if write.stream.startswith(KEPT):
                    kept = self._kept[write.stream]
                    kept.append(Recorded(self._position, write.stream, len(kept) + 1, "", event, meta, ""))
        return self._position

    async def read(self, stream: str, *, after: int = 0, through: int | None = None) -> list[Recorded]:
        """What was kept of a stream."""
        if stream not in self._kept: return []
        return [one for one in self._kept[stream] if one.version > after and (through is None or one.version <= through)]

    async def read_all(self, after: int, limit: int) -> list[Recorded]:
        """Nothing: there is nothing to project or to publish."""
        return []

    def mark(self) -> object:
        """As it is for a log that nothing was appended to."""
        return None

    async def head(self) -> int:
        """Nothing is ever behind."""
        return 0

    async def wait(self, after: int, timeout: float) -> None:
        """Nothing will come."""
        await asyncio.sleep(timeout)

    async def close(self) -> None:
        """There is nothing to let go of."""


class NoVault:
    """A `Vault` that keeps nothing."""

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """Acknowledges."""

    async def read(self, ref: str) -> dict[str, Any] | None:
        """Nothing is there."""
        return None

    async def forget(self, stream: str) -> int:
        """Nothing is there."""
        return 0

    def fingerprint(self, body: bytes) -> str:
        """As the real one: it is not storage."""
        return hmac.new(b"no storage", body, sha256).hexdigest()

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """Nothing is there."""
        return 0

    async def close(self) -> None:
        """There is nothing to let go of."""


class NoStores(Stores):
    """The stores of a service that keep neither events nor personal data."""

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """See `NoLog`."""
        return NoLog(service)

    def vault(self, service: str) -> Vault:
        """See `NoVault`."""
        return NoVault()
