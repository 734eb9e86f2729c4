"""Plain requests of the busiest routes, answered before the framework looks at them.

Walking through the framework's layers, finding the route and solving its parameters cost more than deciding and
storing what was asked (measured: docs/decisions/0004-group-commit.md). A route may therefore have a reading of its own
for what most clients send; every other request to it, and the document, is the framework's as for any route.
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.http.problems.translation import EXPECTED, answer_to, last_resort
from services.chassis.http.request.all_faults import of_input
from services.chassis.http.request.content_length import declared_length
from services.chassis.operating.request_notes import notes_of
from services.chassis.operating.telemetry import Telemetry

Reading = Callable[[Request, bytes], Awaitable[Response | None]]
"""Answers a plain request with this body; None for any other, before anything has happened. Raises as a route may."""


@dataclass(frozen=True, slots=True)
class PlainRoute:
    """A route without parameters in its path, and the reading of its plain requests: those without a query."""

    method: str
    path: str
    reading: Reading


class PlainRequests:
    """Asks a route's own reading first, and the application behind it for all else.

    What it answers itself it counts and logs itself, and bounds and refuses as the application's layers do.
    """

    def __init__(
        self,
        app: FastAPI,
        behind: ASGIApp,
        routes: Mapping[tuple[str, str], PlainRoute],
        limit: int,
        telemetry: Telemetry,
    ) -> None:
        self._app = app
        self._behind = behind
        self._routes = routes
        self._limit = limit
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        # A body without a length is for those to count who bound it.
        if route is None or scope["query_string"] or not 0 < (declared_length(scope) or 0) <= self._limit:
            await self._behind(scope, receive, send)
            return
        started = time.perf_counter()
        scope["app"] = self._app
        notes = notes_of(scope)
        try:
            body = await _whole(receive)
            answer = await self._answer(route, Request(scope), body)
            if answer is not None:
                answer.raw_headers.append(notes.header)
                await answer(scope, receive, send)
        except (ClientDisconnect, CancelledError) as gone:
            self._telemetry.request(route.method, route.path, 499, time.perf_counter() - started, notes)
            if isinstance(gone, CancelledError):
                raise
            return
        if answer is None:
            await self._behind(scope, _again(body, receive), send)
            return
        self._telemetry.request(route.method, route.path, answer.status_code, time.perf_counter() - started, notes)

    @staticmethod
    async def _answer(route: PlainRoute, request: Request, body: bytes) -> Response | None:
        try:
            return await route.reading(request, body)
        except EXPECTED as error:
            # What else is wrong with it is the framework's to find out.
            return None if of_input(error) is not None else answer_to(error, request)
        except Exception as error:  # noqa: BLE001 - the edge is where failures end
            return last_resort(error, request)


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
