"""The limit on the size of a request's body."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.access.identity import Unauthenticated
from services.chassis.http.problems.problem import ProblemError, response_to
from services.chassis.http.problems.translation import as_problem
from services.chassis.http.request.content_length import declared_length
from services.chassis.service import Service

UNKNOWN_LIMIT: Final = 65_536
"""Bytes of a body that are taken before it is known who sends them: memory is for those who may use it."""


class BodyLimit:
    """Refuses request bodies over the limit with 413, also those that come in chunks without a length.

    Of somebody who is not known it takes no long body at all: 401.
    """

    def __init__(self, app: ASGIApp, *, limit: int, unlimited: Collection[str]) -> None:
        self._app = app
        self._limit = limit
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] in self._unlimited:
            await self._app(scope, receive, send)
            return
        length = declared_length(scope)
        declared = self._limit + 1 if length is None else length
        if (objection := await self._objection(scope, 0, declared)) is not None:
            await self._refuse(objection, scope, receive, send)
            return
        received, answered = 0, False
        objections: list[ProblemError | Unauthenticated] = []

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            before, received = received, received + len(message.get("body", b""))
            if (objection := await self._objection(scope, max(before, declared), received)) is not None:
                objections.append(objection)
                raise objection
            return message

        async def in_time(message: Message) -> None:
            nonlocal answered
            # The framework takes whatever stops a body from being read for a body that cannot be read.
            if answered or not objections:
                answered = True
                await send(message)

        await self._app(scope, counted, in_time)
        if not answered:
            await self._refuse(objections[0] if objections else self._refusal(), scope, receive, send)

    async def _objection(self, scope: Scope, before: int, now: int) -> ProblemError | Unauthenticated | None:
        """What is held against a body that was so long before and is so long now."""
        if now > self._limit:
            return self._refusal()
        return await _stranger(scope) if before <= UNKNOWN_LIMIT < now else None

    def _refusal(self) -> ProblemError:
        return ProblemError(413, "BODY_TOO_LARGE", f"a body has at most {self._limit} bytes")

    async def _refuse(
        self, refusal: ProblemError | Unauthenticated, scope: Scope, receive: Receive, send: Send
    ) -> None:
        await response_to(as_problem(refusal), Request(scope))(scope, receive, send)


async def _stranger(scope: Scope) -> Unauthenticated | None:
    """The refusal of somebody who is not known; None also where nobody has to be."""
    service: Service | None = getattr(scope["app"].state, "service", None)
    try:
        if service is not None:
            await service.verifier.authenticate(Request(scope).headers.get("authorization"))
    except Unauthenticated as refusal:
        return refusal
    return None
