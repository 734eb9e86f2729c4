"""Where consumers keep their places and parked messages, in the schema of the service's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg import AsyncConnection

from services.chassis.delivery.bus import BusMessage, Place, Places
from services.chassis.delivery.consumer_store import Parked
from services.chassis.engines.postgres import Database, as_a_log, make_undemanding
from services.chassis.engines.postgres_connections import Connections
from services.chassis.engines.store_health import StoreHealth

_ADVANCE: Final = """
INSERT INTO consumer_places AS saved (bus, topic, partition, place, position)
SELECT %s, %s, partition, place, position FROM unnest(%s::integer[], %s::bigint[], %s::bigint[])
  AS given (partition, place, position)
ON CONFLICT (bus, topic, partition) DO UPDATE SET place = excluded.place, position = excluded.position
WHERE saved.position <= excluded.position"""
_BEGINNING: Final = """
SELECT DISTINCT key, NULL::integer, NULL::bigint, NULL::bigint FROM consumer_parked WHERE topic = %s
UNION ALL SELECT NULL, partition, place, position FROM consumer_places WHERE bus = %s AND topic = %s"""
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
    """A `ConsumerStore` in one schema. Every statement may be repeated, so a lost connection is no failure.

    By default its commits do not wait for the disk: the bus still has what a crash of the server loses, and a crash
    loses the newest commits, never an older one.
    """

    def __init__(self, database: Database, health: StoreHealth | None = None) -> None:
        self._health = health or StoreHealth("consumers")
        as_a_log(database, self._health)
        # One is enough: what a consumer asks, it asks step by step.
        self._connections = Connections(database, self._health, make_undemanding)

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async def rows(connection: AsyncConnection[Any]) -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, values)).fetchall()

        return await self._connections.repeat(rows)

    async def _do(self, statement: str, *values: object) -> None:
        async def do(connection: AsyncConnection[Any]) -> None:
            await connection.execute(statement, values)

        await self._connections.repeat(do)

    async def places(self, bus: str, topic: str) -> Places:
        """See `ConsumerStore.places`."""
        rows = await self._rows(
            "SELECT partition, place, position FROM consumer_places WHERE bus = %s AND topic = %s", bus, topic
        )
        return {partition: Place(offset, position) for partition, offset, position in rows}

    async def beginning(self, bus: str, topic: str) -> tuple[Places, set[str]]:
        """See `ConsumerStore.beginning`."""
        rows = await self._rows(_BEGINNING, topic, bus, topic)
        places = {partition: Place(offset, position) for key, partition, offset, position in rows if key is None}
        return places, {key for key, *_ in rows if key is not None}

    async def advance(self, bus: str, topic: str, places: Places, parked: Sequence[Parked] = ()) -> None:
        """See `ConsumerStore.advance`."""
        # Every writer uses the same order: two that save the same rows then wait for each other, and do not deadlock.
        partitions = sorted(places)
        columns = (
            partitions,
            [places[partition].offset for partition in partitions],
            [places[partition].position for partition in partitions],
        )

        async def advance(connection: AsyncConnection[Any]) -> None:
            if not parked:
                await connection.execute(_ADVANCE, (bus, topic, *columns))
                return
            async with connection.transaction():
                # A lost place is made up for by the next one, but a parked message is kept nowhere else.
                await connection.execute("SET LOCAL synchronous_commit = on")
                for parked_message in parked:
                    await connection.execute(_PARK, _values(topic, parked_message))
                await connection.execute(_ADVANCE, (bus, topic, *columns))

        await self._connections.repeat(advance)

    async def park(self, topic: str, parked: Parked) -> None:
        """See `ConsumerStore.park`."""
        await self._do(_PARK, *_values(topic, parked))

    async def unpark(self, topic: str, position: int) -> None:
        """See `ConsumerStore.unpark`."""
        await self._do("DELETE FROM consumer_parked WHERE topic = %s AND position = %s", topic, position)

    async def parked_keys(self, topic: str) -> set[str]:
        """See `ConsumerStore.parked_keys`."""
        return {row[0] for row in await self._rows("SELECT DISTINCT key FROM consumer_parked WHERE topic = %s", topic)}

    async def parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.parked`."""
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in await self._rows(_PARKED, topic)]

    async def first_parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.first_parked`."""
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in await self._rows(_FIRST, topic)]

    async def first_parked_of(self, topic: str, key: str) -> Parked | None:
        """See `ConsumerStore.first_parked_of`."""
        rows = await self._rows(_FIRST_OF, topic, key)
        return Parked(BusMessage(*rows[0][:4]), *rows[0][4:]) if rows else None

    async def count_parked(self, topic: str) -> int:
        """See `ConsumerStore.count_parked`."""
        ((many,),) = await self._rows("SELECT count(*) FROM consumer_parked WHERE topic = %s", topic)
        return int(many)

    async def close(self) -> None:
        """See `ConsumerStore.close`."""
        self._connections.close()


def _values(topic: str, parked: Parked) -> tuple[object, ...]:
    message = parked.message
    return (
        topic,
        message.position,
        message.key,
        message.id,
        message.body,
        parked.tries,
        parked.failure,
        parked.retry_at,
    )
