"""Where consumers keep their places and parked messages, in one SQLite file per service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.chassis.delivery.bus import BusMessage, Place, Places
from services.chassis.delivery.consumer_store import Parked
from services.chassis.engines.sqlite_connection import open_kept, probed
from services.chassis.engines.store_health import StoreHealth
from services.chassis.engines.turns import in_turn

_SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
  bus TEXT NOT NULL, topic TEXT NOT NULL, part INTEGER NOT NULL, place INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (bus, topic, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parked (
  topic TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
  tries INTEGER NOT NULL, failure TEXT NOT NULL, retry_at REAL, PRIMARY KEY (topic, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parked_by_key ON parked (topic, key, position);
"""


class SQLiteConsumerStore:
    """A `ConsumerStore` in one SQLite file."""

    def __init__(self, path: Path, health: StoreHealth | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # When a power failure loses a place, its messages come again and change nothing; what was parked goes with it.
        self._db = open_kept(path, health or StoreHealth("consumers"), synchronous="NORMAL", schema=_SCHEMA)
        probed(path, self._db)

    async def places(self, bus: str, topic: str) -> Places:
        """See `ConsumerStore.places`."""
        rows = self._db.execute("SELECT part, place, position FROM places WHERE bus = ? AND topic = ?", (bus, topic))
        return {partition: Place(offset, position) for partition, offset, position in rows}

    async def beginning(self, bus: str, topic: str) -> tuple[Places, set[str]]:
        """See `ConsumerStore.beginning`."""
        # Places first: what another process parks meanwhile then counts as parked, and is at worst handled again.
        return await self.places(bus, topic), await self.parked_keys(topic)

    async def advance(self, bus: str, topic: str, places: Places, parked: Sequence[Parked] = ()) -> None:
        """See `ConsumerStore.advance`."""
        await in_turn(lambda: self._advance(bus, topic, places, parked))

    def _advance(self, bus: str, topic: str, places: Places, parked: Sequence[Parked]) -> None:
        with self._db.transaction():
            for parked_message in parked:
                self._park(topic, parked_message)
            self._db.executemany(
                "INSERT INTO places VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET place = excluded.place, position = excluded.position WHERE position <= excluded.position",
                [(bus, topic, partition, place.offset, place.position) for partition, place in places.items()],
            )

    def _park(self, topic: str, parked: Parked) -> None:
        message = parked.message
        self._db.execute(
            "INSERT OR REPLACE INTO parked (topic, position, key, id, body, tries, failure, retry_at)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (
                topic,
                message.position,
                message.key,
                message.id,
                message.body,
                parked.tries,
                parked.failure,
                parked.retry_at,
            ),
        )

    async def park(self, topic: str, parked: Parked) -> None:
        """See `ConsumerStore.park`."""
        await in_turn(lambda: self._advance("", topic, {}, [parked]))

    async def unpark(self, topic: str, position: int) -> None:
        """See `ConsumerStore.unpark`."""
        await in_turn(lambda: self._unpark(topic, position))

    def _unpark(self, topic: str, position: int) -> None:
        with self._db.transaction():
            self._db.execute("DELETE FROM parked WHERE topic = ? AND position = ?", (topic, position))

    async def parked_keys(self, topic: str) -> set[str]:
        """See `ConsumerStore.parked_keys`."""
        return {row[0] for row in self._db.execute("SELECT DISTINCT key FROM parked WHERE topic = ?", (topic,))}

    async def parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.parked`."""
        rows = self._db.execute(
            "SELECT position, key, id, body, tries, failure, retry_at FROM parked WHERE topic = ? ORDER BY position",
            (topic,),
        )
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in rows]

    async def first_parked(self, topic: str) -> list[Parked]:
        """See `ConsumerStore.first_parked`."""
        rows = self._db.execute(
            "SELECT position, key, id, body, tries, failure, retry_at FROM parked AS p WHERE topic = ? AND position ="
            " (SELECT MIN(position) FROM parked WHERE topic = p.topic AND key = p.key) ORDER BY position",
            (topic,),
        )
        return [Parked(BusMessage(*row[:4]), *row[4:]) for row in rows]

    async def first_parked_of(self, topic: str, key: str) -> Parked | None:
        """See `ConsumerStore.first_parked_of`."""
        row = self._db.execute(
            "SELECT position, key, id, body, tries, failure, retry_at FROM parked WHERE topic = ? AND key = ?"
            " ORDER BY position LIMIT 1",
            (topic, key),
        ).fetchone()
        return Parked(BusMessage(*row[:4]), *row[4:]) if row is not None else None

    async def count_parked(self, topic: str) -> int:
        """See `ConsumerStore.count_parked`."""
        return int(self._db.execute("SELECT COUNT(*) FROM parked WHERE topic = ?", (topic,)).fetchone()[0])

    async def close(self) -> None:
        """See `ConsumerStore.close`."""
        self._db.close()
