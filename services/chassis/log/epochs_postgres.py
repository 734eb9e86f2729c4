"""The epochs of a log in PostgreSQL: a table in the log's schema, which notices by itself that it was restored.

`pg_restore` makes the table again, often in another database or cluster, so it is not the one in which the last epoch
began. A cluster that was itself put back to an earlier time cannot tell: its operator says so (docs/operating.md).
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from services.chassis.engines.postgres import Database, refused_database
from services.chassis.log.epochs import Epochs, Row, another

_STORED: Final = "SELECT name, begins, key FROM log_epochs ORDER BY number"
_HERE: Final = """
SELECT concat_ws('/', system_identifier, pg_database.oid, 'log_epochs'::regclass::oid),
  (SELECT place FROM log_epochs ORDER BY number DESC LIMIT 1)
FROM pg_control_system(), pg_database WHERE datname = current_database()"""
_HEAD: Final = "SELECT coalesce(max(notification_id), 0) FROM stored_events"
_BEGIN: Final = "INSERT INTO log_epochs (name, begins, key, place) VALUES (%s, %s, %s, %s)"


def epochs_in_database(database: Database) -> Epochs:
    """The epochs of the log in a schema; another one begins where the log was restored. Raises RefusedDatabase."""
    try:
        with psycopg.connect(database.conninfo, autocommit=True) as connection:
            here, begun = _places(connection)
            if here != begun:
                with connection.transaction():
                    # Replicas start at once: the second finds what the first has begun.
                    connection.execute("LOCK TABLE log_epochs IN EXCLUSIVE MODE")
                    here, begun = _places(connection)
                    if here != begun:
                        _begin(connection, here)
            return Epochs.of(_stored(connection))
    except psycopg.Error as failure:
        raise refused_database(failure) from None


def _places(connection: psycopg.Connection[Any]) -> tuple[str, str | None]:
    """Where the table is, and where it was when the last epoch began."""
    here, begun = connection.execute(_HERE).fetchone() or ("", None)
    return here, begun


def _stored(connection: psycopg.Connection[Any]) -> list[Row]:
    return [(name, begins, bytes(key)) for name, begins, key in connection.execute(_STORED)]


def _begin(connection: psycopg.Connection[Any], here: str) -> None:
    (head,) = connection.execute(_HEAD).fetchone() or (0,)
    connection.execute(_BEGIN, (*another(_stored(connection), head), here))
