"""Where consumers keep their positions and the messages that wait aside, in the schema of the service's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

from services.chassis.bus import BusMessage
from services.chassis.consumer_store import Parked
from services.chassis.postgres import Database, Inline

_ADVANCE: Final = """
INSERT INTO consumer_positions VALUES (%s, %s) ON CONFLICT (topic) DO UPDATE
SET through = greatest(consumer_positions.through, excluded.through)"""
_PARK: Final = """
INSERT INTO consumer_parked (topic, position, key, id, body, tries, failure, retry_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (topic, position) DO UPDATE
SET tries = excluded.tries, failure = excluded.failure, retry_at = excluded.retry_at"""
_PARKED: Final = """
SELECT position, key, id, body, tries, failure, retry_at FROM consumer_parked WHERE topic = %s ORDER BY position"""
_FIRST: Final = """
SELECT * FROM (
  SELECT DISTINCT ON (key) position, key, id, body, tries, failure, retry_at
  FROM consumer_parked WHERE topic = %s ORDER BY key, position
) AS oldest ORDER BY position"""


class PostgresConsumerStore:
    """A `ConsumerStore` in one schema. Every statement may be repeated, so a lost connection is no failure."""

    def __init__(self, database: Database) -> None:
        self._inline = Inline(database)

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._inline.repeat(lambda connection: connection.execute(statement, values).fetchall())

    def _do(self, statement: str, *values: object) -> None:
        self._inline.repeat(lambda connection: connection.execute(statement, values))

    def through(self, topic: str) -> int:
        """See `ConsumerStore.through`."""
        rows = self._rows("SELECT through FROM consumer_positions WHERE topic = %s", topic)
        return int(rows[0][0]) if rows else 0

    def advance(self, topic: str, through: int, parked: Sequence[Parked] = ()) -> None:
        """See `ConsumerStore.advance`."""

        def advance(connection: Connection[Any]) -> None:
            if not parked:
                connection.execute(_ADVANCE, (topic, through))
                return
            with connection.transaction():
                for one in parked:
                    connection.execute(_PARK, _values(topic, one))
                connection.execute(_ADVANCE, (topic, through))

        self._inline.repeat(advance)

    def park(self, topic: str, one: Parked) -> None:
        """See `ConsumerStore.park`."""
        self._do(_PARK, *_values(topic, one))

    def unpark(self, topic: str, position: int) -> None:
        """See `ConsumerStore.unpark`."""
        self._do("DELETE FROM consumer_parked WHERE topic = %s AND position = %s", topic, position)

    def parked_keys(self, topic: str) -> set[str]:
        """See `ConsumerStore.parked_keys`."""
        return {row[0] for row in self._rows("SELECT DISTINCT key FROM consumer_parked WHERE topic = %s", topic)}

    def parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.parked`."""
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in self._rows(_PARKED, topic)]

    def first_parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.first_parked`."""
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in self._rows(_FIRST, topic)]

    def count_parked(self, topic: str) -> int:
        """See `ConsumerStore.count_parked`."""
        return int(self._rows("SELECT count(*) FROM consumer_parked WHERE topic = %s", topic)[0][0])

    def close(self) -> None:
        """See `ConsumerStore.close`."""
        self._inline.close()


def _values(topic: str, one: Parked) -> tuple[object, ...]:
    m = one.message
    return (topic, m.position, m.key, m.id, m.body, one.tries, one.failure, one.retry_at)
