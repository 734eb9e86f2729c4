"""Routes whose plain requests are read by hand.

The framework solves a route's parameters anew for every request, which for the busiest route costs more than all that
is decided and stored for it. Such a route may have a reading of its own for the requests that most clients send;
every other request, and the document, is the framework's as for any route. Measured: docs/decisions/0004.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

Reading = Callable[[Request], Awaitable[Response | None]]
"""Answers a plain request; None for any other, before anything has happened."""


def read_by_hand(reading: Reading) -> type[APIRoute]:
    """The class of a route that asks `reading` first. Both have to answer a request that both can read alike."""

    class PlainRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            framework = super().get_route_handler()

            async def handler(request: Request) -> Response:
                answer = await reading(request)
                return answer if answer is not None else await framework(request)

            return handler

    return PlainRoute
