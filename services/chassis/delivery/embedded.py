"""The embedded bus: topics in one SQLite file beside the logs.

A power failure may cost it its newest commits (synchronous=NORMAL), but no messages: publishers continue after the
last position that the bus still holds, and the logs hold everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from services.chassis.delivery.bus import Batch, BusMessage, Places
from services.chassis.delivery.whole_topic import WholeTopicSubscription, batch_of
from services.chassis.engines.sqlite_connection import open_kept, probed
from services.chassis.engines.sqlite_wakeup import LOOK_SECONDS, SQLiteWakeup
from services.chassis.engines.store_health import StoreHealth
from services.chassis.engines.turns import in_turn

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  topic TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (topic, position));
CREATE TABLE IF NOT EXISTS progress (topic TEXT PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;
"""


class EmbeddedBus:
    """A `Bus` in one SQLite file, shared by all services of this machine."""

    follows_to_know = False

    def __init__(self, path: Path, health: StoreHealth | None = None, look_seconds: float = LOOK_SECONDS) -> None:
        """`look_seconds`: how often a waiter looks even when no other process rang."""
        path.parent.mkdir(parents=True, exist_ok=True)
        health = health or StoreHealth("bus")
        self._db = open_kept(path, health, synchronous="NORMAL", schema=_SCHEMA)
        probed(path, self._db)
        self._wakeup = SQLiteWakeup(path, health, look_seconds)

    async def publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        """See `Bus.publish`."""
        await in_turn(lambda: self._publish(topic, messages, through))
        self._wakeup.notify()

    def _publish(self, topic: str, messages: Sequence[BusMessage], through: int) -> None:
        with self._db.transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO messages (topic, position, key, id, body) VALUES (?,?,?,?,?)",
                [(topic, m.position, m.key, m.id, m.body) for m in messages],
            )
            self._db.execute(
                "INSERT INTO progress VALUES (?, ?) ON CONFLICT DO UPDATE SET through = MAX(through, excluded.through)",
                (topic, through),
            )

    def through(self, topic: str) -> int:
        """The source position up to which the topic is complete."""
        row = self._db.execute("SELECT through FROM progress WHERE topic = ?", (topic,)).fetchone()
        return int(row[0]) if row else 0

    async def resume(self, topic: str) -> int:
        """See `Bus.resume`."""
        return self.through(topic)

    async def published_through(self, topic: str) -> int:
        """See `Bus.published_through`."""
        return self.through(topic)

    async def topics(self, prefix: str) -> Sequence[str]:  # noqa: ARG002 - nobody outside reads this file
        """See `Bus.topics`."""
        return ()

    def read(self, topic: str, after: int, limit: int) -> Batch:
        """Up to `limit` messages behind source position `after`."""
        # Progress first: a message committed between the two looks is then read now, never skipped.
        through = self.through(topic)
        rows = self._db.execute(
            "SELECT position, key, id, body FROM messages WHERE topic = ? AND position > ? AND position <= ?"
            " ORDER BY position LIMIT ?",
            (topic, after, through, limit),
        ).fetchall()
        return batch_of([BusMessage(*row) for row in rows], after=after, through=through, limit=limit)

    async def wait(self, topic: str, after: int, timeout: float) -> None:
        """Returns when the topic may be complete beyond `after`, or after `timeout` seconds."""
        await self._wakeup.wait(lambda: self.through(topic) > after, timeout)

    def subscribe(self, topic: str, group: str, saved: Callable[[], Awaitable[Places]]) -> WholeTopicSubscription:  # noqa: ARG002 - all members read the same
        """See `Bus.subscribe`."""
        return WholeTopicSubscription("embedded", self, topic, saved)

    async def close(self) -> None:
        """See `Bus.close`."""
        self._wakeup.close()
        self._db.close()
