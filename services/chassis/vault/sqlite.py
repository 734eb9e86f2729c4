"""The vault in an SQLite file of its own, whose name contains `vault`.

Every record is encrypted under a key of its own, and forgetting overwrites that key (crypto-shredding). Deleting alone
is not enough: when SQLite moves rows between pages, secure_delete leaves copies of them behind. Keys are never moved:
their table only grows at its end, and overwriting keeps their length.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from services.chassis.engines.group_commit import InlineGroupCommit
from services.chassis.engines.sqlite_connection import open_kept, probed
from services.chassis.engines.store_health import StoreHealth
from services.chassis.engines.turns import in_turn
from services.chassis.vault.sealing import Sealed
from services.chassis.vault.vault import ORPHAN_AFTER_SECONDS, SWEPT_AT_ONCE, AlreadyKept, StillInTheLog

_FOLDING_PAUSES: Final = (0.0, 0.01, 0.05, 0.2, 0.7)
"""Seconds before each try: anyone who reads reads for a moment, as a rule, or as long as a backup takes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  ref TEXT PRIMARY KEY, stream TEXT NOT NULL, kept_at REAL NOT NULL, settled INTEGER NOT NULL DEFAULT 0,
  slot INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (slot INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS records_unsettled ON records (settled, kept_at);
CREATE INDEX IF NOT EXISTS records_by_stream ON records (stream);
-- Triggers and not the unique key alone, which lets REPLACE through.
CREATE TRIGGER IF NOT EXISTS records_written_once BEFORE INSERT ON records
  WHEN EXISTS (SELECT 1 FROM records WHERE ref = NEW.ref)
  BEGIN SELECT RAISE(ABORT, 'a reference of the vault is written once'); END;
CREATE TRIGGER IF NOT EXISTS records_never_changed BEFORE UPDATE ON records
  WHEN (NEW.ref, NEW.stream, NEW.kept_at, NEW.slot) IS NOT (OLD.ref, OLD.stream, OLD.kept_at, OLD.slot)
    OR NEW.record NOT IN (OLD.record, x'') OR NEW.settled < OLD.settled
  BEGIN SELECT RAISE(ABORT, 'a record of the vault is forgotten, never changed'); END;
CREATE TRIGGER IF NOT EXISTS records_never_deleted BEFORE DELETE ON records
  BEGIN SELECT RAISE(ABORT, 'a reference of the vault is never free again'); END;
CREATE TRIGGER IF NOT EXISTS keys_written_once BEFORE INSERT ON keys
  WHEN EXISTS (SELECT 1 FROM keys WHERE slot = NEW.slot)
  BEGIN SELECT RAISE(ABORT, 'a key of the vault is written once'); END;
CREATE TRIGGER IF NOT EXISTS keys_never_changed BEFORE UPDATE ON keys
  WHEN NEW.slot IS NOT OLD.slot OR NEW.key NOT IN (OLD.key, zeroblob(32))
  BEGIN SELECT RAISE(ABORT, 'a key of the vault is shredded, never changed'); END;
CREATE TRIGGER IF NOT EXISTS keys_never_deleted BEFORE DELETE ON keys
  BEGIN SELECT RAISE(ABORT, 'a key of the vault is shredded, never deleted'); END;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID;
"""


class SQLiteVault:
    """A `Vault` in one SQLite file, readable by its owner alone."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time, health: StoreHealth | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Before SQLite makes it readable for others; its write-ahead log takes the mode of the file.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        self._now = now
        self._db = open_kept(path, health or StoreHealth("vault"), synchronous="FULL", schema=_SCHEMA)
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("INSERT OR IGNORE INTO secrets VALUES ('fingerprint', ?)", (secrets.token_bytes(32),))
        (self._key,) = self._db.execute("SELECT secret FROM secrets WHERE name = 'fingerprint'").fetchone()
        probed(path, self._db)
        self._writer: InlineGroupCommit[Sealed, None] = InlineGroupCommit(self._commit)
        self._still_in_the_log = False

    def _commit(self, batch: Sequence[Sealed]) -> list[AlreadyKept | None]:
        now = self._now()
        with self._db.transaction():
            return [self._insert(sealed, now) for sealed in batch]

    def _insert(self, sealed: Sealed, now: float) -> AlreadyKept | None:
        slot = self._db.execute("INSERT INTO keys (key) VALUES (?)", (sealed.key,)).lastrowid
        try:
            self._db.execute(
                "INSERT INTO records (ref, stream, kept_at, slot, record) VALUES (?,?,?,?,?)",
                (sealed.ref, sealed.stream, now, slot, sealed.record),
            )
        except sqlite3.IntegrityError as refusal:
            if refusal.sqlite_errorname != "SQLITE_CONSTRAINT_TRIGGER":
                raise
            # Of this statement alone: the others of the batch are kept.
            self._db.execute("UPDATE keys SET key = zeroblob(32) WHERE slot = ?", (slot,))
            return AlreadyKept(sealed.ref)
        return None

    place: Final = None

    async def keep(self, ref: str, stream: str, record: dict[str, Any]) -> None:
        """See `Vault.keep`."""
        await self._writer.submit(Sealed.of(ref, stream, record))

    async def read(self, ref: str) -> dict[str, Any] | None:
        """See `Vault.read`."""
        row = self._db.execute(
            "SELECT key, record FROM records JOIN keys USING (slot) WHERE ref = ? AND record <> x''", (ref,)
        ).fetchone()
        return Sealed.opened(ref, *row) if row else None

    async def forget(self, stream: str) -> int:
        """See `Vault.forget`."""
        forgotten = await in_turn(lambda: self._forget("stream = ?", stream))
        await self._truncate_wal()
        return forgotten

    def _forget(self, which: str, of: str) -> int:
        with self._db.transaction():
            return self._empty(which, of)

    def _settle(self, refs: Sequence[str]) -> None:
        with self._db.transaction():
            for ref in refs:
                self._db.execute("UPDATE records SET settled = 1 WHERE ref = ?", (ref,))

    def _empty(self, which: str, of: str) -> int:
        self._db.execute(
            f"UPDATE keys SET key = zeroblob(32) WHERE slot IN (SELECT slot FROM records WHERE {which})",  # noqa: S608 - constants
            (of,),
        )
        # The reference stays, so that nothing else is ever found under it.
        return self._db.execute(
            f"UPDATE records SET record = x'', settled = 1 WHERE {which} AND record <> x''",  # noqa: S608 - constants
            (of,),
        ).rowcount

    async def _truncate_wal(self) -> None:
        # The write-ahead log still holds what was deleted, until it is folded into the file.
        self._still_in_the_log = True
        for pause in _FOLDING_PAUSES:
            await asyncio.sleep(pause)
            if self._db.fold_log():
                self._still_in_the_log = False
                return
        raise StillInTheLog

    def fingerprint(self, body: bytes) -> str:
        """See `Vault.fingerprint`."""
        return hmac.digest(self._key, body, "sha256").hex()

    async def sweep(self, refers: Callable[[str, str], Awaitable[bool]]) -> int:
        """See `Vault.sweep`."""
        before, swept = self._now() - ORPHAN_AFTER_SECONDS, 0
        while old := self._db.execute(
            "SELECT ref, stream FROM records WHERE settled = 0 AND kept_at < ? LIMIT ?",
            (before, SWEPT_AT_ONCE),
        ).fetchall():
            settled = list[str]()
            for ref, stream in old:
                if await refers(stream, ref):
                    settled.append(ref)
                else:
                    swept += await in_turn(partial(self._forget, "ref = ? AND NOT settled", ref))
                # The log answers without a pause, and nobody is to wait for a whole batch.
                await asyncio.sleep(0)
            # Almost all are, and each commit syncs.
            await in_turn(partial(self._settle, settled))
        if swept or self._still_in_the_log:
            await self._truncate_wal()
        return swept

    async def close(self) -> None:
        """See `Vault.close`."""
        await self._writer.drain()
        self._db.close()
