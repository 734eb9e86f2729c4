"""The answer to what nobody expected."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.http.problems.translation import last_resort


class LastResort:
    """Answers 500 for what nobody expected. The framework's own would raise it again, for the server to print it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # Nobody is left to be answered.
            return
        except Exception as error:  # noqa: BLE001 - the edge is where failures end
            answer = last_resort(error, Request(scope))
            if not answered:
                await answer(scope, receive, send)
