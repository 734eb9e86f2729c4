"""The referral service with storage switched off: what the same route costs when nothing has to be kept.

Run as a program it serves like `caserelay serve referral`, over stores that acknowledge without writing.
"""

from __future__ import annotations

import asyncio
import hmac
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from services.assembly import assemble, production_app
from services.chassis.access.identity import Verifier
from services.chassis.access.oidc_issuer import OidcIssuer
from services.chassis.log.event_log import NOTHING_READ, EventLog, Row, Write
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded
from services.chassis.operating.telemetry import configure_logging
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.time.clock import SystemClock
from services.chassis.vault.vault import Deposit, Vault
from services.serve import listen, serve_app

KEPT: Final = ("organisation-", "programme-")
"""Streams that every referral is held against: without them the route would refuse everything."""


class NoLog:
    """An `EventLog` that has in memory what referrals are held against, and forgets everything else."""

    def __init__(self, name: str, types: EventTypes) -> None:
        self.name = name
        self.types = types
        self._position = 0
        self.remote = False
        self._kept: dict[str, list[Recorded]] = defaultdict(list)
        self._mark = 0

    async def append(
        self, writes: Sequence[Write], *, read: Mapping[str, int] = NOTHING_READ, records: Deposit | None = None
    ) -> int:
        """Acknowledges at once: nothing is encoded, queued, written or waited for."""
        del read, records
        for write in writes:
            for event, meta in write.events:
                self._position += 1
                if write.stream.startswith(KEPT):
                    self._mark += 1
                    kept = self._kept[write.stream]
                    kept.append(Recorded(self._position, write.stream, len(kept) + 1, "", event, meta, b""))
        return self._position

    async def read(
        self, stream: str, *, after: int = 0, through: int | None = None, most: int | None = None
    ) -> list[Recorded]:
        """What was kept of a stream."""
        return self._kept[stream][after:through][:most] if stream in self._kept else []

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """The same of several streams."""
        return [await self.read(stream, after=after, most=most) for stream, after in tails]

    async def beginnings(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Nothing: there is no log to go through."""
        del after, limit
        return []

    async def read_all(self, after: int, limit: int) -> list[Recorded]:
        """Nothing: there is nothing to index or to publish."""
        del after, limit
        return []

    async def stored(self, first: int, limit: int) -> list[Row]:
        """Nothing: there is nothing to verify."""
        del first, limit
        return []

    def mark(self) -> object:
        """Another one only when something was kept."""
        return self._mark

    async def head(self) -> int:
        """Zero, so that nothing is ever behind."""
        return 0

    async def wait(self, after: int, timeout: float) -> bool:
        """Nothing will come."""
        del after
        await asyncio.sleep(timeout)
        return True

    async def close(self) -> None:
        """There is nothing to let go of."""


class NoVault:
    """A `Vault` that keeps nothing."""

    place = None

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """Acknowledges at once."""

    async def read(self, ref: str) -> dict[str, Any] | None:
        """Nothing is there."""
        del ref
        return None

    async def forget(self, stream: str) -> int:
        """Nothing is there."""
        del stream
        return 0

    def fingerprint(self, body: bytes) -> str:
        """As the real one has it: this is not storage."""
        return hmac.digest(b"no storage", body, "sha256").hex()

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """Nothing is there."""
        del refers
        return 0

    async def close(self) -> None:
        """There is nothing to let go of."""


class NoStores(Stores):
    """The stores of a service that keep neither events nor personal data."""

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """See `NoLog`."""
        return NoLog(service, types)

    def vault(self, service: str) -> Vault:
        """See `NoVault`."""
        del service
        return NoVault()


def main() -> int:
    """Serves until a signal stops it; the exit status."""
    settings = Settings()
    configure_logging(settings.log_level)
    keys = asyncio.run(OidcIssuer.connect(settings.issuer))
    with listen(settings) as on:
        verifier = Verifier(keys, settings.audience)
        assembly = assemble(["referral"], settings, SystemClock(), verifier, NoStores(settings.data))
        return serve_app(production_app(assembly), settings, on, assembly.telemetry, assembly.end_streams)


if __name__ == "__main__":
    sys.exit(main())
