"""The statement that stores a batch of commands in PostgreSQL: their events, their records, what they have only read.

It is one message and one transaction. The server begins when it has all of the message, so no lock is held for a client
that stops in the middle (docs/decisions/0050-one-round-trip.md).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection, sql

from services.chassis.engines.postgres import Database
from services.chassis.log.event_log import independent
from services.chassis.log.metadata import Metadata
from services.chassis.vault.sealing import Sealed
from services.chassis.vault.vault import Deposit

_APPENDED: Final = """append_events(%b::integer[], %b::text[], %b::bigint[], %b::text[], %b::bytea[],
  %b::integer[], %b::text[], %b::bigint[], %b::boolean)"""
_APPEND: Final = f"SELECT {_APPENDED}"
# Not before it is certain that the command is stored, so a conflict leaves no orphan; and a batch that was stored when
# the connection was lost does not meet its own references when it is sent again.
_APPEND_WITH_RECORDS: Final = f"""
WITH appended AS MATERIALIZED (SELECT {_APPENDED} AS positions),
numbered AS MATERIALIZED (
  SELECT ref, stream, key, record, nextval(pg_get_serial_sequence({{keys_name}}, 'slot')) AS slot
  FROM appended, unnest(%b::integer[], %b::text[], %b::text[], %b::bytea[], %b::bytea[])
    AS given (command, ref, stream, key, record)
  WHERE positions[command] > 0
), kept AS (
  INSERT INTO {{records}} (ref, stream, kept_at, slot, record)
    SELECT ref, stream, %b::float8, slot, record FROM numbered
), sealed AS (
  INSERT INTO {{keys}} (slot, key) OVERRIDING SYSTEM VALUE SELECT slot, key FROM numbered
)
SELECT positions FROM appended"""  # noqa: S608 - constants


class Encoded(NamedTuple):
    """An event with its place, as it is stored and as it was given."""

    stream: str
    version: int
    topic: str
    state: bytes
    event: Any
    meta: Metadata


class Append(NamedTuple):
    """What one command stores: `records` are those of `deposit`, if any are stored together with its events."""

    events: list[Encoded]
    read: list[tuple[str, int]]
    deposit: Deposit | None
    records: list[Sealed]

    @property
    def streams(self) -> list[str]:
        """Those that it writes, event by event."""
        return [event.stream for event in self.events]


class Appending:
    """Sends batches of appends."""

    def __init__(self, vault: Database | None) -> None:
        """`vault` is the schema of the records."""
        self._with_records = _naming(vault) if vault is not None else ""

    async def send(self, connection: AsyncConnection[Any], batch: Sequence[Append]) -> list[int | None]:
        """Of each command its last position; None for a conflict, -n where the n-th of all reads was stale.

        Raises psycopg.Error; unless the connection was lost, nothing is stored then.
        """
        events = [(*event[:4],) for append in batch for event in append.events]
        reads = [read for append in batch for read in append.read]
        values: list[Any] = [
            list(accumulate(len(append.events) for append in batch)),
            *(list(column) for column in zip(*events, strict=True)),
            list(accumulate(len(append.read) for append in batch)),
            [stream for stream, _ in reads],
            [version for _, version in reads],
            independent((append.streams, (stream for stream, _ in append.read)) for append in batch),
        ]
        statement = _APPEND
        if records := [(n, *record) for n, append in enumerate(batch, start=1) for record in append.records]:
            statement = self._with_records
            values += (list(column) for column in zip(*records, strict=True))
            values.append(time.time())
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(statement, values, prepare=True)
            (positions,) = await cursor.fetchone() or ([],)
        return list(positions)


def _naming(vault: Database) -> str:
    keys = sql.Identifier(vault.schema, "keys")
    names = {"records": sql.Identifier(vault.schema, "records"), "keys": keys}
    return sql.SQL(_APPEND_WITH_RECORDS).format(**names, keys_name=sql.Literal(keys.as_string())).as_string()
