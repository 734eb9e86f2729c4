"""Plain requests of the busiest routes, answered before the framework looks at them.

Finding the route, solving its parameters and leaving its contexts costs the framework more than deciding and storing
what was asked (measured: docs/decisions/0004-group-commit.md). A route may therefore have a reading of its own for
what most clients send; every other request to it, and the document, is the framework's as for any route.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.http import problems

Reading = Callable[[Request], Awaitable[Response | None]]
"""Answers a plain request; None for any other, before anything has happened. Raises what a route may raise."""


@dataclass(frozen=True, slots=True)
class PlainRoute:
    """A route without parameters in its path, and the reading of its plain requests: those without a query."""

    method: str
    path: str
    reading: Reading


class PlainRequests:
    """ASGI middleware that asks a route's own reading first, and the application behind it for all else."""

    def __init__(self, app: ASGIApp, *, routes: Mapping[tuple[str, str], PlainRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await route.reading(request)
        except ClientDisconnect:
            return
        except problems.EXPECTED as error:
            answer = problems.response_to(problems.as_problem(error), request)
        if answer is None:
            await self._app(scope, _again(await request.body(), receive), send)
            return
        # Requests are counted by the route that answered them.
        scope["route"] = route
        await answer(scope, receive, send)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
