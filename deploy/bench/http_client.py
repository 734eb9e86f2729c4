"""A client of HTTP/1.1 that costs little, so that what it measures is the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """A header, whose name is written in small letters here."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name.encode():
                return value.strip().decode()
        raise LookupError(name)

    def expect(self, status: int) -> Any:
        """Its JSON, if it has the status; raises RuntimeError if it has another."""
        if self.status != status:
            msg = f"{status} was expected, not {self.status}: {self.body[:400]!r}"
            raise RuntimeError(msg)
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One connection that is kept open; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, url: str) -> Connection:
        """A connection to where the URL points."""
        where = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, where.hostname or "", where.port or 80)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    async def send(self, request: bytes) -> Answer:
        """Sends a request and returns the answer. Raises OSError when the connection ends."""
        if self._transport is None or self._transport.is_closing():
            msg = "the connection is closed"
            raise ConnectionError(msg)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._received += data
        head, end, body = self._received.partition(_END)
        if not end or self._answer is None:
            return
        lowered = head.lower()
        at = lowered.find(_LENGTH)
        if at < 0:
            self._answer.set_exception(ConnectionError("an answer without a length"))
            return
        line = lowered[at + len(_LENGTH) :].partition(b"\r\n")[0]
        if len(body) < int(line):
            return
        self._received = b""
        if not self._answer.done():
            self._answer.set_result(Answer(int(head[9:12]), head, body))

    def close(self) -> None:
        """Ends it."""
        if self._transport is not None:
            self._transport.close()


async def events(url: str, request: bytes) -> AsyncGenerator[bytes]:
    """The `data` of the server-sent events of a stream, as they come; the first one is empty: it is connected."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=2**20)
    try:
        writer.write(request)
        head = await reader.readuntil(_END)
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head.decode(errors="replace"))
        yield b""
        rest = b""
        while size := int(await reader.readline(), 16):
            rest += await reader.readexactly(size)
            await reader.readline()
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.startswith(b"data: "):
                    yield line.removeprefix(b"data: ")
    finally:
        writer.close()
