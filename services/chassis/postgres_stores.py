"""The stores of services in a database of PostgreSQL, as `Stores` opens them where the settings name one.

Imported then and not before: the driver and what migrates cost a start without a database a tenth of its time.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.conninfo import conninfo_to_dict

from services.chassis.audit.store import AuditStore
from services.chassis.audit.store_postgres import PostgresAuditStore
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.delivery.consumer_store_postgres import PostgresConsumerStore
from services.chassis.engines import migrations
from services.chassis.engines.postgres import RefusedDatabase, refuse_database_functions, refused_database
from services.chassis.engines.store_health import StoreHealth
from services.chassis.index.index import Index, Table
from services.chassis.index.postgres import PostgresIndex
from services.chassis.leading.lease import Lease
from services.chassis.leading.lease_postgres import PostgresLease
from services.chassis.leading.shares import Shares
from services.chassis.leading.shares_postgres import PostgresShares
from services.chassis.log.epochs import Epochs
from services.chassis.log.epochs_postgres import epochs_in_database
from services.chassis.log.event_log import EventLog
from services.chassis.log.event_types import EventTypes
from services.chassis.log.postgres import PostgresEventLog
from services.chassis.log.snapshots import SnapshotStore
from services.chassis.log.snapshots_postgres import PostgresSnapshots
from services.chassis.store_opener import INDEX
from services.chassis.vault.postgres import PostgresVault
from services.chassis.vault.vault import Vault


class PostgresStores:
    """The stores in one database. Each is opened as `StoreOpener` says, and tells its health how it stands.

    Opening raises RefusedDatabase when the database cannot be used or lacks a migration.
    """

    def __init__(self, url: str) -> None:
        refuse_database_functions()
        self._url = url

    @property
    def described(self) -> str:
        """The place of the database, without user and password."""
        given = conninfo_to_dict(self._url)
        host, port = given.get("host") or given.get("hostaddr"), given.get("port")
        place = f" at {host}{f':{port}' if port else ''}" if host else ""
        return f"PostgreSQL{place}, database {given.get('dbname') or given.get('user') or 'by default'}"

    def require_writable(self) -> None:
        """Raises RefusedDatabase when the database takes no writes."""
        try:
            with psycopg.connect(self._url, connect_timeout=5) as connection:
                (read_only,) = connection.execute("SELECT current_setting('transaction_read_only')").fetchone() or ("",)
        except psycopg.Error as failure:
            raise refused_database(failure) from None
        if read_only == "on":
            raise RefusedDatabase(
                "the database of CASERELAY_DATABASE_URL takes no writes (25006): name the primary server, or set"
                " default_transaction_read_only off"
            )

    def holds(self, service: str) -> bool:
        """See `StoreOpener.holds`."""
        return not migrations.missing(self._url, service)

    def event_log(self, service: str, types: EventTypes, health: StoreHealth) -> EventLog:
        """See `StoreOpener.event_log`."""
        migrations.require(self._url, service)
        place, vault = migrations.log_of(self._url, service), migrations.vault_of(self._url, service)
        return PostgresEventLog(service, place, types, health, vault=vault)

    def epochs(self, service: str) -> Epochs:
        """See `StoreOpener.epochs`."""
        return epochs_in_database(migrations.log_of(self._url, service))

    def audit(self, service: str, health: StoreHealth) -> AuditStore:
        """See `StoreOpener.audit`."""
        migrations.require(self._url, service)
        return PostgresAuditStore(migrations.log_of(self._url, service), health)

    def snapshots(self, service: str) -> SnapshotStore:
        """See `StoreOpener.snapshots`."""
        return PostgresSnapshots(migrations.index_of(self._url, service))

    def vault(self, service: str, health: StoreHealth) -> Vault:
        """See `StoreOpener.vault`."""
        migrations.require(self._url, service)
        return PostgresVault(migrations.vault_of(self._url, service), health=health)

    def index(self, service: str, tables: Sequence[Table], version: int, health: StoreHealth, kept_as: str) -> Index:
        """See `StoreOpener.index`."""
        migrations.require(self._url, service)
        place, prefix = migrations.index_of(self._url, service), "" if kept_as == INDEX else f"{kept_as}_"
        return PostgresIndex(place, tables, version, health, prefix=prefix)

    def consumer_store(self, service: str, health: StoreHealth) -> ConsumerStore:
        """See `StoreOpener.consumer_store`."""
        migrations.require(self._url, service)
        return PostgresConsumerStore(migrations.log_of(self._url, service), health)

    def lease(self, service: str, health: StoreHealth) -> Lease:
        """See `StoreOpener.lease`."""
        migrations.require(self._url, service)
        return PostgresLease(migrations.log_of(self._url, service), health)

    def shares(self, service: str, health: StoreHealth) -> Shares:
        """See `StoreOpener.shares`."""
        migrations.require(self._url, service)
        return PostgresShares(migrations.log_of(self._url, service), health)
