"""The feed as server-sent events (WHATWG HTML, 9.2): what is recorded is pushed within milliseconds.

Nothing is queued for a client. Each has a place in the feed and reads on from there at its own speed, so a slow client
costs one page and a fast one no more. The server closes the connection of a client that takes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from contracts.telling_codes import TellingState, ToldBy
from services.chassis.access.identity import Caller, Unauthenticated
from services.chassis.engines.store_health import Unavailable
from services.chassis.http.problems.problem import ProblemError, response_to
from services.chassis.http.request.cursors import Pages
from services.chassis.http.request.readings import Recording
from services.chassis.http.request.strict_route import is_head
from services.chassis.operating.telemetry import Telemetry
from services.chassis.service import Service
from services.notifications.access import STREAM
from services.notifications.feed_cursors import feed_of
from services.notifications.listeners import Listener, Listeners
from services.notifications.lists import Page, messages_at, page, readers_of
from services.notifications.read_receipts import ReadReceipts

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")

AT_ONCE: Final = 50
RETRY_MILLISECONDS: Final = 2_000
"""How long a client waits before it reconnects: by then a replica that stops is gone, and another leads soon."""
KEPT: Final = 64
"""Pages, and events as they are sent, that are kept for other clients that want the same."""


class EventStream(Response):
    """An answer that lasts until either side ends it: `run` sends it, or a refusal in its place."""

    media_type = "text/event-stream"

    def __init__(self, run: Run, status_code: int = 200) -> None:
        # Proxies must not buffer it, and no cache may store it.
        super().__init__(status_code=status_code, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await self._run(self, scope, receive, send)


Run = Callable[[EventStream, Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """The client of a stream: `authorization` is verified repeatedly, since it expires by the machine's clock.

    `recording` records what is sent, before it is, where the client's readings are on record.
    """

    caller: Caller
    authorization: str
    types: Collection[str] | None
    recording: Recording | None = None


class LiveFeed:
    """Every open stream of the service."""

    def __init__(self, service: Service, telemetry: Telemetry, receipts: ReadReceipts) -> None:
        self._service = service
        self._receipts = receipts
        self._listeners = Listeners(service)
        self._of_organisation: Counter[str] = Counter()
        self._pages: OrderedDict[object, asyncio.Task[Page]] = OrderedDict()
        self._pieces: OrderedDict[tuple[int, ...], asyncio.Task[list[bytes]]] = OrderedDict()
        telemetry.watch("streams", self._of_organisation.total)

    def end(self) -> None:
        """Ends all streams at once, and later ones as soon as they are opened."""
        self._listeners.end()

    def respond(self, subscriber: Subscriber, after: int) -> EventStream:
        """The stream of what the subscriber may see after position `after`; a refusal if too many are open."""

        async def run(answer: EventStream, scope: Scope, receive: Receive, send: Send) -> None:
            if (refusal := self._refusal(subscriber.caller.org)) is not None:
                await response_to(refusal, Request(scope))(scope, receive, send)
                return
            if is_head(scope):
                # A stream has no end to wait for, and this one has not begun.
                await send({"type": "http.response.start", "status": 200, "headers": answer.raw_headers})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            await self._run(answer, subscriber, after, receive, send)

        return EventStream(run)

    def _refusal(self, organisation: str) -> ProblemError | None:
        # In the answer and not in the route: nothing else may happen between this and taking the place.
        settings = self._service.settings
        again = {"Retry-After": "10"}
        if settings.streams and self._of_organisation.total() >= settings.streams:
            detail = "too many streams are open; try again later, or use /v1/feed"
            return ProblemError(503, "TOO_MANY_STREAMS", detail, headers=again)
        if 0 < settings.streams_per_organisation <= self._of_organisation[organisation]:
            detail = (
                f"an organisation may have {settings.streams_per_organisation} streams open; share one, or close one"
            )
            return ProblemError(429, "TOO_MANY_STREAMS_OF_ORGANISATION", detail, headers=again)
        return None

    async def _run(self, answer: EventStream, subscriber: Subscriber, after: int, receive: Receive, send: Send) -> None:
        async def say(piece: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": piece, "more_body": more})

        organisation = subscriber.caller.org
        listener = Listener(readers_of(subscriber.caller, STREAM), subscriber.types, after)
        # Before anything is waited for, so that no more are open than may be. It is given back whatever happens.
        self._of_organisation[organisation] += 1
        leaving: asyncio.Task[None] | None = None
        try:
            await self._listeners.enter(listener)
            leaving = asyncio.create_task(_until_gone(listener, receive))
            await send({"type": "http.response.start", "status": 200, "headers": answer.raw_headers})
            # At once, so that the client knows that it is connected before anything happens. Comments have no blank
            # line behind them: some clients take one for an event without data.
            await say(b"retry: %d\n: connected\n" % RETRY_MILLISECONDS)
            await self._tell(listener, subscriber, say)
            await say(b"", more=False)
        finally:
            if leaving is not None:
                leaving.cancel()
            self._listeners.leave(listener)
            self._of_organisation[organisation] -= 1
            if not self._of_organisation[organisation]:
                del self._of_organisation[organisation]

    async def _tell(self, listener: Listener, subscriber: Subscriber, say: Callable[[bytes], Awaitable[None]]) -> None:
        valid_until = 0.0
        feed = feed_of(self._service, subscriber.caller, subscriber.types)
        self._listeners.spoke(listener)
        while True:
            # Before it looks: what happens meanwhile wakes it again.
            listener.woken.clear()
            if listener.gone or self._listeners.ending:
                return
            if valid_until <= time.monotonic():
                try:
                    valid_until = time.monotonic() + await self._service.verifier.lasts(subscriber.authorization)
                except Unauthenticated:
                    await say(b": the token has expired\n")
                    return
                listener.until = valid_until
            elif listener.news:
                found = await self._page(subscriber, listener.looks())
                listener.has_seen(found.next, more=found.more)
                if found.positions:
                    if not await self._recorded(subscriber, found.positions):
                        await say(b": that you read this cannot be recorded now, so it is not sent; come again\n")
                        return
                    await say(await self._piece(feed, found.positions))
                    self._receipts.note(
                        subscriber.caller, ToldBy.STREAM, TellingState.SENT, subscriber.types, found.positions[-1]
                    )
                    self._listeners.spoke(listener)
            elif self._listeners.is_due(listener):
                await say(b": still here\n")
                self._listeners.spoke(listener)
            else:
                await listener.woken.wait()

    async def _recorded(self, subscriber: Subscriber, positions: tuple[int, ...]) -> bool:
        """Whether it stands in the record, where it has to, that the subscriber reads the events at these positions."""
        if subscriber.recording is None:
            return True
        try:
            await subscriber.recording({"items": await messages_at(self._service.log, positions)})
        except Unavailable:
            return False
        return True

    async def _page(self, subscriber: Subscriber, after: int) -> Page:
        """A page for this caller; many streams of one caller share one look-up while nothing happens."""
        index = self._service.index
        known = await index.through()
        key = (subscriber.caller, subscriber.types and tuple(subscriber.types), after, known)
        return await _once(
            self._pages,
            key,
            lambda: page(
                index, subscriber.caller, STREAM, after=after, limit=AT_ONCE, types=subscriber.types, known=known
            ),
        )

    async def _piece(self, feed: Pages, positions: tuple[int, ...]) -> bytes:
        """The events at these positions as they are sent: each client has its own ids, the rest is read once."""
        events = await self._events(positions)
        return b"".join(
            b"id: %b\n%b" % (str(feed.next(position)).encode(), event)
            for position, event in zip(positions, events, strict=True)
        )

    async def _events(self, positions: tuple[int, ...]) -> list[bytes]:
        return await _once(self._pieces, positions, lambda: self._write(positions))

    async def _write(self, positions: tuple[int, ...]) -> list[bytes]:
        return [_event(message) for message in await messages_at(self._service.log, positions)]


async def _once(
    kept: OrderedDict[Key, asyncio.Task[Found]], key: Key, find: Callable[[], Coroutine[Any, Any, Found]]
) -> Found:
    """What `find` comes to, for everybody who asks by this key while it is kept; a failure is not kept."""
    task = kept.get(key)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        task = kept[key] = asyncio.create_task(find())
        while len(kept) > KEPT:
            kept.popitem(last=False)
    # One client that leaves must not take it away from the others.
    return await asyncio.shield(task)


async def _until_gone(listener: Listener, receive: Receive) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except ProblemError:
        # It sends more than the limit of a body.
        pass
    finally:
        listener.leave()


def _event(message: dict[str, Any]) -> bytes:
    # JSON as it is written here has no line breaks, so one data line holds it.
    return b"event: %b\ndata: %b\n\n" % (message["type"].encode(), to_json(message))
