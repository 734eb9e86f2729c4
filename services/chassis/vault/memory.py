"""The vault in memory, for tests and experiments: nothing survives the process."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from services.chassis.vault.vault import ORPHAN_AFTER_SECONDS, AlreadyKept


@dataclass(slots=True)
class _Kept:
    stream: str
    kept_at: float
    record: bytes | None
    settled: bool = False


class MemoryVaultContents:
    """What is in one vault, for everybody in the process who opens it."""

    def __init__(self) -> None:
        self.records: dict[str, _Kept] = {}
        self.key = secrets.token_bytes(32)

    def rows(self) -> list[tuple[str, bytes]]:
        """Every reference that was ever used, in order, with the bytes that are kept under it; none when forgotten."""
        return [(ref, kept.record or b"") for ref, kept in sorted(self.records.items())]


class MemoryVault:
    """A `Vault` in memory. Nothing is encrypted: what is forgotten is gone with its bytes."""

    def __init__(self, contents: MemoryVaultContents, now: Callable[[], float] = time.time) -> None:
        self._records = contents.records
        self._key = contents.key
        self._now = now

    place: Final = None

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """See `Vault.keep`."""
        kept = _Kept(stream, self._now(), to_json(record))
        await asyncio.sleep(0)
        if self._records.setdefault(ref, kept) is not kept:
            raise AlreadyKept(ref)

    async def read(self, ref: str) -> dict[str, Any] | None:
        """See `Vault.read`."""
        kept = self._records.get(ref)
        if kept is None or kept.record is None:
            return None
        record: dict[str, Any] = from_json(kept.record)
        return record

    async def forget(self, stream: str) -> int:
        """See `Vault.forget`."""
        return sum(_empty(kept) for kept in self._records.values() if kept.stream == stream)

    def fingerprint(self, body: bytes) -> str:
        """See `Vault.fingerprint`."""
        return hmac.digest(self._key, body, "sha256").hex()

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """See `Vault.sweep`."""
        before, swept = self._now() - ORPHAN_AFTER_SECONDS, 0
        old = [(ref, kept) for ref, kept in self._records.items() if not kept.settled and kept.kept_at < before]
        for ref, kept in old:
            if not await refers(kept.stream, ref) and not kept.settled:
                swept += _empty(kept)
            kept.settled = True
            await asyncio.sleep(0)
        return swept

    async def close(self) -> None:
        """See `Vault.close`."""


def _empty(kept: _Kept) -> bool:
    """Whether there was anything; the reference stays, so that nothing else is ever found under it."""
    was_there = kept.record is not None
    kept.record, kept.settled = None, True
    return was_there
