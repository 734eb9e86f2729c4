"""Following a topic: every message is handled, in order per key; one that fails is parked and holds up only its key.

The effect of a message carries the message's id in its own transaction (`Call.causation_id`), so a repeat after a
crash changes nothing. The saved places say where to continue, and which messages were handled or parked. A message
that fails is parked, tried again with growing pauses, and given up after the last try, until an operator redrives it;
later messages of its key queue up behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.message import Envelope, open_envelope
from services.chassis.delivery.bus import Bus, BusMessage, Places
from services.chassis.delivery.consumer_store import ConsumerStore, Parked
from services.chassis.engines.store_health import Unavailable
from services.chassis.log.coverage import Coverage

IDLE_SECONDS = 5.0
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.005, 0.25
BEHIND_ANOTHER = "BehindAnother"

log = logging.getLogger(__name__)

React = Callable[[Envelope], Awaitable[None]]
ReactTogether = Callable[[Sequence[Envelope]], Awaitable[Iterable[int]]]
"""Takes in of several messages what goes together, and returns the numbers of those, from 0: the others come alone.
Of a key it takes none behind one that it did not take."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a consumer takes, how often it tries, and how long it waits, in seconds."""

    at_once: int = 100
    """Messages taken from the bus at a time."""
    tries: int = 8
    """The number of tries after which a message is given up until an operator redrives it."""
    first_pause: float = 0.2
    """The pause after the first failure of a message; each further failure doubles it."""
    patience: float = 10.0
    """How long a round waits for causes that are on their way. Even with a store that does not answer this is less
    than the time for which a member of a group may stay away."""
    look_again: float = 1.0
    """How often it checks the messages that wait for their cause, and those that another process parked."""


USUAL_PACE: Final = Pace()


class Standing(enum.Enum):
    """What has become of a message, as far as the processes of the service have saved it."""

    HANDLED = enum.auto()
    COMING = enum.auto()
    ASIDE = enum.auto()
    """It is parked and will be tried again."""
    GIVEN_UP = enum.auto()
    """It is parked until an operator redrives it."""


class BehindItsCause(Exception):  # noqa: N818 - reads as what happened
    """The cause of a message has to be handled first. This is not a failure, and does not count as a try.

    `soon`: the cause is on its way. Otherwise the message is parked until its cause was handled.
    """

    def __init__(self, *, soon: bool) -> None:
        super().__init__()
        self.soon = soon


class CauseGivenUp(BehindItsCause):
    """The cause of a message waits for an operator to redrive it, and so does the message; then both continue."""

    def __init__(self) -> None:
        super().__init__(soon=False)


