"""The port of the personal-data vault: what may have to be forgotten is kept apart from the log, which never forgets.

Events carry only references. A record is written before the event that refers to it, or with it, so an acknowledged
command never lacks its record; a record whose command failed is an orphan, and `sweep` empties it.

A reference is written once. Of two commands that are decided at the same moment one is refused after its records were
kept, so each attempt draws references of its own (`Deposit`), and the vault itself refuses to write under one that
was used before, also after its record was forgotten or swept: it cannot know to which the log refers.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, Protocol

from services.chassis.vault.sealing import Sealed

ORPHAN_AFTER_SECONDS: Final = 3600
SWEPT_AT_ONCE: Final = 500


class StillInTheLog(Exception):  # noqa: N818 - reads as what happened
    """Records were deleted, but another reader keeps their bytes in the write-ahead log; forget or sweep once more."""


class AlreadyKept(Exception):  # noqa: N818 - reads as what happened
    """Something was kept under this reference before, and stays as it was."""


class Vault(Protocol):
    """A deletable store of personal data."""

    @property
    def place(self) -> Hashable:
        """Where it is, for a log that can store records there in the transaction of its events; None if none can."""

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """Stores a JSON object under a new reference; `stream` is the one whose event will refer to it. Durable.

        Raises AlreadyKept where the reference was used before, whether its record is still there or not.
        """

    async def read(self, ref: str) -> dict[str, Any] | None:
        """The record, None when there is none (any more)."""

    async def forget(self, stream: str) -> int:
        """Empties every record of a stream, and keeps their references from being used again; returns how many."""

    def fingerprint(self, body: bytes) -> str:
        """An HMAC of a request body under a key that never leaves the vault: comparable, and not reversible."""

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """Empties records older than an hour to which no event refers (`refers(stream, ref)`); returns how many."""

    async def close(self) -> None:
        """Lets go of the file."""


class Deposit:
    """What one attempt of one command keeps in the vault, every record under a reference that nobody else has.

    The command carries the references, and the log is given the deposit with the events that refer to them. After a
    conflict it is given the same once more: the records may then be in the vault already.
    """

    def __init__(self, vault: Vault, stream: str) -> None:
        """`stream` is the one whose events will refer to the records."""
        self._vault = vault
        self._stream = stream
        self._records: dict[str, dict[str, Any]] = {}

    def put(self, what: str, record: dict[str, Any]) -> str:
        """The reference under which a record will be kept; `what` makes it readable for people."""
        ref = f"{self._stream}.{what}.{secrets.token_hex(16)}"
        self._records[ref] = record
        return ref

    @property
    def place(self) -> Hashable:
        """See `Vault.place`."""
        return self._vault.place

    def sealed(self) -> list[Sealed]:
        """What is not in the vault yet, for who stores it there together with the events; then calls `stored`."""
        return [Sealed.of(ref, self._stream, record) for ref, record in self._records.items()]

    def stored(self) -> None:
        """All of it is in the vault."""
        self._records.clear()

    async def keep(self) -> None:
        """Keeps what is not in the vault yet. Raises AlreadyKept."""
        while self._records:
            ref, record = next(iter(self._records.items()))
            await self._vault.keep(ref, self._stream, record)
            del self._records[ref]
