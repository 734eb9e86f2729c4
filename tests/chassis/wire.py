"""A real server with limits over a small application, and clients that send bytes as they like."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self

from starlette.types import Receive, Scope, Send

from contracts.problem import Problem
from services.chassis.operating.telemetry import Limit, Telemetry
from services.chassis.settings import Settings
from services.serve import Server

LONG: Final = 60_000
"""Bytes of the answer to `/long`: not so many that the application has to wait."""
AT_ONCE: Final = {"/long": (200, b"x" * LONG), "/enough": (413, b"")}
"""What is answered without reading more of the body than its beginning."""


@dataclass
class Answer:
    """An HTTP answer as it was read, with the names of its headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self, status: int, code: str) -> Problem:
        """The refusal that it has to be."""
        assert (self.status, self.headers["content-type"]) == (status, "application/problem+json"), self.body
        told = Problem.model_validate_json(self.body)
        assert (told.status, told.code) == (status, code)
        return told


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, sent: bytes) -> Self:
        """Sends bytes, as far as the server takes them."""
        self.writer.write(sent)
        with suppress(ConnectionError):
            await self.writer.drain()
        return self

    async def ask(self, path: str = "/ok", method: str = "GET", *headers: str, body: bytes = b"") -> Self:
        """Sends a request."""
        return await self.send(request(path, method, *headers) + body)

    async def answer(self, within: float = 10.0) -> Answer:
        """The next answer. Raises IncompleteReadError or ConnectionError where none comes."""
        async with asyncio.timeout(within):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:] if one)
            }
            if "transfer-encoding" not in headers:
                body = await self.reader.readexactly(int(headers.get("content-length", "0")))
                return Answer(int(head[0].split()[1]), headers, body)
            body = b""
            while size := int((await self.reader.readline()) or b"0", 16):
                body += await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
            return Answer(int(head[0].split()[1]), headers, body)

    async def is_ended(self, within: float = 10.0) -> bytes:
        """What still comes until the server ends the connection."""
        async with asyncio.timeout(within):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    @property
    def open(self) -> bool:
        """Whether nothing has come and the connection is there."""
        return not self.reader.at_eof() and self.reader.exception() is None

    def close(self) -> None:
        """Goes away."""
        self.writer.close()


def request(path: str = "/ok", method: str = "GET", *headers: str) -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@dataclass
class Wire:
    """The server at work. `at_work` requests of `/wait` are there, and `go_on` lets them end."""

    settings: Settings
    telemetry: Telemetry
    server: Server
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: int = 0
    clients: list[Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    async def connect(self, address: str = "127.0.0.1", **more: Any) -> Client:
        """A new connection, from an address of this machine."""
        opened = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0), **more)
        self.clients.append(Client(*opened))
        return self.clients[-1]

    def refused(self, limit: Limit) -> int:
        """How often a limit was met, as the metrics say."""
        return int(
            self.telemetry.registry.get_sample_value("caserelay_connection_limits_total", {"limit": limit.value}) or 0
        )

    @property
    def open(self) -> int:
        """How many connections are open, as the metrics say."""
        return int(self.telemetry.registry.get_sample_value("caserelay_open", {"what": "connections"}) or 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application."""
        match scope["path"]:
            case "/lines":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                async for piece in _pieces(receive):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            case "/big":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                while not self.go_on.is_set():
                    await asyncio.sleep(0)
                    await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
                return
            case "/long" | "/enough":
                await receive()
                await _answer(send, *AT_ONCE[scope["path"]])
                return
            case "/wait" | "/gone":
                self.at_work += 1
                waiting = [asyncio.ensure_future(self.go_on.wait()), asyncio.ensure_future(_until_gone(receive))]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for one in waiting:
                    one.cancel()
                self.at_work -= 1
            case "/patient":
                await asyncio.sleep(4 * self.settings.body_seconds)
        said: Any = {}
        if scope["path"] != "/unread":
            said["length"] = sum([len(piece) async for piece in _pieces(receive)]) if scope["method"] == "POST" else 0
        said["headers"] = [name.decode() for name, _ in scope["headers"]]
        await _answer(send, 200, json.dumps(said).encode())


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Wire]:
    """The server, with these settings, until the block ends."""
    telemetry = Telemetry()
    told = Settings(stop_seconds=1, **settings)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await wire(scope, receive, send)

    wire = Wire(told, telemetry, Server(app, told, telemetry, lambda: None, port=0, lifespan="off"))
    serving = asyncio.create_task(wire.server.serve())
    try:
        while not wire.server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.005)
        yield wire
    finally:
        wire.go_on.set()
        for client in wire.clients:
            client.close()
        wire.server.should_exit = True
        await serving


async def until(wire: Wire, at_work: int) -> None:
    """Returns once so many requests are at work."""
    async with asyncio.timeout(30):
        while wire.at_work != at_work:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


async def is_well(wire: Wire, address: str = "127.0.0.1") -> None:
    """Somebody else is answered all the same."""
    client = await (await wire.connect(address)).ask("/ok", "GET", "Connection: close")
    assert (await client.answer(within=2)).status == 200
