"""A receiver of webhooks that fails in every way that receivers do: a real server on loopback, in a thread of its own.

The first part of a URL's path says how it behaves, as `/slow/anything`; `FaultReceiver.turn` changes that for one path
while it runs. What came is in `received`, in order, whatever was answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Self

PIECE: Final = b"x" * 65_536


@dataclass(frozen=True)
class Received:
    """A request that came whole: its header names in lower case, and the number of the connection that it came on."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int

    @property
    def id(self) -> str:
        """The event's id."""
        return self.headers["webhook-id"]


@dataclass
class Exchange:
    """A request, and the connection to answer it on. A behaviour that returns False closes it."""

    request: Received
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    count: int
    """How many came on this path, this one among them."""

    async def say(self, text: bytes) -> None:
        """Sends bytes as they are; fails once the other side has gone."""
        self.writer.write(text)
        # Over TLS, drain alone never yields once the socket under it is lost: an endless answer would keep the loop.
        await asyncio.sleep(0)
        await self.writer.drain()

    async def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Sends a whole answer; `_` in the name of a header stands for a hyphen."""
        lines = [f"HTTP/1.1 {status} As Asked", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.say(("\r\n".join(lines) + "\r\n\r\n").encode() + body)


Behaviour = Callable[[Exchange], Awaitable[bool]]


def always(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers each request with the same."""

    async def answer(exchange: Exchange) -> bool:
        await exchange.answer(status, body, **headers)
        return True

    return answer


async def _slow(exchange: Exchange) -> bool:
    await asyncio.sleep(0.3)
    await exchange.answer(200)
    return True


async def _flapping(exchange: Exchange) -> bool:
    await exchange.answer(200 if exchange.count % 2 == 0 else 500)
    return True


async def _hang(_exchange: Exchange) -> bool:
    await asyncio.sleep(3600)
    return False


async def _half_open(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await asyncio.sleep(3600)
    return False


async def _cut(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    return False


async def _silent(_exchange: Exchange) -> bool:
    return False


async def _huge(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    for _ in range(16_384):
        await exchange.say(PIECE)
    return False


async def _endless_headers(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await exchange.say(b"X-More: " + b"x" * 1000 + b"\r\n")


async def _endless_header(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 200 OK\r\nX-More: ")
    while True:
        await exchange.say(PIECE)


async def _endless_continue(exchange: Exchange) -> bool:
    while True:
        await exchange.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


async def _endless_chunks(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.say((b"1;" + b"x" * 1000 + b"\r\nx\r\n") * 50)


async def _drip(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        await exchange.say(b"x")
        await asyncio.sleep(0.05)


async def _garbage(exchange: Exchange) -> bool:
    await exchange.say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    return False


async def _switch(exchange: Exchange) -> bool:
    await exchange.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: anything\r\nConnection: Upgrade\r\n\r\n")
    return True


async def _challenged(exchange: Exchange) -> bool:
    data = json.loads(exchange.request.body)["data"]
    await exchange.answer(200, json.dumps({"challenge": data.get("challenge")}).encode())
    return True


BEHAVIOURS: Final[dict[str, Behaviour]] = {
    "ok": always(204),
    "challenge": _challenged,
    "slow": _slow,
    "500": always(500, b"an error page"),
    "503": always(503, Retry_After="7"),
    "flapping": _flapping,
    "410": always(410),
    "hang": _hang,
    "half-open": _half_open,
    "cut": _cut,
    "silent": _silent,
    "redirect": always(307, Location="http://127.0.0.1:1/admin"),
    "huge": _huge,
    "endless-headers": _endless_headers,
    "endless-header": _endless_header,
    "endless-continue": _endless_continue,
    "endless-chunks": _endless_chunks,
    "drip": _drip,
    "garbage": _garbage,
    "switch": _switch,
}


@dataclass
class FaultReceiver:
    """The server. `tls`: what it shows; without it, it speaks http."""

    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    """How many were opened so far, whether or not anything was sent on them."""
    port: int = 0
    _turned: dict[str, Behaviour] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _ready: Future[None] = field(default_factory=Future)
    _loop: asyncio.AbstractEventLoop | None = None
    _end: asyncio.Event | None = None
    _thread: threading.Thread | None = None

    def url(self, path: str = "/ok", host: str | None = None) -> str:
        """Where it is; `host`: by another name."""
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def turn(self, path: str, behaviour: str | Behaviour) -> None:
        """From now on this very path behaves so, by a name of `BEHAVIOURS` or by a function."""
        self._turned[path] = BEHAVIOURS[behaviour] if isinstance(behaviour, str) else behaviour

    def at(self, path: str) -> list[Received]:
        """What came on one path, in order."""
        return [request for request in self.received if request.path == path]

    def wait_for(self, count: int, seconds: float = 10.0) -> list[Received]:
        """What came, once it is so many; fails after the seconds."""
        until = time.monotonic() + seconds
        while len(self.received) < count:
            assert time.monotonic() < until, f"{len(self.received)} of {count} came"
            time.sleep(0.005)
        return self.received

    def start(self) -> Self:
        """Listens from now on; again on the same port after `stop`."""
        self._ready = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="receiver", daemon=True)
        self._thread.start()
        self._ready.result(10)
        return self

    def stop(self) -> None:
        """Closes everything, in the middle of whatever it does."""
        assert self._loop is not None
        assert self._end is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the receiver still answers somebody, and would go on beside other tests"

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        open_now: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._connection(reader, writer))
            open_now.add(task)
            task.add_done_callback(open_now.discard)

        try:
            server = await asyncio.start_server(accept, self.host, self.port, ssl=self.tls)
        except OSError as failure:
            self._ready.set_exception(failure)
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set_result(None)
        await self._end.wait()
        server.close()
        for task in [*open_now]:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            with contextlib.suppress(OSError, EOFError):
                while await self._exchange(reader, writer, number):
                    pass
        finally:
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = head[0].split(" ")[1]
        request = Received(path, headers, body, time.time(), number)
        self.received.append(request)
        self._counts[path] = count = self._counts.get(path, 0) + 1
        behaviour = self._turned.get(path) or BEHAVIOURS[path.split("/")[1].partition("?")[0]]
        return await behaviour(Exchange(request, reader, writer, count))


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1") -> Iterator[FaultReceiver]:
    """A receiver for as long as the block lasts."""
    receiver = FaultReceiver(tls, host).start()
    try:
        yield receiver
    finally:
        receiver.stop()
