"""Counts what an endpoint sends, so that no answer costs more than it is worth, however it is framed."""

from __future__ import annotations

import ssl
from typing import Any

import httpcore


class TooLarge(Exception):  # noqa: N818 - reads as what happened
    """More came than may be read of an answer."""


class Meter:
    """How many bytes of an answer may still be read."""

    def __init__(self) -> None:
        self._left = 0

    def allow(self, most: int) -> None:
        """From now on so many."""
        self._left = most

    def count(self, came: int) -> None:
        """Raises TooLarge beyond what is allowed."""
        self._left -= came
        if self._left < 0:
            raise TooLarge


class MeteredStream(httpcore.AsyncNetworkStream):
    """A stream whose meter counts what is read, inside TLS where there is any."""

    def __init__(self, inside: httpcore.AsyncNetworkStream, meter: Meter) -> None:
        self._inside = inside
        self._meter = meter

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See httpcore. Raises TooLarge."""
        came = await self._inside.read(max_bytes, timeout)
        self._meter.count(len(came))
        return came

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See httpcore."""
        await self._inside.write(buffer, timeout)

    async def aclose(self) -> None:
        """See httpcore."""
        await self._inside.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """See httpcore."""
        try:
            inside = await self._inside.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            # httpcore closes where the handshake fails, but not where it is given up, and nobody else knows of it yet.
            await self._inside.aclose()
            raise
        return MeteredStream(inside, self._meter)

    def get_extra_info(self, info: str) -> Any:
        """See httpcore."""
        return self._inside.get_extra_info(info)
