"""A line to a database that breaks at the worst moment: what was asked is done, and its answer never comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass
class Line:
    """Where it can be reached. While it is `losing`, it breaks the connection of the next answer, and of no other."""

    url: str = ""
    losing: bool = False
    lost: int = 0


@asynccontextmanager
async def losing_answers(url: str) -> AsyncIterator[Line]:
    """A line to the database at this address."""
    place, line, carried = conninfo_to_dict(url), Line(), set[asyncio.Task[None]]()
    host, port = str(place.get("host", "127.0.0.1")), int(place.get("port") or 5432)

    async def carry(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        carried.add(asyncio.current_task())  # type: ignore[arg-type]  # a callback of a server runs in a task
        if host.startswith("/"):
            answers, server = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            answers, server = await asyncio.open_connection(host, port)

        async def ask() -> None:
            while some := await client.read(65_536):
                server.write(some)
            server.close()

        asking = asyncio.create_task(ask())
        try:
            # The server sends all of a short answer at once, after its commit.
            while some := await answers.read(65_536):
                if line.losing:
                    line.losing, line.lost = False, line.lost + 1
                    break
                back.write(some)
        finally:
            asking.cancel()
            server.close()
            back.close()

    listening = await asyncio.start_server(carry, "127.0.0.1", 0)
    line.url = make_conninfo(url, host="127.0.0.1", port=listening.sockets[0].getsockname()[1], sslmode="disable")
    try:
        yield line
    finally:
        listening.close()
        for task in carried:
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await task
