"""Sends an event to an endpoint, once, and says what came of it. It decides neither whether nor when to try again."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import h11
import httpcore

from services.notifications.webhooks.addresses import Networks
from services.notifications.webhooks.connections import Connection, Connections
from services.notifications.webhooks.guard import BadUrl, Destination, destination
from services.notifications.webhooks.metering import TooLarge
from services.notifications.webhooks.pinning import RefusedAddress, Resolve, SystemResolver, Unresolved
from services.notifications.webhooks.signing import Secret, signed_headers

ALL_SECONDS: Final = 15.0
"""For everything: the name, the connection, TLS, the request and the whole answer."""
BODY_LIMIT: Final = 65_536
"""Bytes of an answer's body that are read; the status counts although more would come."""
_HEADERS_AND_FRAMES: Final = 131_072
"""Bytes of an answer that may come beside those of its body. h11 takes at most 100 KiB of headers at a time."""
LONGEST_RETRY_AFTER: Final = 86_400.0
"""Seconds: a day, after which an endpoint is asked again, whatever it answered."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint: where it is, what its deliveries are signed with (the newest first), and a header of its own."""

    url: str = field(repr=False)
    secrets: Sequence[Secret]
    header: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A body and its id. `at` is the moment of the attempt in seconds since 1970, by the machine's clock."""

    id: str
    body: bytes = field(repr=False)
    content_type: str = "application/cloudevents+json"
    at: int = 0
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt.

    `error` is None where the endpoint answered with any status but a redirect; otherwise TIMEOUT, UNRESOLVED,
    REFUSED_ADDRESS, REFUSED_URL, CONNECTION, TLS, PROTOCOL (what it sent is not HTTP), TOO_LARGE (its headers), or
    REDIRECT. `digest` is the SHA-256 of `body`, in hexadecimal, and `body` at most `BODY_LIMIT` bytes.
    `retry_after`: seconds, at most a day.
    """

    status: int | None
    error: str | None
    latency_ms: int
    digest: str | None = None
    body: bytes = field(default=b"", repr=False)
    retry_after: float | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the endpoint has taken the event: 2xx, and its answer came whole, or as much of it as is read."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


@dataclass(slots=True)
class _Heard:
    """What is known of an answer while it comes."""

    status: int | None = None
    retry_after: float | None = None
    body: bytearray = field(default_factory=bytearray)


class Sender:
    """Sends to any endpoint; none waits for another one. Used from one event loop.

    `allow`: networks beyond the public ones (`CASERELAY_WEBHOOK_ALLOW`). `trust`: what certificates are checked
    against; without it, those of the system. `resolve`: who is asked for addresses, and `network`: what connects to
    them; without either, the system. `seconds`: how long an attempt may take.
    """

    def __init__(
        self,
        allow: Networks = (),
        *,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        seconds: float = ALL_SECONDS,
    ) -> None:
        self._allow = allow
        self._seconds = seconds
        self._connections = Connections(
            allow,
            SystemResolver() if resolve is None else resolve,
            trust,
            httpcore.AnyIOBackend() if network is None else network,
        )

    async def send(self, target: Target, event: Outgoing) -> Answer:
        """One attempt. It raises nothing for what an endpoint does, and ends within the seconds."""
        began = time.monotonic()
        heard = _Heard()
        error: str | None = None
        try:
            async with asyncio.timeout(self._seconds):
                await self._exchange(target, event, heard)
        except (TimeoutError, httpcore.TimeoutException):
            error = "TIMEOUT"
        except BadUrl:
            error = "REFUSED_URL"
        except RefusedAddress:
            error = "REFUSED_ADDRESS"
        except Unresolved:
            error = "UNRESOLVED"
        except TooLarge:
            error = "TOO_LARGE"
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as failure:
            error = _code_of(failure)
        if error is None and heard.status is not None and 300 <= heard.status < 400:
            error = "REDIRECT"
        return Answer(
            status=heard.status,
            error=error,
            latency_ms=round((time.monotonic() - began) * 1000),
            digest=None if heard.status is None else hashlib.sha256(heard.body).hexdigest(),
            body=bytes(heard.body),
            retry_after=heard.retry_after,
        )

    async def close(self) -> None:
        """Closes idle connections; what is under way goes on."""
        await self._connections.close()

    async def _exchange(self, target: Target, event: Outgoing, heard: _Heard) -> None:
        where = destination(target.url, self._allow)
        connection = await self._connections.take(target.url, where)
        try:
            await self._ask(connection, where, _headers(where, target, event), event, heard)
        except BaseException:
            await connection.http.aclose()
            raise
        await self._connections.give_back(connection)

    async def _ask(
        self,
        connection: Connection,
        where: Destination,
        headers: list[tuple[bytes, bytes]],
        event: Outgoing,
        heard: _Heard,
    ) -> None:
        connection.meter.allow(BODY_LIMIT + _HEADERS_AND_FRAMES)
        scheme = b"https" if where.https else b"http"
        url = httpcore.URL(scheme=scheme, host=where.host.encode(), port=where.port, target=where.target)
        response = await connection.http.handle_async_request(
            httpcore.Request(b"POST", url, headers=headers, content=event.body)
        )
        try:
            heard.status = response.status
            if response.status < 200:
                # It would speak another protocol from here on.
                raise httpcore.RemoteProtocolError
            heard.retry_after = retry_after(response.headers, event.at)
            async for piece in response.aiter_stream():
                heard.body += piece[: BODY_LIMIT - len(heard.body)]
                if len(heard.body) == BODY_LIMIT:
                    break
        finally:
            await response.aclose()


def _headers(where: Destination, target: Target, event: Outgoing) -> list[tuple[bytes, bytes]]:
    headers = {
        "Host": where.host_header,
        "User-Agent": "Caserelay",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": event.content_type,
        "Content-Length": str(len(event.body)),
        **signed_headers(event.id, event.at, event.body, target.secrets),
    }
    if event.traceparent is not None:
        headers["traceparent"] = event.traceparent
    if target.header is not None:
        name, value = target.header
        headers[name] = value
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


def retry_after(headers: Sequence[tuple[bytes, bytes]], now: float) -> float | None:
    """The seconds that an answer asks to wait, by `Retry-After` in either form (RFC 9110, 10.2.3).

    None: it asks for nothing that can be read. `now` in seconds since 1970.
    """
    text = next((value for name, value in headers if name.lower() == b"retry-after"), b"").decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        # More digits than any number of seconds has, and int() is asked for none of them.
        return min(float(text[:12]), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError, TypeError):
        # The library is strict about what it raises for some texts only.
        return None
    seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() - now
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _code_of(failure: BaseException) -> str:
    causes = tuple(_causes(failure))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "TLS"
    if any(isinstance(cause, h11.RemoteProtocolError) and cause.error_status_hint == 431 for cause in causes):
        return "TOO_LARGE"
    # An endpoint that closes without a word has broken the connection, not the protocol.
    silent = isinstance(failure, httpcore.RemoteProtocolError) and "disconnected" in str(failure)
    return "PROTOCOL" if isinstance(failure, httpcore.ProtocolError) and not silent else "CONNECTION"


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__
