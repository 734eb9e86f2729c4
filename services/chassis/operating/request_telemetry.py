"""The middleware that counts, times and logs every request, and gives each answer its place in a trace."""

from __future__ import annotations

import time
from asyncio import CancelledError
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.operating.request_notes import notes_of

if TYPE_CHECKING:
    from services.chassis.operating.telemetry import Telemetry


class RequestTelemetry:
    """ASGI middleware that hands every HTTP request to a `Telemetry` when it is over."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        notes = notes_of(scope)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), notes.header]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except CancelledError:
            status = 499  # the client went away, as nginx counts it
            raise
        finally:
            self._telemetry.request(scope["method"], _route(scope), status, time.perf_counter() - started, notes)


def _route(scope: Scope) -> str:
    # The router writes down which route matched; an unmatched path is whatever somebody typed.
    return getattr(scope.get("route"), "path", None) or "unmatched"
