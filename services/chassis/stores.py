"""Which engine keeps what: files under one data directory, PostgreSQL, Apache Kafka. The only place that chooses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contracts.audited import ACCESS
from services.chassis.audit.store import AuditStore
from services.chassis.audit.store_sqlite import SQLiteAuditStore
from services.chassis.delivery.bus import Bus
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.delivery.consumer_store_sqlite import SQLiteConsumerStore
from services.chassis.delivery.embedded import EmbeddedBus
from services.chassis.delivery.kafka.clients import Cluster
from services.chassis.engines.store_health import StoreHealth, Unavailable, errno_name
from services.chassis.index.index import Index, Table
from services.chassis.index.sqlite import SQLiteIndex
from services.chassis.leading.lease import Lease
from services.chassis.leading.lease_sqlite import SQLiteLease
from services.chassis.leading.shares import Shares
from services.chassis.leading.shares_sqlite import SQLiteShares
from services.chassis.log.epochs import Epochs
from services.chassis.log.epochs_sqlite import epochs_in_file
from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.log.snapshots import SnapshotStore
from services.chassis.log.snapshots_sqlite import SQLiteSnapshots
from services.chassis.log.sqlite import SQLiteEventLog
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings
from services.chassis.store_opener import INDEX, StoreOpener
from services.chassis.vault.sqlite import SQLiteVault
from services.chassis.vault.vault import Vault

if TYPE_CHECKING:
    from services.chassis.delivery.kafka.bus import KafkaBus
    from services.chassis.postgres_stores import PostgresStores

LOG_PAGES: Final = 300
INDEX_PAGES: Final = 1_000
"""Well below where a commit would have to move them: 1,000 pages, and 8,000 of an index."""


class RefusedFiles(RefusedStart):
    """What CASERELAY_DATA names cannot be used; the message says which file or directory, and why."""


_ADVICE: Final = {
    "SQLITE_NOTADB": "it is damaged or not a Caserelay file: restore it from a backup, or set CASERELAY_DATA elsewhere",
    "SQLITE_CORRUPT": "it is damaged: restore it from a backup",
    "SQLITE_READONLY": "it is not writable: change its permissions or mount, or set CASERELAY_DATA elsewhere",
    "SQLITE_FULL": "no space left: free some",
    "ENOSPC": "no space left: free some",
    "ENOTDIR": "it is a file, not a directory: move it away, or set CASERELAY_DATA to a directory",
    "EEXIST": "it is a file, not a directory: move it away, or set CASERELAY_DATA to a directory",
    "EISDIR": "it is a directory, not a file: move it away",
}
_OTHERWISE: Final = "set CASERELAY_DATA to a directory that this user may write"
_PASSES: Final = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED")
"""No reason not to start: what is there can be read, and the rest comes back by itself."""


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Raises RefusedFiles where the file, or the directory that it is in, cannot be used."""
    try:
        yield
    except Unavailable as failure:
        raise _refused(path, "EISDIR" if path.is_dir() else failure.code) from None
    except OSError as failure:
        raise _refused(path, errno_name(failure)) from None
    except sqlite3.Error as failure:
        # Its tables are not ours, or what it says of them cannot be read.
        raise _refused(path, getattr(failure, "sqlite_errorname", type(failure).__name__)) from None


def _refused(path: Path, code: str) -> RefusedFiles:
    advice = next((text for known, text in _ADVICE.items() if code.startswith(known)), _OTHERWISE)
    return RefusedFiles(f"CASERELAY_DATA: {path} cannot be used ({code}); {advice}")


def _postgres() -> type[PostgresStores]:
    from services.chassis.postgres_stores import PostgresStores

    return PostgresStores


def _kafka() -> type[KafkaBus]:
    from services.chassis.delivery.kafka.bus import KafkaBus

    return KafkaBus


def load_engines(settings: Settings) -> None:
    """Imports the drivers of what the settings name before any store is opened, for what forks in between."""
    if settings.database_url is not None:
        _postgres()
    if settings.kafka_servers is not None:
        _kafka()


