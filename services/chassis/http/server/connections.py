"""The connections of a process: how many there may be, and a look a second at clients that keep it waiting.

Timers of their own would cost every request; a look costs every connection less than a microsecond. Where all places
are taken, connections that only wait for their client make room, the longest waiting first: somebody who opens many
and says nothing keeps nobody out.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections import Counter
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

from services.chassis.http.server.protocol import Connection
from services.chassis.http.server.refused_connections import Refusal, Refusals
from services.chassis.operating.request_notes import RequestNotes, notes_of
from services.chassis.operating.telemetry import Limit, Telemetry
from services.chassis.operating.traceparent import follow

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

    from services.chassis.operating.descriptors import Descriptors
    from services.chassis.settings import Settings

LOOK_SECONDS: Final = 1.0
MOST_LEAVING: Final = 64
"""Refused connections that may still read their answer; beyond them a further one is closed as soon as it is sent."""
ROOM: Final = 16
"""The share of connections that make room at once, so that not every new one has to search: one in so many."""


class Connections:
    """Counts, bounds and sweeps. `here` is what there are descriptors for."""

    def __init__(self, settings: Settings, here: Descriptors, telemetry: Telemetry) -> None:
        self.settings = settings
        self.refusals = Refusals(settings)
        self.now = 0.0
        """The loop's time at the last look: close enough for limits of seconds, and free to ask."""
        self._telemetry = telemetry
        self._most = here.bound(settings.connections)
        # With as many as there may be in all, one address could keep all others out.
        self._most_per_address = max(1, min(settings.connections_per_address, self._most - self._most // 4))
        if not settings.connections_per_address:
            self._most_per_address = sys.maxsize
        self._open: dict[Connection, str] = {}
        self._by_address: Counter[str] = Counter()
        self._leaving: set[Connection] = set()
        self._nothing_gives_room: set[str] = set()
        telemetry.watch("connections", lambda: len(self._open))

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Connection:
        """A connection, as uvicorn asks for one."""
        return Connection(self, config, server_state, app_state, _loop)

    def count(self, limit: Limit) -> None:
        """A limit was met."""
        self._telemetry.limit_met(limit)

    def record_refusal(self, refusal: Refusal, scope: MutableMapping[str, Any] | None) -> bytes:
        """The header by which a refusal is found in the log, whose line it writes; of its request, if that is known."""
        notes = RequestNotes(follow(None)) if scope is None else notes_of(scope)
        self._telemetry.turned_away(refusal.status, refusal.code, notes)
        return b"%b: %b\r\n" % notes.header

    def admit(self, connection: Connection, peer: object) -> Refusal | None:
        """Takes a new connection in, or says why not. `peer` is the other side's name, as sockets have it."""
        address = address_of(peer)
        if self._by_address[address] >= self._most_per_address and not self._make_room(address):
            return self.refusals.too_many_of_address
        if len(self._open) >= self._most and not self._make_room(None):
            return self.refusals.too_many_connections
        self._open[connection] = address
        self._by_address[address] += 1
        return None

    def leave(self, connection: Connection) -> bool:
        """The connection is about to end and takes nobody's place any more; whether it may still read an answer."""
        self._forget(connection)
        if len(self._leaving) >= MOST_LEAVING:
            return False
        self._leaving.add(connection)
        return True

    def gone(self, connection: Connection) -> None:
        """The connection has ended."""
        self._leaving.discard(connection)
        self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        address = self._open.pop(connection, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def _make_room(self, address: str | None) -> bool:
        among = "" if address is None else address
        if among in self._nothing_gives_room:
            return False
        waiting = [
            (since, number, connection)
            for number, (connection, its) in enumerate(self._open.items())
            if (address is None or its == address) and (since := connection.waits_since()) is not None
        ]
        if not waiting:
            # Not sought again before the next look: who has nothing to lose would have us search for every attempt.
            self._nothing_gives_room.add(among)
            return False
        waiting.sort()
        for _, _, connection in waiting[: 1 + len(waiting) // ROOM]:
            connection.make_room()
        return True

    async def look_after(self) -> None:
        """Looks at every connection about once a second, for ever."""
        loop = asyncio.get_running_loop()
        limits = self.settings
        shortest = min(limits.header_seconds, limits.body_seconds, limits.idle_seconds, limits.answer_seconds)
        while True:
            self.now = loop.time()
            self._nothing_gives_room.clear()
            for connection in (*self._open, *self._leaving):
                connection.look(self.now)
            await asyncio.sleep(min(LOOK_SECONDS, shortest / 4))


def address_of(peer: object) -> str:
    """Whom a connection counts for: an IPv4 address, or the /64 network of an IPv6 one, which is one customer's."""
    host = peer[0] if isinstance(peer, tuple) and peer and isinstance(peer[0], str) else ""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = address.ipv4_mapped
    return str(mapped) if mapped is not None else str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
