"""Which engine keeps what: files under one data directory, PostgreSQL, Apache Kafka. The only place that chooses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.chassis import migrations
from services.chassis.bus import Bus
from services.chassis.bus_embedded import EmbeddedBus
from services.chassis.consumer_store import ConsumerStore
from services.chassis.consumer_store_postgres import PostgresConsumerStore
from services.chassis.consumer_store_sqlite import SQLiteConsumerStore
from services.chassis.event_types import EventTypes
from services.chassis.eventlog import EventLog
from services.chassis.eventlog_postgres import PostgresEventLog
from services.chassis.eventlog_sqlite import SQLiteEventLog
from services.chassis.index import Index, Table
from services.chassis.index_postgres import PostgresIndex
from services.chassis.index_sqlite import SQLiteIndex
from services.chassis.kafka.clients import Cluster
from services.chassis.lease import Lease
from services.chassis.lease_postgres import PostgresLease
from services.chassis.lease_sqlite import SQLiteLease
from services.chassis.postgres import refuse_database_functions
from services.chassis.settings import Settings
from services.chassis.vault import SQLiteVault, Vault
from services.chassis.vault_postgres import PostgresVault

LOG_PAGES: Final = 300
INDEX_PAGES: Final = 1_000
"""Well below where whoever commits would have to move them: that is 1,000 pages, and of an index 8,000."""


class Stores:
    """Opens the stores of a service.

    Each in a file of its own under `directory`, or, with the address of a database, in that; the bus in another file,
    or, with a cluster, in Kafka. With a database, opening raises RefusedDatabase when it cannot be reached or lacks a
    migration.
    """

    def __init__(self, directory: Path, database: str | None = None, cluster: Cluster | None = None) -> None:
        self.checkpointed: dict[Path, int] = {}
        """The files whose write-ahead logs should not grow beyond so many pages before somebody moves them."""
        self._directory = directory
        self._database = database
        self._cluster = cluster
        if database is not None:
            refuse_database_functions()

    @classmethod
    def of(cls, settings: Settings) -> Stores:
        """The stores that the settings name."""
        url = settings.database_url
        return cls(settings.data, url.get_secret_value() if url is not None else None, Cluster.of(settings))

    def holds(self, service: str) -> bool:
        """Whether the service has ever kept a log here; opening one would make it."""
        if self._database is not None:
            return not migrations.missing(self._database, service)
        return (self._directory / f"{service}-log.db").exists()

    def _file(self, name: str, pages: int | None = None) -> Path:
        # Nobody else on the machine has any business in it.
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._directory / name
        if pages is not None:
            self.checkpointed[path] = pages
        return path

    def event_log(self, service: str, types: EventTypes) -> EventLog:
        """The service's own log."""
        if self._database is not None:
            migrations.require(self._database, service)
            return PostgresEventLog(service, migrations.log_of(self._database, service), types)
        return SQLiteEventLog(service, self._file(f"{service}-log.db", LOG_PAGES), types)

    def vault(self, service: str) -> Vault:
        """The service's personal-data vault."""
        if self._database is not None:
            migrations.require(self._database, service)
            return PostgresVault(migrations.vault_of(self._database, service))
        # Nobody else moves its pages: it does so itself when it forgets, and must not find them in use.
        return SQLiteVault(self._file(f"{service}-vault.db"))

    def index(self, service: str, tables: Sequence[Table], version: int) -> Index:
        """The service's index; filled from the log anew when there is none of this `version`."""
        if self._database is not None:
            migrations.require(self._database, service)
            return PostgresIndex(migrations.index_of(self._database, service), tables, version)
        return SQLiteIndex(self._file(f"{service}-index.db", INDEX_PAGES), tables, version)

    def consumer_store(self, service: str) -> ConsumerStore:
        """Where the service's consumers have come to."""
        if self._database is not None:
            migrations.require(self._database, service)
            return PostgresConsumerStore(migrations.log_of(self._database, service))
        return SQLiteConsumerStore(self._file(f"{service}-consumers.db"))

    def lease(self, service: str) -> Lease:
        """What the processes of the service that share these stores lead by."""
        if self._database is not None:
            migrations.require(self._database, service)
            return PostgresLease(migrations.log_of(self._database, service))
        return SQLiteLease(self._file(f"{service}-lease.db"))

    def bus(self) -> Bus:
        """The bus that the services share."""
        if self._cluster is not None:
            from services.chassis.kafka.bus import KafkaBus

            return KafkaBus(self._cluster)
        return EmbeddedBus(self._file("bus.db", LOG_PAGES))
