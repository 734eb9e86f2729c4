"""The feed as server-sent events (WHATWG HTML, 9.2): what is recorded is pushed within milliseconds.

Nothing is queued for a client. Each one has a place in the feed and reads on from there at its own speed, so a slow
client costs one page and a fast one nothing more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from services.chassis.http.positions import cursor
from services.chassis.identity import Caller, Unauthenticated
from services.chassis.service import Service
from services.notifications.access import STREAM
from services.notifications.reading import messages_at
from services.notifications.views import page

AT_ONCE: Final = 50
STUCK_SECONDS: Final = 30.0
"""A client that takes nothing for so long is let go; it may come back and resume."""


class EventStream(StreamingResponse):
    """An answer that goes on until either side ends it."""

    media_type = "text/event-stream"

    async def stream_response(self, send: Send) -> None:
        """See StreamingResponse; in addition, a client that is stuck ends it."""

        async def promptly(message: Message) -> None:
            async with asyncio.timeout(STUCK_SECONDS):
                await send(message)

        with suppress(TimeoutError):
            await super().stream_response(promptly)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who listens: `authorization` is verified again and again, since it expires by the machine's clock."""

    caller: Caller
    authorization: str
    types: Collection[str] | None


class LiveFeed:
    """Every open stream of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Ends all streams at once, and those that are opened from now on as soon as they are."""
        self._ending.set()

    def respond(self, subscriber: Subscriber, after: int) -> EventStream:
        """The stream of what the subscriber may see behind position `after`."""
        # Proxies must not hold back what has come; nobody may keep it.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return EventStream(self._events(subscriber, after), headers=headers)

    async def _events(self, subscriber: Subscriber, after: int) -> AsyncIterator[bytes]:
        # At once, so that the client knows that it is connected before anything happens. Comments have no blank line
        # behind them: some clients take one for an event without data.
        yield b": connected\n"
        said_at = time.monotonic()
        while not self._ending.is_set():
            if not await self._still_valid(subscriber):
                yield b": the token has expired\n"
                return
            index = self._service.index
            known = index.through()
            found = page(index, subscriber.caller, STREAM, after=after, limit=AT_ONCE, types=subscriber.types)
            after = found.next
            if found.positions:
                messages = await messages_at(self._service.log, found.positions)
                yield b"".join(
                    _event(position, message) for position, message in zip(found.positions, messages, strict=True)
                )
                said_at = time.monotonic()
            # Counted from the last word to this client: what goes on for others is no sign of life.
            elif (left := said_at + self._service.settings.heartbeat_seconds - time.monotonic()) > 0:
                await self._moved(known, left)
            else:
                yield b": still here\n"
                said_at = time.monotonic()

    async def _still_valid(self, subscriber: Subscriber) -> bool:
        try:
            await self._service.verifier.authenticate(subscriber.authorization)
        except Unauthenticated:
            return False
        return True

    async def _moved(self, known: int, seconds: float) -> None:
        """Returns when the index has gone beyond `known` or the streams end, at the latest after so many seconds."""
        waiting = [
            asyncio.ensure_future(self._service.projection.wait_through(known + 1)),
            asyncio.ensure_future(self._ending.wait()),
        ]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()


def _event(position: int, message: dict[str, Any]) -> bytes:
    # JSON as it is written here has no line breaks, so one data line holds it.
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor(position).encode(), message["type"].encode(), to_json(message))
