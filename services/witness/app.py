"""The HTTP interface of a witness, as https://c2sp.org/tlog-witness has it, and how it stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.chassis.transparency.add_checkpoint import LARGEST_REQUEST, SIZE_TYPE, origin_hash
from services.chassis.transparency.base64_text import encoded
from services.chassis.transparency.checkpoints import Checkpoint
from services.witness.cosigner import Cosigner
from services.witness.refusals import AnotherSize, RefusesToCosign

BODY_SECONDS: Final = 10.0
"""How long a request may take to arrive in full."""

Beside = Callable[[], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def nothing_beside() -> AsyncIterator[None]:
    """While the witness serves nothing else is done."""
    yield


def application(
    cosigner: Cosigner, failing: Mapping[str, str] = MappingProxyType({}), beside: Beside = nothing_beside
) -> Starlette:
    """The application. `failing` says of a log why it is not followed at the moment; `beside` is entered meanwhile."""
    interface = _Interface(cosigner, failing)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with beside():
            yield

    return Starlette(
        routes=[
            Route("/add-checkpoint", interface.add_checkpoint, methods=["POST"]),
            Route("/status", interface.status, methods=["GET"]),
            Route("/{origin}/checkpoint", interface.checkpoint, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


class _Interface:
    """What is answered. Deciding waits for the disk, so it is done in threads."""

    def __init__(self, cosigner: Cosigner, failing: Mapping[str, str]) -> None:
        self._cosigner = cosigner
        self._failing = failing

    async def add_checkpoint(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                content = await _body(request)
        except TimeoutError:
            return PlainTextResponse("the request does not come to its end\n", 408)
        if content is None:
            return PlainTextResponse(f"a request has at most {LARGEST_REQUEST:,} bytes\n", 413)
        try:
            line = await asyncio.to_thread(self._cosigner.add, content)
        except AnotherSize as refusal:
            # The type without a charset, which the framework would add.
            return Response(f"{refusal.size}\n", refusal.status, {"Content-Type": SIZE_TYPE})
        except RefusesToCosign as refusal:
            return PlainTextResponse(f"{refusal}\n", refusal.status)
        return PlainTextResponse(line)

    async def checkpoint(self, request: Request) -> Response:
        origins = {origin_hash(origin): origin for origin in self._cosigner.origins}
        origin = origins.get(request.path_params["origin"])
        try:
            note = await asyncio.to_thread(self._cosigner.newest, origin) if origin is not None else None
        except RefusesToCosign as refusal:
            return PlainTextResponse(f"{refusal}\n", refusal.status)
        if note is None:
            return PlainTextResponse("nothing of such a log was cosigned\n", 404)
        return PlainTextResponse(note.content)

    async def status(self, _: Request) -> Response:
        logs = [await asyncio.to_thread(self._standing, origin) for origin in self._cosigner.origins]
        sound = not any(log["findings"] or "failing" in log for log in logs)
        return JSONResponse({"ok": sound, "logs": logs}, 200 if sound else 503)

    def _standing(self, origin: str) -> dict[str, Any]:
        """How one log stands: what was cosigned of it last, and the files that prove it wrong."""
        standing: dict[str, Any] = {"origin": origin, "findings": self._cosigner.findings(origin)}
        if origin in self._failing:
            standing["failing"] = self._failing[origin]
        try:
            note = self._cosigner.newest(origin)
        except RefusesToCosign as refusal:
            return {**standing, "failing": str(refusal)}
        if note is not None:
            newest = Checkpoint.read(note.text)
            standing |= {"size": newest.size, "root": encoded(newest.root)}
        return standing


async def _body(request: Request) -> bytes | None:
    """The body of a request; None where it is too long."""
    content = b""
    try:
        async for part in request.stream():
            content += part
            if len(content) > LARGEST_REQUEST:
                return None
    except ClientDisconnect:
        return b""
    return content
