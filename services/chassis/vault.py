"""The personal-data vault: what may have to be forgotten is kept apart from the log, which never forgets.

Its own database file, its name containing `vault`. Events carry only references. A record is written before the event
that refers to it, so an acknowledged command never lacks its record; a record whose command failed is an orphan, and
`sweep` deletes it.

Every record is encrypted under a key of its own, and forgetting overwrites that key (crypto-shredding). Deleting alone
is not enough: when SQLite moves rows between pages, secure_delete leaves copies of them behind. Keys are never moved:
their table only grows at its end, and overwriting keeps their length.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

from services.chassis.group_commit import GroupCommit
from services.chassis.sqlite_connection import open_store, probed
from services.chassis.store_health import StoreHealth

ORPHAN_AFTER_SECONDS = 3600
SWEPT_AT_ONCE = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  ref TEXT PRIMARY KEY, stream TEXT NOT NULL, kept_at REAL NOT NULL, settled INTEGER NOT NULL DEFAULT 0,
  slot INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (slot INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS records_unsettled ON records (settled, kept_at);
CREATE INDEX IF NOT EXISTS records_by_stream ON records (stream);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID;
"""


_SHRED = "UPDATE keys SET key = zeroblob(32) WHERE slot IN (SELECT slot FROM records WHERE"
# A key encrypts one record once, so the nonce need not differ.
_NONCE = bytes(12)


class StillInTheLog(Exception):  # noqa: N818 - reads as what happened
    """Records were deleted, but another reader keeps their bytes in the write-ahead log; forget or sweep once more."""


class Vault(Protocol):
    """A deletable store of personal data."""

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """Stores a JSON object under a reference; `stream` is the one whose event will refer to it. Durable."""

    async def read(self, ref: str) -> dict[str, Any] | None:
        """The record, None when there is none (any more)."""

    async def forget(self, stream: str) -> int:
        """Deletes every record of a stream; returns how many there were."""

    def fingerprint(self, body: bytes) -> str:
        """An HMAC of a request body under a key that never leaves the vault: comparable, and not reversible."""

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """Deletes records older than an hour to which no event refers (`refers(stream, ref)`); returns how many."""

    async def close(self) -> None:
        """Lets go of the file."""


class _Sealed(NamedTuple):
    ref: str
    stream: str
    key: bytes
    record: bytes


class SQLiteVault:
    """A `Vault` in one SQLite file, readable by its owner alone."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time, health: StoreHealth | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Before SQLite makes it readable for others; its write-ahead log takes the mode of the file.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        self._now = now
        self._db = open_store(path, health or StoreHealth("vault"))
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.executescript(_SCHEMA)
        self._db.execute("INSERT OR IGNORE INTO secrets VALUES ('fingerprint', ?)", (secrets.token_bytes(32),))
        (self._key,) = self._db.execute("SELECT secret FROM secrets WHERE name = 'fingerprint'").fetchone()
        probed(path, self._db)
        self._writer: GroupCommit[_Sealed, None] = GroupCommit(self._commit)
        self._still_in_the_log = False

    def _commit(self, batch: Sequence[_Sealed]) -> list[None]:
        now = self._now()
        with self._db.transaction():
            for one in batch:
                self._db.execute(f"{_SHRED} ref = ?)", (one.ref,))
                slot = self._db.execute("INSERT INTO keys (key) VALUES (?)", (one.key,)).lastrowid
                self._db.execute(
                    "INSERT OR REPLACE INTO records (ref, stream, kept_at, slot, record) VALUES (?,?,?,?,?)",
                    (one.ref, one.stream, now, slot, one.record),
                )
        return [None] * len(batch)

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """See `Vault.keep`."""
        key = secrets.token_bytes(32)
        sealed = AESGCM(key).encrypt(_NONCE, to_json(record), ref.encode())
        await self._writer.submit(_Sealed(ref, stream, key, sealed))

    async def read(self, ref: str) -> dict[str, Any] | None:
        """See `Vault.read`."""
        row = self._db.execute(
            "SELECT key, record FROM records JOIN keys USING (slot) WHERE ref = ?", (ref,)
        ).fetchone()
        return from_json(AESGCM(row[0]).decrypt(_NONCE, row[1], ref.encode())) if row else None

    async def forget(self, stream: str) -> int:
        """See `Vault.forget`."""
        with self._db.transaction():
            self._db.execute(f"{_SHRED} stream = ?)", (stream,))
            deleted = self._db.execute("DELETE FROM records WHERE stream = ?", (stream,)).rowcount
        self._truncate_wal()
        return deleted

    def _truncate_wal(self) -> None:
        # The write-ahead log still holds what was deleted, until it is folded into the file.
        (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._still_in_the_log = bool(busy)
        if busy:
            raise StillInTheLog

    def fingerprint(self, body: bytes) -> str:
        """See `Vault.fingerprint`."""
        return hmac.digest(self._key, body, "sha256").hex()

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """See `Vault.sweep`."""
        before, swept = self._now() - ORPHAN_AFTER_SECONDS, 0
        while old := self._db.execute(
            "SELECT ref, stream, kept_at FROM records WHERE settled = 0 AND kept_at < ? LIMIT ?",
            (before, SWEPT_AT_ONCE),
        ).fetchall():
            for ref, stream, kept_at in old:
                referred = await refers(stream, ref)
                # Unless it was kept anew meanwhile.
                this = "ref = ? AND kept_at = ?", (ref, kept_at)
                with self._db.transaction():
                    if referred:
                        self._db.execute(f"UPDATE records SET settled = 1 WHERE {this[0]}", this[1])  # noqa: S608 - constants
                    else:
                        self._db.execute(f"{_SHRED} {this[0]})", this[1])
                        swept += self._db.execute(f"DELETE FROM records WHERE {this[0]}", this[1]).rowcount  # noqa: S608 - constants
            await asyncio.sleep(0)
        if swept or self._still_in_the_log:
            self._truncate_wal()
        return swept

    async def close(self) -> None:
        """See `Vault.close`."""
        await self._writer.drain()
        self._db.close()
