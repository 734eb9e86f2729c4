"""Connects to no address that was not checked: a name is resolved once for a connection, and its answer is pinned.

The owner of a name can let it answer with an address of ours, and with another one the next moment (DNS rebinding).
So all that it answers is checked, and what is connected to is an address of that answer, never the name.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

import httpcore

from services.notifications.webhooks.addresses import Address, Networks, may_be_called
from services.notifications.webhooks.guard import Destination
from services.notifications.webhooks.metering import Meter, MeteredStream

RESOLVING_SECONDS: Final = 5.0
LOOKUPS: Final = 64
"""Names that are looked up at a time: one that hangs holds its thread, and nobody else's while there are others."""
MOST_ADDRESSES: Final = 4
"""Addresses of an answer that are tried, one after the other."""
CONNECTING_SECONDS: Final = 3.0
"""How long each of them may take to answer."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, as texts. Raises OSError where it has none."""
LookUp = Callable[[str, int], list[str]]
"""The same, holding its thread for as long as it takes."""


class RefusedAddress(Exception):  # noqa: N818 - reads as what happened
    """The name answers with an address that may not be called."""


class Unresolved(Exception):  # noqa: N818 - reads as what happened
    """The name has no address, or none in time."""


class SystemResolver:
    """Asks the machine's resolver, a thread for each name: it cannot be interrupted and may take half a minute.

    The threads are not the loop's, for which others wait, and the process does not wait for them when it ends.
    `look_up` is what they run.
    """

    def __init__(self, look_up: LookUp | None = None) -> None:
        self._look_up = _addresses if look_up is None else look_up
        self._running: dict[tuple[str, int], asyncio.Future[list[str]]] = {}
        self._free = asyncio.Semaphore(LOOKUPS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """See `Resolve`. A name that is being looked up is not looked up again beside it."""
        if (host, port) not in self._running:
            await self._free.acquire()
            if (host, port) in self._running:
                # Somebody else came first, while both waited for a thread.
                self._free.release()
            else:
                self._running[host, port] = self._started(host, port)
        return await asyncio.shield(self._running[host, port])

    def _started(self, host: str, port: int) -> asyncio.Future[list[str]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def look_up() -> None:
            found: list[str] | OSError
            try:
                found = self._look_up(host, port)
            except (OSError, UnicodeError):
                found = OSError()
            # The loop may be gone by now.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, found)

        def settle(found: list[str] | OSError) -> None:
            self._free.release()
            del self._running[host, port]
            if isinstance(found, OSError):
                answer.set_exception(found)
                # Those who waited may have left.
                answer.exception()
            else:
                answer.set_result(found)

        threading.Thread(target=look_up, name="resolve", daemon=True).start()
        return answer


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def checked_addresses(destination: Destination, allow: Networks, resolve: Resolve) -> list[Address]:
    """The addresses that a destination may be reached at, in the resolver's order.

    One that may not be called refuses all of them. Raises RefusedAddress, Unresolved.
    """
    found = await _resolved(destination, resolve) if destination.address is None else [destination.address]
    if not all(may_be_called(address, destination.port, allow, https=destination.https) for address in found):
        raise RefusedAddress
    return found[:MOST_ADDRESSES]


async def _resolved(destination: Destination, resolve: Resolve) -> list[Address]:
    try:
        async with asyncio.timeout(RESOLVING_SECONDS):
            texts = await resolve(destination.host, destination.port)
        found = [ip_address(text) for text in texts]
    except (OSError, ValueError):
        raise Unresolved from None
    if not found:
        raise Unresolved
    return found


class PinnedNetwork(httpcore.AsyncNetworkBackend):
    """The network as the connections to one destination see it: its checked addresses, and nothing else."""

    def __init__(
        self,
        destination: Destination,
        allow: Networks,
        resolve: Resolve,
        network: httpcore.AsyncNetworkBackend,
        meter: Meter,
    ) -> None:
        self._destination = destination
        self._allow = allow
        self._resolve = resolve
        self._meter = meter
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """See httpcore. What is connected to is an address: the name is not looked up again."""
        if (host, port) != (self._destination.host, self._destination.port):
            raise RefusedAddress
        seconds = CONNECTING_SECONDS if timeout is None else timeout
        failure: Exception = Unresolved()
        for address in await checked_addresses(self._destination, self._allow, self._resolve):
            try:
                stream = await self._network.connect_tcp(str(address), port, seconds, local_address, socket_options)
                return MeteredStream(stream, self._meter)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                failure = failed
        raise failure
