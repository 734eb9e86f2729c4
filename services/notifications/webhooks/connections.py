"""Connections to endpoints, kept for a moment: each belongs to the URL that it was opened for, and to no other.

httpcore's pool is not used: it looks through all of its connections for every request, and would let endpoints wait
for each other.
"""

from __future__ import annotations

import ssl
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import httpcore

from services.notifications.webhooks.addresses import Networks
from services.notifications.webhooks.guard import Destination
from services.notifications.webhooks.metering import Meter
from services.notifications.webhooks.pinning import PinnedNetwork, Resolve

KEPT_SECONDS: Final = 2.0
"""Shorter than common servers keep an idle connection (5 s): hardly any request meets one that is just being closed."""
MOST_KEPT: Final = 256


@dataclass(eq=False, slots=True)
class Connection:
    """A connection with its meter. `until`: how long it may be used again, by the machine's monotonic clock."""

    url: str
    http: httpcore.AsyncHTTPConnection
    meter: Meter
    until: float = 0.0


@dataclass
class Connections:
    """What is open between requests; at most `MOST_KEPT` of all endpoints together.

    `trust`: what certificates are checked against; without it, those of the system.
    """

    allow: Networks
    resolve: Resolve
    trust: ssl.SSLContext | None
    network: httpcore.AsyncNetworkBackend
    _by_url: dict[str, list[Connection]] = field(default_factory=dict)
    _kept: OrderedDict[Connection, None] = field(default_factory=OrderedDict)
    """The idle ones, that of which nothing was wanted for longest first."""

    async def take(self, url: str, destination: Destination) -> Connection:
        """A connection for one request to this URL. A new one connects when it is used."""
        await self._let_go(MOST_KEPT)
        while (waiting := self._by_url.get(url)) is not None:
            found = waiting[-1]
            self._forget(found)
            if not found.http.has_expired() and not found.http.is_closed():
                return found
            await found.http.aclose()
        meter = Meter()
        scheme = b"https" if destination.https else b"http"
        http = httpcore.AsyncHTTPConnection(
            httpcore.Origin(scheme, destination.host.encode(), destination.port),
            ssl_context=self._trusted() if destination.https else None,
            network_backend=PinnedNetwork(destination, self.allow, self.resolve, self.network, meter),
        )
        return Connection(url, http, meter)

    def _trusted(self) -> ssl.SSLContext:
        if self.trust is None:
            # Not before there is an endpoint: to read them takes 45 ms, and a megabyte for as long as the process runs.
            self.trust = ssl.create_default_context()
        return self.trust

    async def give_back(self, used: Connection) -> None:
        """Keeps one whose answer was read to its end; any other is closed."""
        if not used.http.is_idle():
            await used.http.aclose()
            return
        used.until = time.monotonic() + KEPT_SECONDS
        self._by_url.setdefault(used.url, []).append(used)
        self._kept[used] = None

    async def close(self) -> None:
        """Closes all that is idle."""
        await self._let_go(0)

    async def _let_go(self, most: int) -> None:
        now = time.monotonic()
        while self._kept and (len(self._kept) > most or next(iter(self._kept)).until < now):
            oldest = next(iter(self._kept))
            self._forget(oldest)
            await oldest.http.aclose()

    def _forget(self, connection: Connection) -> None:
        del self._kept[connection]
        waiting = self._by_url[connection.url]
        waiting.remove(connection)
        if not waiting:
            del self._by_url[connection.url]