class Consumer:
    """Follows one topic for one service, together with the service's other processes."""

    def __init__(
        self,
        service: str,
        topic: str,
        bus: Bus,
        store: ConsumerStore,
        react: React,
        pace: Pace = USUAL_PACE,
        *,
        together: ReactTogether | None = None,
    ) -> None:
        self.topic = topic
        self.pace = pace
        self._store = store
        self._react = react
        self._react_together = together
        self._subscription = bus.subscribe(topic, f"caserelay.{service}.{topic}", self._begin_at)
        self.coverage = Coverage(self.through)
        # When messages that are parked until their cause was handled are looked at again, by position.
        self._look_at: dict[int, float] = {}
        self._put_aside = asyncio.Event()
        self._nothing_parked = False
        """Known of the moment at which the places were last asked for, and of all that was handled here since."""
        self.ask: Callable[[], Awaitable[int | None]] | None = None
        """Who knows `through` without following the topic, if it is another process; None as its answer: it does not
        say."""

    async def _places(self) -> Places:
        return await self._store.places(self._subscription.bus, self.topic)

    async def _begin_at(self) -> Places:
        places, parked = await self._store.beginning(self._subscription.bus, self.topic)
        self._nothing_parked = not parked
        return places

    async def through(self) -> int:
        """The source position that is covered: every message up to it was handled or parked."""
        if self.ask is not None and (known := await self.ask()) is not None:
            return known
        return self._subscription.through(await self._places())

    async def parked(self) -> int:
        """How many messages are parked."""
        return await self._store.count_parked(self.topic)

    async def standing(self, key: str, position: int) -> Standing:
        """What has become of the message of a key at a source position."""
        # In this order: a parked message is saved together with the place after it.
        come = self._subscription.position_of(key, await self._places()) >= position
        first = await self._store.first_parked_of(self.topic, key)
        if first is not None and first.message.position <= position:
            return Standing.GIVEN_UP if first.retry_at is None else Standing.ASIDE
        return Standing.HANDLED if come else Standing.COMING

    async def retrying(self) -> bool:
        """Whether a parked message will be tried again without an operator."""
        return any(
            parked.retry_at is not None and parked.failure != CauseGivenUp.__name__
            for parked in await self._store.first_parked(self.topic)
        )

    async def behind(self) -> int:
        """How much of what was published is not covered yet."""
        return self._subscription.behind(await self._places())

    async def round(self) -> None:
        """Handles new messages, or waits a while for some."""
        batches = await self._subscription.take(self.pace.at_once, IDLE_SECONDS)
        if not batches:
            return
        by_key: dict[str, list[BusMessage]] = {}
        for batch in batches:
            for message in batch.messages:
                by_key.setdefault(message.key, []).append(message)
        waiting = set[str]() if self._nothing_parked or not by_key else await self._store.parked_keys(self.topic)
        taken = await self._take_together([message for batch in batches for message in batch.messages], waiting)
        alone = {
            key: left
            for key, messages in by_key.items()
            if (left := [message for message in messages if message.position not in taken])
        }
        aside = await self._handle_alone(alone, waiting) if alone else []
        places = {batch.partition: batch.place for batch in batches}
        self._nothing_parked &= not aside
        await self._store.advance(self._subscription.bus, self.topic, places, aside)
        if aside:
            self._put_aside.set()
        await self._subscription.taken(places)
        await self.coverage.moved()

    async def _handle_alone(self, by_key: Mapping[str, Sequence[BusMessage]], waiting: Container[str]) -> list[Parked]:
        until = time.monotonic() + self.pace.patience
        # Keys side by side, so that their commits are shared; within a key one after the other.
        found = await asyncio.gather(
            *(self._handle_key(messages, until, blocked=key in waiting) for key, messages in by_key.items()),
            return_exceptions=True,
        )
        aside = list[Parked]()
        for some in found:
            if isinstance(some, BaseException):
                # A store cannot be used: no fault of a message. All of them come again, and those that were handled
                # change nothing.
                raise some
            aside += some
        return aside

    async def _take_together(self, messages: Sequence[BusMessage], waiting: Container[str]) -> set[int]:
        if self._react_together is None or len(messages) < 2:
            return set()
        events, positions, unread = list[Envelope](), list[int](), set[str]()
        for message in messages:
            if message.key in waiting or message.key in unread:
                continue
            try:
                events.append(open_envelope(message.body))
            except Exception:  # noqa: BLE001 - it comes again alone, and is parked
                unread.add(message.key)
            else:
                positions.append(message.position)
        return {positions[number] for number in await self._react_together(events)}

    async def _handle_key(self, messages: Sequence[BusMessage], until: float, *, blocked: bool) -> list[Parked]:
        aside: list[Parked] = []
        for message in messages:
            if blocked:
                aside.append(Parked(message, 0, BEHIND_ANOTHER, time.time()))
                continue
            try:
                await self._react_in_time(open_envelope(message.body), until)
            except Unavailable:
                raise
            except Exception as failure:  # noqa: BLE001 - whatever it is, it must not hold up other cases
                aside.append(self._failed(message, 0, failure))
                blocked = True
        return aside

    async def _react_in_time(self, event: Envelope, until: float) -> None:
        pause = FIRST_LOOK_SECONDS
        while True:
            try:
                return await self._react(event)
            except BehindItsCause as held:
                if not held.soon or time.monotonic() > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_LOOK_SECONDS)

    def _failed(self, message: BusMessage, tries: int, failure: Exception) -> Parked:
        name = type(failure).__name__
        if isinstance(failure, BehindItsCause):
            return Parked(message, tries, name, time.time() + self.pace.look_again)
        tries += 1
        log.warning("a message failed", extra={"topic": self.topic, "message_id": message.id, "failure": name})
        retry_at = time.time() + self.pace.first_pause * 2 ** (tries - 1) if tries < self.pace.tries else None
        return Parked(message, tries, name, retry_at)

    async def retry_round(self) -> None:
        """Retries the parked messages that are due, oldest of each key first; then waits until another may be due."""
        self._put_aside.clear()
        waiting = await self._waiting()
        while due := [parked for at, parked in waiting if at <= time.time()]:
            handled = [await self._retry(parked) for parked in due]
            waiting = await self._waiting()
            # Again after a success: the next message of the key is then the first.
            if not any(handled):
                break
        next_at = min((at for at, _ in waiting), default=float("inf"))
        left = min(max(next_at - time.time(), FIRST_LOOK_SECONDS), self.pace.look_again)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._put_aside.wait()

    async def _waiting(self) -> list[tuple[float, Parked]]:
        """The first message of every key that is tried again, and when."""
        return [
            (max(parked.retry_at, self._look_at.get(parked.message.position, 0.0)), parked)
            for parked in await self._store.first_parked(self.topic)
            if parked.retry_at is not None
        ]

    async def _retry(self, parked: Parked) -> bool:
        # There may be many, and the leader has other work to do.
        await asyncio.sleep(0)
        position = parked.message.position
        self._look_at.pop(position, None)
        try:
            await self._react(open_envelope(parked.message.body))
        except Unavailable:
            # As in a round: no try of the message.
            raise
        except Exception as failure:  # noqa: BLE001 - as above
            if isinstance(failure, BehindItsCause) and type(failure).__name__ == parked.failure:
                # Nothing has changed that would need a log line.
                self._look_at[position] = time.time() + self.pace.look_again
            else:
                again = self._failed(parked.message, parked.tries, failure)
                await self._store.park(self.topic, again)
            return False
        await self._store.unpark(self.topic, position)
        return True

    async def wait_through(self, position: int) -> None:
        """Returns once `position` is covered, by this process or another. The caller limits the wait."""
        await self.coverage.wait(position)

    async def close(self) -> None:
        """Leaves the topic to the others."""
        await self._subscription.close()
