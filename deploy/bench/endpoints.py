"""Endpoints of webhooks that acknowledge whatever comes, and remember when it came: a program of its own.

It listens on a free port of the loopback address, which it prints. `POST /hooks/…` is what a subscription is told, a
challenge is answered; `POST /bare/…` is what the bare loop sends. `GET /found` answers both, by the referral that a
submission is about, with the moments of the machine's monotonic clock; and the bodies of submissions that came.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Final, Self

import uvloop
from pydantic import TypeAdapter

from deploy.bench.http_client import Connection
from deploy.bench.requests import SUBMITTED, request

CHALLENGE: Final = "org.caserelay.subscription.verification.v1"
MOST_BODIES: Final = 1000
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


class _Found:
    """What came: moments by referral, of both kinds of paths, and bodies."""

    def __init__(self) -> None:
        self.hooks = dict[str, float]()
        self.bare = dict[str, float]()
        self.bodies = list[str]()

    def take(self, path: str, body: bytes) -> bytes:
        """Notes a request; what it is answered with."""
        came = time.monotonic()
        if path == "/found":
            return json.dumps({"hooks": self.hooks, "bare": self.bare, "bodies": self.bodies}).encode()
        event = json.loads(body)
        if event["type"] == CHALLENGE:
            return json.dumps({"challenge": event["data"]["challenge"]}).encode()
        if path.startswith("/bare/"):
            self.bare[path.removeprefix("/bare/")] = came
        elif event["type"] == SUBMITTED:
            self.hooks.setdefault(event["data"]["referral"], came)
            if len(self.bodies) < MOST_BODIES:
                self.bodies.append(body.decode())
        return b"{}"


class _Endpoint(asyncio.Protocol):
    """One connection."""

    def __init__(self, found: _Found) -> None:
        self._found = found
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._received += data
        while (parted := self._received.partition(_END))[1]:
            head, _, rest = parted
            lines = head.lower().split(b"\r\n")
            length = next((int(line[len(_LENGTH) :]) for line in lines if line.startswith(_LENGTH)), 0)
            if len(rest) < length:
                return
            self._received = rest[length:]
            answer = self._found.take(head.split(b" ", 2)[1].decode(), rest[:length])
            if self._transport is not None:
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))


async def _serve() -> None:
    found = _Found()
    server = await asyncio.get_running_loop().create_server(lambda: _Endpoint(found), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


_FOUND: Final = TypeAdapter(dict[str, Any])


class Endpoints:
    """The program, while it is entered; `url` is where it listens."""

    def __enter__(self) -> Self:
        """Starts it."""
        command = [sys.executable, "-m", "deploy.bench.endpoints"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        said = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not said:
            raise RuntimeError("the endpoints did not start")
        self.url = f"http://127.0.0.1:{int(said)}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


async def found_at(url: str) -> dict[str, Any]:
    """What the endpoints there have found."""
    connection = await Connection.open(url)
    answer = await connection.send(request("GET", "/found", ""))
    connection.close()
    return _FOUND.validate_json(answer.body)


async def delays(url: str, of: str, due: dict[str, float], within: float) -> list[float]:
    """Milliseconds from when each was due until it came there, once all have. Raises RuntimeError if one does not."""
    until = time.monotonic() + within
    while missing := due.keys() - (came := (await found_at(url))[of]).keys():
        if time.monotonic() > until:
            raise RuntimeError(f"{len(missing)} of {len(due)} did not come to their endpoint")
        await asyncio.sleep(0.1)
    return [1000 * (came[one] - at) for one, at in due.items()]


if __name__ == "__main__":
    uvloop.run(_serve())
