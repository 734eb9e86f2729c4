"""The event stream cut off anywhere, and the feed in small pages, while writes go on: nothing lost, no id twice."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.faults.caller import Caller
from tests.faults.conftest import Start
from tests.faults.load import Clients
from tests.faults.processes import Program
from tests.support.people import LOTTE
from tests.support.repetitions import times

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

CUTS: Final = times(1000)
PAGE: Final = 7
CLIENTS: Final = 2
REST_SECONDS: Final = 0.05
MOST_BYTES: Final = 12_000
"""Of one connection, which is some events."""
SILENCE_SECONDS: Final = 0.5
"""A connection on which nothing comes for so long is cut off too."""


class Listener:
    """Reads the stream over connections that break at any byte, as a client does that only knows what came whole."""

    def __init__(self, people: Caller, chance: random.Random) -> None:
        self.heard: list[str] = []
        self.cuts = 0
        self.within = 0
        """How many of the cuts were within an event."""
        self._people = people
        self._chance = chance
        self._cursor: str | None = None

    async def listen(self) -> None:
        """Over one connection, which it cuts off."""
        host, port = self._people.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = ["GET /v1/stream HTTP/1.1", f"Host: {host}", f"Authorization: {self._bearer}"]
        if self._cursor is not None:
            head.append(f"Last-Event-ID: {self._cursor}")
        writer.write("\r\n".join([*head, "", ""]).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        came, most = b"", self._chance.randint(1, MOST_BYTES)
        try:
            while len(came) < most:
                piece = await asyncio.wait_for(reader.read(most - len(came)), SILENCE_SECONDS)
                assert piece, "the server ended the stream"
                came += piece
        except TimeoutError:
            pass
        writer.transport.abort()
        self.cuts += 1
        self._take(_body(came))

    @property
    def _bearer(self) -> str:
        return self._people.headers(LOTTE)["Authorization"]

    def _take(self, body: bytes) -> None:
        *whole, rest = body.split(b"\n\n")
        self.within += b"id: " in rest
        for event in whole:
            fields = dict(line.split(": ", 1) for line in event.decode().split("\n") if not line.startswith(":"))
            self.heard.append(json.loads(fields["data"])["id"])
            self._cursor = fields["id"]


def _body(came: bytes) -> bytes:
    """What has come of a chunked body, the last chunk as far as it came."""
    body = b""
    while b"\r\n" in came:
        size, came = came.split(b"\r\n", 1)
        body += came[: int(size, 16)]
        came = came[int(size, 16) + 2 :]
    return body


class Pager:
    """Reads the feed page by page."""

    def __init__(self, people: Caller) -> None:
        self.read: list[str] = []
        self._people = people
        self._cursor: dict[str, str] = {}

    async def page(self) -> int:
        """Reads on; how many there were."""
        page: dict[str, Any] = await self._people.read(LOTTE, "/v1/feed", limit=PAGE, **self._cursor)
        assert len(page["items"]) <= PAGE
        self.read += [item["id"] for item in page["items"]]
        if page["next"] is not None:
            self._cursor = {"after": page["next"]}
        return len(page["items"])


@pytest.mark.timeout(times(3000))
async def test_a_stream_that_is_cut_off_and_a_feed_in_small_pages_lose_and_repeat_nothing(
    program: Start, caller: Callable[[Program], Caller]
) -> None:
    """Both have, while others write and when they are done, what the feed holds: each id once, in its order."""
    serving = program("serve", "all", processes="2")
    await serving.start()
    chance = random.Random(random.getrandbits(32))
    async with caller(serving) as people:
        await people.set_the_scene()
        clients, listener, pager = Clients(people, chance, REST_SECONDS), Listener(people, chance), Pager(people)
        working = asyncio.create_task(clients.work(CLIENTS))
        pages = 0
        while listener.cuts < CUTS:
            assert not working.done(), working.result()
            await listener.listen()
            pages += await pager.page() > 0
        clients.end()
        await working
        await people.settled()
        events, _ = await people.feed(LOTTE)
        wanted = [event["id"] for event in events]
        while await pager.page() == PAGE:
            pass
        async with asyncio.timeout(60):
            while listener.heard[-1:] != wanted[-1:]:
                await listener.listen()
        assert pager.read == wanted
        assert listener.heard == wanted
        assert len(set(wanted)) == len(wanted) > 2 * PAGE
        # Else nothing was cut off in the middle, and no page was read while others wrote.
        assert listener.within > CUTS // 10
        assert pages > CUTS // 10
    await serving.stop()
