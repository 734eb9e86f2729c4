"""What a process knows of its stores: which of them cannot be used at the moment, and by which code of its engine.

An adapter translates its engine's errors in one place, by `StoreHealth.failed`. A store that failed counts as
unavailable until a write of no consequence (`StoreHealth.probe`) succeeds: so readiness comes back without any traffic,
and a healthy store is never probed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

NO_ANSWER: Final = "NO_ANSWER"
"""The code where the engine gave none."""

PATIENCE_SECONDS: Final = 5.0
"""How long a store may take to answer whether it can be written again."""

log = logging.getLogger(__name__)


class Unavailable(Exception):  # noqa: N818 - reads as what happened
    """A store cannot be used now. What was sent may still be stored.

    `store` is what it keeps (log, vault, index, consumers, lease, bus, clock), `code` the engine's own: the name of an
    SQLite error, an SQLSTATE, an errno's name, or the class of a driver's error. Neither reveals any data.
    """

    def __init__(self, store: str, code: str = NO_ANSWER) -> None:
        super().__init__(f"{store}: {code}")
        self.store = store
        self.code = code


class StoreHealth:
    """How one store of a process stands. `service` is None for what services share.

    `failing` is the code of the latest failure while the store cannot be used, else None; `errors` counts all by code.
    """

    def __init__(self, store: str, service: str | None = None, turn_seconds: float = 5.0) -> None:
        """`turn_seconds`: how long a writer waits for another to finish."""
        self.turn_seconds = turn_seconds
        self.store = store
        self.service = service
        self.failing: str | None = None
        self.errors: Counter[str] = Counter()
        self.failing_there: str | None = None
        """The same of the process that follows what this one commits, where there is one (`Service.elsewhere`)."""
        self.errors_there: Counter[str] = Counter()
        self._logged = False
        self._looking = False
        self.probe: Callable[[], Awaitable[None]] | None = None
        """Writes something of no consequence; raises Unavailable when that cannot be done."""
        self.write: Callable[[], None] | None = None
        """The same without waiting, where the engine can: called once, before a process starts."""

    def failed(self, code: str, *, passing: bool = False) -> Unavailable:
        """Takes note of an error and returns what to raise. `passing`: another writer was in the way, for a moment."""
        self.errors[code] += 1
        if not passing:
            self.away(code)
        return Unavailable(self.store, code)

    def away(self, code: str) -> None:
        """Takes note that the store cannot be used, also while an operation is still being retried."""
        self.failing = code

    async def look(self) -> None:
        """Asks a store that failed whether it can be written again; logs once that it failed, and that it is back."""
        if self.failing is None:
            return
        fields = {"store": self.store, "code": self.failing}
        if self.service is not None:
            fields["service"] = self.service
        if not self._logged:
            log.error("a store cannot be used", extra=fields)
            self._logged = True
        # All services that share a store watch it: one probes it, and logs the result once.
        if self.probe is None or self._looking:
            return
        self._looking = True
        try:
            await self._ask(self.probe, fields)
        finally:
            self._looking = False

    async def _ask(self, probe: Callable[[], Awaitable[None]], fields: dict[str, str]) -> None:
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await probe()
            self.failing, self._logged = None, False
            log.warning("a store can be used again", extra=fields)


def errno_name(failure: OSError) -> str:
    """The system's name of an error, such as ENOSPC."""
    return errno.errorcode.get(failure.errno or 0, type(failure).__name__)
