"""The feed of an organisation as a topic of its own, for systems that would rather follow Kafka than poll.

An organisation gets a topic when an operator creates it (`caserelay bus topics --organisation`). The same
policy as for the feed decides what goes into it, page by page, at the moment of publishing. A topic that is created
later begins with what the organisation may see then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

from pydantic_core import to_json

from contracts.codes import Role
from contracts.telling_codes import TellingState, ToldBy
from services.chassis.access.identity import Caller
from services.chassis.delivery.bus import Bus, BusMessage
from services.chassis.index.index import IndexReader
from services.chassis.index.projection import Projection
from services.chassis.log.event_log import EventLog
from services.notifications.access import READ_FEED
from services.notifications.lists import messages_at, page
from services.notifications.read_receipts import ReadReceipts

PREFIX: Final = "caserelay.organisation."
VERSION: Final = ".v1"
AT_ONCE: Final = 200
LOOK_FOR_TOPICS_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 1.0


def topic_of(organisation: str) -> str:
    """The topic with what one organisation may see."""
    return f"{PREFIX}{organisation}{VERSION}"


def reader_of(topic: str) -> Caller:
    """In whose name a topic is filled: a data protection officer sees everything that their organisation sees."""
    return Caller("organisation-topic", topic.removeprefix(PREFIX).removesuffix(VERSION), Role.DPO)


class OrganisationTopics:
    """Publishes the feed of every organisation that has a topic."""

    def __init__(
        self, bus: Bus, log: EventLog, index: IndexReader, projection: Projection, receipts: ReadReceipts
    ) -> None:
        """The projection is that of the index; the leader fills both the index and the topics."""
        self._bus = bus
        self._receipts = receipts
        self._log = log
        self._index = index
        self._projection = projection
        self._through: dict[str, int] = {}
        self._topics: list[str] = []
        self._looked_at = float("-inf")

    def forget(self) -> None:
        """Another process may have published meanwhile: it asks the bus again for the topics and where to continue."""
        self._through.clear()
        self._topics, self._looked_at = [], float("-inf")

    async def behind(self) -> dict[str, int]:
        """How many positions of the log each topic that is filled here still lacks."""
        head = await self._log.head() if self._topics else 0
        return {topic: max(0, head - await self._bus.published_through(topic)) for topic in self._topics}

    async def round(self) -> None:
        """Publishes new messages, or waits a while for some."""
        if time.monotonic() - self._looked_at > LOOK_FOR_TOPICS_SECONDS:
            self._topics = [topic for topic in await self._bus.topics(PREFIX) if topic.endswith(VERSION)]
            self._looked_at = time.monotonic()
        move, known = self._projection.next_move(), await self._projection.through()
        moved, failures = False, list[Exception]()
        for topic in self._topics:
            try:
                moved |= await self._carry(topic, known)
            except Exception as failure:  # noqa: BLE001 - one topic must not hold up the other organisations
                failures.append(failure)
        if failures:
            raise failures[0]
        if not moved:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await move.wait()

    async def _carry(self, topic: str, known: int) -> bool:
        if topic not in self._through:
            self._through[topic] = await self._bus.resume(topic)
        after = self._through[topic]
        if after >= known:
            return False
        # Asked again after a failure: the bus may have been lost and made again.
        del self._through[topic]
        found = await page(self._index, reader_of(topic), READ_FEED, after=after, limit=AT_ONCE, types=None)
        events = await messages_at(self._log, found.positions)
        messages = [
            BusMessage(position, event["partitionkey"], event["id"], to_json(event))
            for position, event in zip(found.positions, events, strict=True)
        ]
        await self._bus.publish(topic, messages, found.next)
        self._through[topic] = found.next
        if messages:
            organisation = reader_of(topic).org
            self._receipts.note_organisation(organisation, ToldBy.KAFKA, TellingState.SENT, None, found.positions[-1])
        return found.next > after