class Stores(StoreOpener):
    """The stores that settings name.

    Each in a file of its own under `directory`, or, with the address of a database, in that; the bus in another file,
    or, with a cluster, in Kafka. Opening raises RefusedStart: RefusedFiles, or with a database RefusedDatabase, when it
    cannot be used or lacks a migration.
    """

    def __init__(
        self,
        directory: Path,
        database: str | None = None,
        cluster: Cluster | None = None,
        access_database: str | None = None,
    ) -> None:
        """`access_database`: the one of the log of who read what, where that is another than `database`."""
        super().__init__()
        self._files: list[tuple[Path, StoreHealth]] = []
        self._directory = directory
        self._database = _postgres()(database) if database is not None else None
        self._access_database = _postgres()(access_database) if access_database is not None else self._database
        self._cluster = cluster

    @classmethod
    def of(cls, settings: Settings) -> Stores:
        """The stores that the settings name."""
        url, access = settings.database_url, settings.access_database_url
        return cls(
            settings.data,
            url.get_secret_value() if url is not None else None,
            Cluster.of(settings),
            access.get_secret_value() if access is not None else None,
        )

    def _database_of(self, service: str) -> PostgresStores | None:
        return self._access_database if service == ACCESS else self._database

    @property
    def described(self) -> str:
        """See `StoreOpener.described`."""
        return self._database.described if self._database is not None else f"SQLite in {self._directory}"

    @property
    def bus_described(self) -> str:
        """See `StoreOpener.bus_described`."""
        return f"Kafka at {self._cluster.brokers}" if self._cluster else f"SQLite in {self._directory}"

    def require_writable(self) -> None:
        """See `StoreOpener.require_writable`."""
        for path, health in self._files:
            with opening(path):
                self._written(health)
        if self._database is not None:
            self._database.require_writable()

    @staticmethod
    def _written(health: StoreHealth) -> None:
        if health.write is None:
            return
        try:
            health.write()
        except Unavailable as failure:
            if not failure.code.startswith(_PASSES):
                raise

    def holds(self, service: str) -> bool:
        """See `StoreOpener.holds`."""
        if (database := self._database_of(service)) is not None:
            return database.holds(service)
        path = self._directory / f"{service}-log.db"
        with opening(path):
            # Not `exists`, which takes a directory that cannot be looked into for one that is empty.
            try:
                return path.stat() is not None
            except FileNotFoundError:
                return False

    @contextmanager
    def _file(self, name: str, health: StoreHealth, pages: int | None = None) -> Iterator[Path]:
        path = self._directory / name
        with opening(path):
            # Nobody else on the machine has any business in it.
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            yield path
        self._files.append((path, health))
        if pages is not None:
            self.checkpointed[path] = pages

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """See `StoreOpener.event_log`."""
        health = self._health("log", service)
        if (database := self._database_of(service)) is not None:
            return database.event_log(service, types, health)
        with self._file(f"{service}-log.db", health, LOG_PAGES) as path:
            return SQLiteEventLog(service, path, types, health)

    def epochs(self, service: str) -> Epochs:
        """See `StoreOpener.epochs`."""
        if (database := self._database_of(service)) is not None:
            return database.epochs(service)
        path = self._directory / f"{service}-log.db"
        with opening(path):
            return epochs_in_file(path)

    def audit(self, service: str) -> AuditStore:
        """See `StoreOpener.audit`."""
        health = StoreHealth("audit", service)
        if (database := self._database_of(service)) is not None:
            return database.audit(service, health)
        # Opened when it is used: one that cannot be is named by the work that needs it, and keeps nobody from starting.
        return SQLiteAuditStore(self._directory / f"{service}-audit.db", health)

    def snapshots(self, service: str) -> SnapshotStore:
        """See `StoreOpener.snapshots`."""
        if (database := self._database_of(service)) is not None:
            return database.snapshots(service)
        return SQLiteSnapshots(self._directory / f"{service}-snapshots.db")

    def vault(self, service: str) -> Vault:
        """See `StoreOpener.vault`."""
        health = self._health("vault", service)
        if (database := self._database_of(service)) is not None:
            return database.vault(service, health)
        # Nobody else moves its pages: it does so itself when it forgets, and must not find them in use.
        with self._file(f"{service}-vault.db", health) as path:
            return SQLiteVault(path, health=health)

    def index(self, service: str, tables: Sequence[Table], version: int, *, kept_as: str = INDEX) -> Index:
        """See `StoreOpener.index`."""
        health = self._health(kept_as, service)
        if (database := self._database_of(service)) is not None:
            return database.index(service, tables, version, health, kept_as)
        with self._file(f"{service}-{kept_as}.db", health, INDEX_PAGES) as path:
            return SQLiteIndex(path, tables, version, health)

    def consumer_store(self, service: str) -> ConsumerStore:
        """See `StoreOpener.consumer_store`."""
        health = self._health("consumers", service)
        if (database := self._database_of(service)) is not None:
            return database.consumer_store(service, health)
        with self._file(f"{service}-consumers.db", health) as path:
            return SQLiteConsumerStore(path, health)

    def lease(self, service: str) -> Lease:
        """See `StoreOpener.lease`."""
        health = self._health("lease", service)
        if (database := self._database_of(service)) is not None:
            return database.lease(service, health)
        with self._file(f"{service}-lease.db", health) as path:
            return SQLiteLease(path, health)

    def shares(self, service: str) -> Shares:
        """See `StoreOpener.shares`."""
        health = self._health("shares", service)
        if (database := self._database_of(service)) is not None:
            return database.shares(service, health)
        with self._file(f"{service}-lease.db", health) as path:
            return SQLiteShares(path, health)

    def bus(self) -> Bus:
        """See `StoreOpener.bus`."""
        if self._cluster is not None:
            return _kafka()(self._cluster)
        health = self._health("bus", None)
        with self._file("bus.db", health, LOG_PAGES) as path:
            return EmbeddedBus(path, health)
