"""Connections to PostgreSQL: which schema holds what, what a lost connection looks like, and how to get a new one.

Every service has three schemas in the database it is given: `caserelay_<service>` (log, consumers),
`caserelay_<service>_vault` and `caserelay_<service>_index`. They are reached through the search path, so that one
database can hold several services, and each service can as well have a database of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import PoolTimeout

from services.chassis.engines.store_health import NO_ANSWER, StoreHealth, Unavailable
from services.chassis.refused_start import RefusedStart

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


class RefusedDatabase(RefusedStart):
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
                "CASERELAY_DATABASE_URL is not a PostgreSQL address, such as postgresql://user@host:5432/name"
            ) from None
        options = f"{given.pop('options', '') or ''} -c search_path={self.schema}"
        # A message that has its values in it is written in UTF-8, whatever the database keeps.
        known = {
            "application_name": "caserelay",
            **_TCP,
            **given,
            "client_encoding": "UTF8",
            "options": options.strip(),
        }
        return make_conninfo("", **known)


def is_lost(failure: psycopg.Error) -> bool:
    """Whether the connection or the server went away, so that a new connection may do better.

    Not so a full disk or a lock that could not be had: there the server has answered.
    """
    # The second: the server has become a stand-by.
    if isinstance(failure, psycopg.errors.IdleInTransactionSessionTimeout | psycopg.errors.ReadOnlySqlTransaction):
        return True
    if not isinstance(failure, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = failure.sqlstate
    # 08: connection exceptions; 57P0x: shutting down, crashed, starting up; 53300: too many connections.
    return state is None or state[:2] == "08" or state[:4] == "57P0" or state == "53300"


_UNUSABLE: Final = ("08", "25006", "28", "3D000", "42501", "53", "55P03", "57", "58", "F0", "XX001", "XX002")
"""SQLSTATEs, or how they begin, that speak of the server, its disk or one's rights in it and not of what was asked
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
_PASSING: Final = ("55P03",)


def code_of(failure: psycopg.Error) -> str:
    """The SQLSTATE, or the class where the server gave none: psycopg's words name the host, or quote the data."""
    return failure.sqlstate or type(failure).__name__


def raise_unusable(failure: psycopg.Error, health: StoreHealth) -> None:
    """Raises Unavailable when the error speaks of the store; returns when it speaks of what was asked."""
    code = code_of(failure)
    if is_lost(failure) or isinstance(failure, PoolTimeout) or code.startswith(_UNUSABLE):
        raise health.failed(code, passing=code in _PASSING) from failure


def refused_database(failure: psycopg.Error | Unavailable, what: str = "the database") -> RefusedDatabase:
    """What to tell anyone who starts a process on a database that cannot be used."""
    code = failure.code if isinstance(failure, Unavailable) else code_of(failure)
    return RefusedDatabase(
        f"{what} of CASERELAY_DATABASE_URL cannot be used ({code}); check that the server runs, and that address,"
        " name, user, password and rights are as they should be"
    )


async def persist(
    work: Callable[[], Awaitable[T]], patience: float = PATIENCE_SECONDS, *, health: StoreHealth | None = None
) -> T:
    """Does work that may be repeated, again and again while the connection is lost; at last raises Unavailable.

    Work that gets no answer is cancelled then; whether it was done is unknown. `health` hears of a store that does not
    come back at the second try.
    """
    health = health or StoreHealth("store")
    until, pause = time.monotonic() + patience, FIRST_PAUSE
    while True:
        try:
            async with asyncio.timeout(max(until - time.monotonic(), FIRST_PAUSE)):
                return await work()
        except TimeoutError:
            raise health.failed(NO_ANSWER) from None
        except psycopg.Error as failure:
            if not (is_lost(failure) or isinstance(failure, PoolTimeout)) or time.monotonic() > until:
                raise_unusable(failure, health)
                raise
            if pause > FIRST_PAUSE:
                # Not only the connection, which may have been old.
                health.away(code_of(failure))
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
_ISOLATED = "SET default_transaction_isolation = 'read committed'"


Prepare = Callable[[AsyncConnection[Any]], Awaitable[None]]


async def connect(database: Database, also: Prepare | None = None) -> AsyncConnection[Any]:
    """A connection whose commits are durable, whatever the server's default is; unless `also` wants it otherwise."""
    connection = await AsyncConnection.connect(database.conninfo, autocommit=True)
    await prepare(connection, also)
    return connection


async def prepare(connection: AsyncConnection[Any], also: Prepare | None = None) -> None:
    """Makes commits durable, and lets every statement see what was committed before it; closes it when that fails."""
    try:
        await connection.execute(_DURABLE)
        await connection.execute(_ISOLATED)
        if also is not None:
            await also(connection)
    except BaseException:
        # Its caller never sees it and cannot close it: a listener or a pool that is stopped while it reconnects.
        await connection.close()
        raise


_UNDEMANDING: Final = (
    "SET synchronous_commit = off",
    # A process that is stopped in the middle of a transaction must not hold its locks for as long; and who waits for
    # one is told so, rather than taking the server for one that hangs.
    "SET idle_in_transaction_session_timeout = '2s'",
    "SET lock_timeout = '1s'",
)


async def make_undemanding(connection: AsyncConnection[Any]) -> None:
    """For what can be had again from the logs: commits do not wait for the disk, and nobody waits long for a lock."""
    for setting in _UNDEMANDING:
        await connection.execute(setting)


async def plan_each_time(connection: AsyncConnection[Any]) -> None:
    """The same for questions about lists; with a plan for the values at hand.

    One that shall suit any value and any size of a page reads a tenth of a long list for its first rows.
    """
    await make_undemanding(connection)
    await connection.execute("SET plan_cache_mode = force_custom_plan")


def connect_before_start(database: Database) -> Connection[Any]:
    """A connection to prepare what can be had again from the logs: it is waited for, as nobody else runs yet."""
    connection = psycopg.connect(database.conninfo, autocommit=True)
    try:
        connection.execute(_ISOLATED)
        for setting in _UNDEMANDING:
            connection.execute(setting)
    except BaseException:
        connection.close()
        raise
    return connection


PROBE_ROOM: Final = 65_536
"""Bytes that have to fit before a store counts as usable again: the next append may be as large."""


def probed(database: Database, health: StoreHealth, statement: str, values: Callable[[], Sequence[object]]) -> None:
    """Has the health ask by this statement whether the store can be written; nothing stays of what it writes."""

    async def probe() -> None:
        try:
            async with await connect(database) as connection, connection.transaction(force_rollback=True):
                await connection.execute("SET LOCAL lock_timeout = '1s'")
                await connection.execute("SET LOCAL statement_timeout = '3s'")
                await connection.execute(statement, values())
        except psycopg.Error as failure:
            raise Unavailable(health.store, code_of(failure)) from None

    health.probe = probe


def as_a_log(database: Database, health: StoreHealth) -> None:
    """Has the health ask by an event that never was, in the schema of a service's log."""
    # Random, since a page of zeros is compressed into nothing; and of a position that no reader asks for.
    statement = """INSERT INTO stored_events (notification_id, originator_id, originator_version, topic, state)
      VALUES (-1, 'probe', -1, 'probe', %b)"""
    probed(database, health, statement, lambda: (os.urandom(PROBE_ROOM),))
