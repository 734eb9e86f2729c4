"""Where consumers keep their places and the messages that wait aside, in the schema of the service's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

from services.chassis.delivery.bus import BusMessage, Place, Places
from services.chassis.delivery.consumer_store import Parked
from services.chassis.engines.postgres import Database, Inline, as_a_log
from services.chassis.engines.store_health import StoreHealth

_ADVANCE: Final = """
INSERT INTO consumer_places AS saved (bus, topic, partition, place, position)
SELECT %s, %s, partition, place, position FROM unnest(%s::integer[], %s::bigint[], %s::bigint[])
  AS given (partition, place, position)
ON CONFLICT (bus, topic, partition) DO UPDATE SET place = excluded.place, position = excluded.position
WHERE saved.position <= excluded.position"""
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
_FIRST_OF: Final = """
SELECT position, key, id, body, tries, failure, retry_at
FROM consumer_parked WHERE topic = %s AND key = %s ORDER BY position LIMIT 1"""


class PostgresConsumerStore:
    """A `ConsumerStore` in one schema. Every statement may be repeated, so a lost connection is no failure."""

    def __init__(self, database: Database, health: StoreHealth | None = None) -> None:
        health = health or StoreHealth("consumers")
        as_a_log(database, health)
        self._inline = Inline(database, health)

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._inline.repeat(lambda connection: connection.execute(statement, values).fetchall())

    def _do(self, statement: str, *values: object) -> None:
        self._inline.repeat(lambda connection: connection.execute(statement, values))

    def places(self, bus: str, topic: str) -> Places:
        """See `ConsumerStore.places`."""
        rows = self._rows(
            "SELECT partition, place, position FROM consumer_places WHERE bus = %s AND topic = %s", bus, topic
        )
        return {partition: Place(offset, position) for partition, offset, position in rows}

    def advance(self, bus: str, topic: str, places: Places, parked: Sequence[Parked] = ()) -> None:
        """See `ConsumerStore.advance`."""
        # In one order whoever writes: two that save the same rows then wait for each other, and do not lock up.
        partitions = sorted(places)
        columns = (partitions, [places[one].offset for one in partitions], [places[one].position for one in partitions])

        def advance(connection: Connection[Any]) -> None:
            if not parked:
                connection.execute(_ADVANCE, (bus, topic, *columns))
                return
            with connection.transaction():
                # Unlike a place, which is made up for by the next one: what is put aside is nowhere else.
                connection.execute("SET LOCAL synchronous_commit = on")
                for one in parked:
                    connection.execute(_PARK, _values(topic, one))
                connection.execute(_ADVANCE, (bus, topic, *columns))

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

    def first_parked_of(self, topic: str, key: str) -> Parked | None:
        """See `ConsumerStore.first_parked_of`."""
        rows = self._rows(_FIRST_OF, topic, key)
        return Parked(BusMessage(*rows[0][:4]), *rows[0][4:]) if rows else None

    def count_parked(self, topic: str) -> int:
        """See `ConsumerStore.count_parked`."""
        return int(self._rows("SELECT count(*) FROM consumer_parked WHERE topic = %s", topic)[0][0])

    def close(self) -> None:
        """See `ConsumerStore.close`."""
        self._inline.close()


def _values(topic: str, one: Parked) -> tuple[object, ...]:
    m = one.message
    return (topic, m.position, m.key, m.id, m.body, one.tries, one.failure, one.retry_at)
