"""Identifiers in paths stay one segment each, whatever they are made of.

The server decodes a path before the router sees it, and an identifier with a slash in it would be two segments. So an
encoded slash stays encoded until the route is found; an encoded percent sign does too, to tell them apart.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

_KEPT: Final = ((b"%25", b"%2525"), (b"%2F", b"%252F"), (b"%2f", b"%252F"))


class Segments:
    """Routes see `%2F` and `%25` where the client wrote them so, and everything else decoded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        raw: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and (b"%2F" in raw or b"%2f" in raw or b"%25" in raw):
            # In place: what is noted on the scope by then, and by the route, is for the layers around this one too.
            scope["path"] = _decoded(raw)
        await self._app(scope, receive, send)


def _decoded(raw: bytes) -> str:
    for encoded, kept in _KEPT:
        raw = raw.replace(encoded, kept)
    return unquote_to_bytes(raw).decode("utf-8", "replace")
