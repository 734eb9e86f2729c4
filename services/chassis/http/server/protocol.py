"""One HTTP/1.1 connection: uvicorn's, which takes as much as a client likes to send, with limits.

The parser joins the pieces of a header one by one, which is quadratic, so bytes are counted as they arrive and the
rest of what is too much is never parsed. What counts is what is neither a whole head nor body: request line, headers,
and everything else that a client may go on and on with, such as empty lines, extensions of chunks and trailers.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.chassis.operating.telemetry import Limit

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn._types import ASGI3Application
    from uvicorn.server import ServerState

    from services.chassis.http.server.connections import Connections
    from services.chassis.http.server.refused_connections import Refusal

MOST_PIPELINED: Final = 16
"""Requests that may wait behind the one that is being answered."""
LINGER_SECONDS: Final = 5.0
LINGER_BYTES: Final = 1 << 26
"""How long, and for how much, a refused client is listened to: closed while it still sends, a connection is reset, and
the client may never read why."""
PATIENCE_SECONDS: Final = 2.0
"""A body of which nothing came for so long makes room where room is needed, and so does an answer that nobody takes."""
_FRAMING: Final = (b"content-length", b"transfer-encoding")


class _TooMuch(Exception):  # noqa: N818 - raised through the parser, which stops at it
    pass


class Connection(HttpToolsProtocol):
    """See HttpToolsProtocol. `look` is called about once a second, for all that takes too long."""

    def __init__(
        self,
        everyone: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._everyone = everyone
        self._limits = everyone.settings
        self._refused_by: Refusal | None = None
        # Between two messages, or in a head: what comes is a head. `_begun`: something of it has come.
        self._in_head = True
        self._begun = False
        self._body_begun = False
        self._retelling = False
        self.url = b""
        self._loose = 0
        self._since = self._heard = self._taken = everyone.now
        self._unsent = 0
        self._at_work: RequestResponseCycle | None = None
        # Deaf: what still comes is thrown away. Leaving: and there is nothing more to be done.
        self._deaf = self._leaving = False
        self._discarded = 0

    # What the transport tells

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Takes the connection in, or refuses it before it has said anything."""
        super().connection_made(transport)
        self._since = self._heard = self._everyone.now = self.loop.time()
        refusal = self._everyone.admit(self, transport.get_extra_info("peername"))
        if refusal is not None:
            self._refuse(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gives its place free."""
        self._everyone.gone(self)
        # uvicorn tells the newest request; an older one that is at work would go on for nobody.
        if self._at_work is not None and not self._at_work.response_complete:
            self._at_work.disconnected = True
            self._at_work.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses no more than the limits allow."""
        if self._deaf:
            self._discarded += len(data)
            if self._discarded > LINGER_BYTES:
                self.transport.abort()
            return
        self._heard = self.loop.time()
        if self._in_head and not self._begun:
            self._begun = True
            self._since = self._heard
        if self._loose + len(data) <= self._limits.header_limit:
            self._loose += len(data)
            self._parse(data)
            return
        start = 0
        while start < len(data) and not self._deaf:
            room = self._limits.header_limit - self._loose
            if room <= 0:
                self._refuse(self._too_much())
                return
            piece = data[start : start + room]
            start += len(piece)
            self._loose += len(piece)
            self._parse(piece)

    def _too_much(self) -> Refusal:
        refusals = self._everyone.refusals
        if not self._in_head:
            return refusals.too_much_between
        return refusals.address_too_long if 2 * len(self.url) > self._loose else refusals.headers_too_large

    def resume_writing(self) -> None:
        """The client has taken something."""
        self._taken = self._everyone.now
        super().resume_writing()

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                data = self._feed(data)
            except httptools.HttpParserError:
                self._refuse(self._refused_by or self._everyone.refusals.malformed)
                return

    def _feed(self, data: bytes) -> bytes:
        """Parses; what is left of it where the parser stops at an offer."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Nothing is spoken here but HTTP/1.1, and anyone who offers something else goes on with that.
            if not self._in_head:
                self._go_on_without_offer()
            return data[upgrade.args[0] :]
        return b""

    def _framing(self) -> bytes:
        return b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] in _FRAMING)

    def _go_on_without_offer(self) -> None:
        # The parser takes a body behind an offer, and behind CONNECT, for another protocol: it would come back as a
        # request. Another parser is told of a request with such a body and no offer.
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._retelling = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % self._framing())
        self._retelling = False

    # What the parser tells

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._retelling:
            self._body_begun = False
            super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header; what comes behind a body is none, and must not become one."""
        if not self._in_head:
            return
        if len(self.headers) >= self._limits.headers:
            self._refused_by = self._everyone.refusals.too_many_headers
            raise _TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        if self._retelling:
            return
        self._in_head = self._begun = False
        self._loose = 0
        if len(self.pipeline) >= MOST_PIPELINED:
            self._refused_by = self._everyone.refusals.pipelined
            raise _TooMuch
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body is there."""
        self._body_begun = True
        self._loose = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next byte begins another request."""
        if self.parser.should_upgrade() and self._framing():
            # The parser means the head: see `_go_on_without_offer`.
            return
        self._in_head = True
        self._loose = 0
        super().on_message_complete()

    # What the answer tells

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._at_work = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """As uvicorn has it, without a timer for each request, and without reading on while requests wait."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.cycle.more_body and self.expect_100_continue and not self._body_begun:
            # Its body may still come, or not: nobody could tell it from the next request.
            self.transport.close()
        else:
            self.flow.resume_reading()

    # What takes too long

    @property
    def _newest(self) -> RequestResponseCycle | None:
        """The newest request whose head is there: until the first one none, whatever uvicorn's types say."""
        return self.cycle

    def waits_since(self) -> float | None:
        """Since when the connection waits for its client to send a request or to take an answer; None if not."""
        newest = self._newest
        if self._unsent:
            return self._if_long_ago(self._last_sign(newest))
        if self.pipeline:
            return None
        if newest is None or newest.response_complete:
            return self._since
        reading = not self.flow.read_paused and not newest.waiting_for_100_continue
        return self._if_long_ago(self._heard) if newest.more_body and not newest.response_started and reading else None

    def _if_long_ago(self, since: float) -> float | None:
        return since if self._everyone.now - since > PATIENCE_SECONDS else None

    def _last_sign(self, newest: RequestResponseCycle | None) -> float:
        """When the client last took something. Who sends a body before reading the answer, lives; a head is no sign."""
        return max(self._taken, self._heard) if newest is not None and newest.more_body else self._taken

    def make_room(self) -> None:
        """Ends a connection that `waits_since`."""
        newest = self._newest
        if self._unsent:
            self._everyone.count(Limit.MADE_ROOM)
            self._leave()
            self.transport.abort()
        elif self._begun or (newest is not None and not newest.response_complete):
            self._refuse(self._everyone.refusals.made_room)
        else:
            self._end(Limit.MADE_ROOM)

    def look(self, now: float) -> None:
        """Ends the connection if its time is over."""
        newest = self._newest
        if self._leaving:
            if now - self._since > LINGER_SECONDS:
                self.transport.abort()
            return
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self._look_at_answer(now, newest)
            return
        self._unsent = 0
        if newest is None or (newest.response_complete and not self.pipeline):
            self._look_at_silence(now, self._limits.header_seconds if newest is None else self._limits.idle_seconds)
        elif newest.more_body:
            self._look_at_body(now, newest)

    def _look_at_answer(self, now: float, newest: RequestResponseCycle | None) -> None:
        # Little can be added meanwhile, so a length that stays says that nothing was taken.
        unsent = self.transport.get_write_buffer_size() + _in_the_system(self.transport)
        if unsent != self._unsent:
            self._unsent, self._taken = unsent, now
        elif now - self._last_sign(newest) > self._limits.answer_seconds:
            self._everyone.count(Limit.ANSWER_SECONDS)
            self.transport.abort()

    def _look_at_silence(self, now: float, longest: float) -> None:
        if self._begun:
            if now - self._since > self._limits.header_seconds:
                self._refuse(self._everyone.refusals.headers_too_slow)
        elif now - self._since > longest:
            self._end(Limit.IDLE_SECONDS)

    def _look_at_body(self, now: float, request: RequestResponseCycle) -> None:
        if self.flow.read_paused or request.waiting_for_100_continue:
            # It is we who do not read.
            self._heard = now
        elif now - self._heard > self._limits.body_seconds:
            self._refuse(self._everyone.refusals.body_stopped)

    def _end(self, limit: Limit) -> None:
        self._everyone.count(limit)
        if self._leave():
            self.transport.close()
        else:
            self.transport.abort()

    def _refuse(self, refusal: Refusal) -> None:
        self._everyone.count(refusal.limit)
        newest = self._newest
        at_work = None if newest is None or newest.response_complete else newest
        if at_work is not None and not at_work.more_body and not self.pipeline:
            # What is wrong came behind a request that is at work: that one is answered, and nothing after it.
            self._deaf = True
            at_work.keep_alive = False
            return
        stuck = self.transport.get_write_buffer_size() > 0
        reads_on = self._leave()
        if at_work is not None:
            # The application is told that its client has left; what it still says reaches nobody.
            at_work.disconnected = True
            at_work.message_event.set()
        if self.pipeline or (at_work is not None and at_work.response_started) or (stuck and not reads_on):
            self.transport.abort()
            return
        headers = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        noted = self._everyone.record_refusal(refusal, getattr(at_work, "scope", None))
        self.transport.write(STATUS_LINE[refusal.status] + headers + noted + refusal.answer)
        if reads_on and self.transport.can_write_eof():
            self.flow.resume_reading()
            self.transport.write_eof()
        else:
            self.transport.close()

    def _leave(self) -> bool:
        self._leaving = self._deaf = True
        self._since = self._everyone.now
        return self._everyone.leave(self)


def _in_the_system(transport: asyncio.Transport) -> int:
    """Bytes that were sent and that the client's side has not acknowledged.

    There may be millions of them, and the transport hears of it only when a third is gone: a client that reads slowly
    would seem to read nothing.
    """
    try:
        waiting = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return 0
    return int.from_bytes(waiting, sys.byteorder)
