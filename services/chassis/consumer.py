"""Following a topic: every message is handled, in order per key; one that fails waits aside and holds up only its key.

The effect of a message carries the message's id in its own transaction (`Call.causation_id`), so a repeat after a
crash changes nothing, and the saved position only says where to go on. A message that fails is parked, tried again
with growing pauses, and after the last try given up for an operator; later messages of its key queue up behind it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from contracts.message import CloudEvent
from services.chassis.bus import Bus, BusMessage
from services.chassis.consumer_store import ConsumerStore, Parked

READ_AT_ONCE = 100
IDLE_SECONDS = 5.0
TRIES = 8
FIRST_PAUSE_SECONDS = 0.2
BEHIND_ANOTHER = "BehindAnother"

log = logging.getLogger(__name__)

React = Callable[[CloudEvent], Awaitable[None]]


class Consumer:
    """Follows one topic for one service."""

    def __init__(self, topic: str, bus: Bus, store: ConsumerStore, react: React) -> None:
        self.topic = topic
        self._bus = bus
        self._store = store
        self._react = react
        self._moved = asyncio.Condition()

    @property
    def through(self) -> int:
        """The source position that is covered: everything that follows from messages up to it is stored or parked."""
        return self._store.through(self.topic)

    @property
    def parked(self) -> int:
        """How many messages wait aside."""
        return self._store.count_parked(self.topic)

    async def behind(self) -> int:
        """How many published source positions are not covered yet."""
        return max(0, await self._bus.published_through(self.topic) - self.through)

    async def round(self) -> None:
        """Handles what is new, or waits a while for something new."""
        after = self.through
        batch = await self._bus.read(self.topic, after, READ_AT_ONCE)
        if batch.through <= after:
            # Another process that shares the position may have come here first, and cannot wake those who wait here.
            async with self._moved:
                self._moved.notify_all()
            await self._bus.wait(self.topic, after, IDLE_SECONDS)
            return
        by_key: dict[str, list[BusMessage]] = {}
        for message in batch.messages:
            by_key.setdefault(message.key, []).append(message)
        waiting = self._store.parked_keys(self.topic) if by_key else set()
        # Keys side by side, so that their commits are shared; within a key one after the other.
        aside = await asyncio.gather(
            *(self._handle_key(messages, blocked=key in waiting) for key, messages in by_key.items())
        )
        self._store.advance(self.topic, batch.through, [one for some in aside for one in some])
        async with self._moved:
            self._moved.notify_all()

    async def _handle_key(self, messages: Sequence[BusMessage], *, blocked: bool) -> list[Parked]:
        aside: list[Parked] = []
        for message in messages:
            if blocked:
                aside.append(Parked(message, 0, BEHIND_ANOTHER, time.time()))
                continue
            try:
                await self._react(CloudEvent.model_validate_json(message.body))
            except Exception as failure:  # noqa: BLE001 - whatever it is, it must not hold up other cases
                aside.append(self._failed(message, 0, failure))
                blocked = True
        return aside

    def _failed(self, message: BusMessage, tries: int, failure: Exception) -> Parked:
        tries += 1
        name = type(failure).__name__
        log.warning("a message failed", extra={"topic": self.topic, "message_id": message.id, "failure": name})
        retry_at = time.time() + FIRST_PAUSE_SECONDS * 2 ** (tries - 1) if tries < TRIES else None
        return Parked(message, tries, name, retry_at)

    async def retry_round(self) -> None:
        """Tries parked messages whose time has come, oldest of each key first; then waits a while."""
        handled = True
        while handled:
            # Again after a success: the next message of the key is then the first.
            now = time.time()
            first = self._store.first_parked(self.topic)
            due = [one for one in first if one.retry_at is not None and one.retry_at <= now]
            handled = any([await self._retry(one) for one in due])
        await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _retry(self, one: Parked) -> bool:
        try:
            await self._react(CloudEvent.model_validate_json(one.message.body))
        except Exception as failure:  # noqa: BLE001 - as above
            self._store.park(self.topic, self._failed(one.message, one.tries, failure))
            return False
        self._store.unpark(self.topic, one.message.position)
        return True

    async def redrive(self) -> int:
        """Gives every message that was given up its tries again; returns how many."""
        given_up = [one for one in self._store.parked(self.topic) if one.retry_at is None]
        for one in given_up:
            self._store.park(self.topic, Parked(one.message, 0, one.failure, time.time()))
        return len(given_up)

    async def wait_through(self, position: int) -> None:
        """Returns once `position` is covered. The caller bounds the wait."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.through >= position)
