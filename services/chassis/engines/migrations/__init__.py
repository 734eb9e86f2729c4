"""The tables in PostgreSQL, as numbered SQL files that yoyo applies in their order, each in a transaction.

`service/` is the schema of log and consumers, `vault/` that of the personal data; every service has both. The index
has none: the service makes it, and rebuilds it from the log when its meaning changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import MigrationList, default_migration_table

from contracts.audited import ACCESS
from services.chassis.engines.postgres import Database, RefusedDatabase, refused_database

_FILES: Final = Path(__file__).parent
_APPLIED: Final = f"SELECT migration_id FROM {default_migration_table}"  # noqa: S608 - a constant
_LOCK: Final = "hashtext('caserelay migrate')"


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # the library carries no types
    """Makes sure that a migration that was killed can be run again.

    The library marks a migration after it was committed, notes the machine's user, whom a container need not have, and
    locks with a row that outlives its process.
    """

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 - the library's signature
        """Applies a migration and marks it, in one transaction."""
        with self.transaction():
            migration.process_steps(self, "apply", force=force)
            self.mark_one(migration, log=False)

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002 - the library's signature
        """Waits for other processes that migrate; the server releases the lock with the connection."""
        self.execute(f"SELECT pg_advisory_lock({_LOCK})")
        yield
        self.execute(f"SELECT pg_advisory_unlock({_LOCK})")


def log_of(url: str, service: str) -> Database:
    """The schema of a service's log and consumers."""
    return Database(url, f"caserelay_{service}")


def vault_of(url: str, service: str) -> Database:
    """The schema of a service's personal data."""
    return Database(url, f"caserelay_{service}_vault")


def index_of(url: str, service: str) -> Database:
    """The schema of what can be rebuilt from the service's log."""
    return Database(url, f"caserelay_{service}_index")


def _files(kind: str) -> MigrationList:
    return read_migrations(str(_FILES / kind))


@contextmanager
def _connected(database: Database) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(database.conninfo, autocommit=True) as connection:
            yield connection
    except psycopg.Error as failure:
        # Not the driver's words: they name the host, and the user.
        raise refused_database(failure) from None


def migrate(url: str, services: Iterable[str], access_url: str | None = None) -> list[str]:
    """Brings the schemas of these services up to date; returns the migrations applied, as `schema/migration`.

    With them those of the log of who read what, which all of them write: at `access_url`, or in the same database.

    Does nothing when they are up to date, and may run beside running services. Raises RefusedDatabase.
    """
    applied: list[str] = []
    for place, service in (*((url, service) for service in services), (access_url or url, ACCESS)):
        for database, kind in ((log_of(place, service), "service"), (vault_of(place, service), "vault")):
            _create_schema(database)
            applied += _apply(database, kind)
        _create_schema(index_of(place, service))
    return applied


def _create_schema(database: Database) -> None:
    with _connected(database) as connection, connection.transaction():
        # CREATE SCHEMA IF NOT EXISTS fails when two do it at once, and asks for a right that an owner may lack.
        connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        known = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (database.schema,)).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(database.schema)))


def _apply(database: Database, kind: str) -> list[str]:
    given = {name: value for name, value in conninfo_to_dict(database.conninfo).items() if name != "dbname"}
    name = conninfo_to_dict(database.conninfo).get("dbname")
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, name, given)
    try:
        backend = _Backend(uri, default_migration_table)
        try:
            backend.init_database()
            with backend.lock():
                pending = backend.to_apply(_files(kind))
                backend.apply_migrations(pending)
                return [f"{database.schema}/{migration.id}" for migration in pending]
        finally:
            backend.connection.close()
    except psycopg.Error as failure:
        raise refused_database(failure) from None


def missing(url: str, service: str) -> list[str]:
    """The migrations that a service's schemas lack. Raises RefusedDatabase."""
    lacks: list[str] = []
    for database, kind in ((log_of(url, service), "service"), (vault_of(url, service), "vault")):
        with _connected(database) as connection:
            known = connection.execute("SELECT to_regclass(%s)", (default_migration_table,)).fetchone()
            done = {row[0] for row in connection.execute(_APPLIED)} if known and known[0] else set()
        lacks += [f"{database.schema}/{migration.id}" for migration in _files(kind) if migration.id not in done]
    return lacks


def require(url: str, service: str) -> None:
    """Raises RefusedDatabase, naming the command that helps, when the service's schemas are not up to date."""
    if lacks := missing(url, service):
        raise RefusedDatabase(f"the database lacks {', '.join(lacks)}: run `caserelay migrate` with the same settings")
