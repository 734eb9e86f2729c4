"""Connections to PostgreSQL: which schema holds what, what a lost connection looks like, and how to get a new one.

Every service has three schemas in the database it is given: `caserelay_<service>` (log, consumers),
`caserelay_<service>_vault` and `caserelay_<service>_index`. They are reached through the search path, so that one
database can hold several services, and each service can as well have a database of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import PoolTimeout

from services.chassis.eventlog import Unavailable

T = TypeVar("T")

PATIENCE_SECONDS: Final = 30.0
"""How long an operation goes on trying to reach a database that is away."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0

_TCP: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_REFUSED: Final = "POSTGRES_ENABLE_DB_FUNCTIONS"


class RefusedDatabase(Exception):  # noqa: N818 - reads as what happened
    """The database, or what was said about it, cannot be used as it is; the message says what to do."""


def refuse_database_functions(environment: Mapping[str, str] = os.environ) -> None:
    """Raises RefusedDatabase when the library's database functions are asked for: with them, readers lose events."""
    if environment.get(_REFUSED, "").strip().lower() not in {"", "0", "n", "no", "f", "false", "off"}:
        raise RefusedDatabase(
            f"{_REFUSED} is set: these functions draw positions without a lock, and events would be lost. Unset it."
        )


@dataclass(frozen=True)
class Database:
    """One schema of a database. Its `repr` does not show the address, which may hold a password."""

    url: str
    schema: str

    def __repr__(self) -> str:
        return f"Database({self.schema})"

    @property
    def conninfo(self) -> str:
        """Where and how to connect, for psycopg. Raises RefusedDatabase when the address cannot be read."""
        try:
            given = conninfo_to_dict(self.url)
        except psycopg.ProgrammingError:
            raise RefusedDatabase(
                "CASERELAY_DATABASE_URL is no PostgreSQL address, such as postgresql://user@host:5432/name"
            ) from None
        options = f"{given.pop('options', '') or ''} -c search_path={self.schema}"
        known = {"application_name": "caserelay", **_TCP, **given, "options": options.strip()}
        return make_conninfo("", **known)


def is_lost(failure: psycopg.Error) -> bool:
    """Whether the connection or the server went away, so that a new connection may do better.

    Not so a full disk or a lock that could not be had: there the server has answered.
    """
    if not isinstance(failure, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = failure.sqlstate
    # 08: connection exceptions; 57P0x: shutting down, crashed, starting up; 53300: too many connections; 25006: the
    # server has become a stand-by.
    return state is None or state[:2] == "08" or state[:4] == "57P0" or state in {"53300", "25006"}


async def persist(work: Callable[[], Awaitable[T]], patience: float = PATIENCE_SECONDS) -> T:
    """Does work that may be repeated, again and again while the connection is lost; at last raises Unavailable."""
    until, pause = time.monotonic() + patience, FIRST_PAUSE
    while True:
        try:
            return await work()
        except psycopg.Error as failure:
            if not (is_lost(failure) or isinstance(failure, PoolTimeout)):
                raise
            if time.monotonic() > until:
                raise Unavailable from None
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
_ISOLATED = "SET default_transaction_isolation = 'read committed'"


async def connect(database: Database) -> AsyncConnection[Any]:
    """A connection whose commits are durable, whatever the server's default is."""
    connection = await AsyncConnection.connect(database.conninfo, autocommit=True)
    try:
        await prepare(connection)
    except BaseException:
        # Whoever was to close it never sees it: a listener that is stopped while it connects anew.
        await connection.close()
        raise
    return connection


async def prepare(connection: AsyncConnection[Any]) -> None:
    """Makes commits durable, and lets every statement see what was committed before it."""
    await connection.execute(_DURABLE)
    await connection.execute(_ISOLATED)


class Inline:
    """One connection for short statements made inline on the event loop, opened again when it was lost.

    Its commits do not wait for the disk, and so do not hold up the loop: what is kept through it can be had again
    from the logs, and a crash of the server takes away the newest commits, never an older one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection[Any] | None = None

    def connection(self) -> Connection[Any]:
        """The connection; a new one when the last one is gone."""
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = Connection.connect(self._database.conninfo, autocommit=True)
            self._connection.execute(_ISOLATED)
            self._connection.execute("SET synchronous_commit = off")
        return self._connection

    def repeat(self, work: Callable[[Connection[Any]], T]) -> T:
        """Does work that may be done twice; once more on a new connection when the old one turns out to be lost."""
        try:
            return work(self.connection())
        except psycopg.Error as failure:
            if not is_lost(failure):
                raise
            self.close()
        try:
            return work(self.connection())
        except psycopg.OperationalError as failure:
            raise (Unavailable() if is_lost(failure) else failure) from None

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
