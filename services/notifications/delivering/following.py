"""Follows the log for all endpoints of this process: what comes for one is begun at once, or has it looked at.

An endpoint that was looked at for all that came before needs no index: the event itself says which lane is next. The
others are looked at once the index has what they are to be looked at for; looks for other reasons do not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import Final, Protocol

from services.chassis.deciding.streams import Streams
from services.chassis.index.projection import Projection
from services.chassis.leading.sharing import Sharing
from services.chassis.log.metadata import Recorded
from services.chassis.time.clock import Clock
from services.notifications.delivering.endpoint import Endpoint, LaneKey
from services.notifications.delivering.endpoints import Endpoints
from services.notifications.delivering.shards import shard_of
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.lane import DeliveryRetryRequested
from services.notifications.domain.subscription import subscription_stream

FOLLOWED_AT_ONCE: Final = 200
GIVES_WAY_AFTER: Final = 64
"""Events: what comes must not hold up what else the process does."""
BEGUN_AT_ONCE: Final = 64
"""Endpoints for which one event has a lane begun at once; further ones are looked at in turn."""
IDLE_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.05

_OF_SUBSCRIPTION: Final = subscription_stream("")


class Dispatches(Protocol):
    """Who looks at endpoints and works on their lanes."""

    def may_begin(self, endpoint: Endpoint) -> bool:
        """Whether anything may be begun for an endpoint from here."""

    def begin(self, endpoint: Endpoint) -> None:
        """Works on lanes of an endpoint that wait, on as many as may be."""

    def wake(self, endpoint: Endpoint) -> None:
        """Has an endpoint looked at."""

    def wait(self, endpoint: Endpoint, key: LaneKey, due: datetime) -> None:
        """Has a lane go on at an instant."""


class Following:
    """How far the log is known, and who is to be looked at for what came."""

    def __init__(
        self,
        streams: Streams,
        projection: Projection,
        clock: Clock,
        sharing: Sharing,
        endpoints: Endpoints,
        dispatcher: Dispatches,
    ) -> None:
        """`projection` fills the index that looks go by; `clock` is the domain's, for quiet hours."""
        self._log = streams.log
        self._projection = projection
        self._clock = clock
        self._sharing = sharing
        self._endpoints = endpoints
        self._dispatcher = dispatcher
        self._taken: frozenset[int] = frozenset()
        self.known: int | None = None
        """Up to which position everything was told; None until the first shard is taken."""
        self._behind: dict[Endpoint, int] = {}
        """Who is looked at once the index has come to a position."""
        self._came = asyncio.Event()

    def keep(self, shards: frozenset[int]) -> None:
        """Of the others everything was let go."""
        self._taken &= shards

    async def round(self) -> None:
        """Waits a while for something new in the log, and has it told."""
        if missing := self._sharing.owned - self._taken:
            await self._take(missing)
        if self.known is None:
            await asyncio.sleep(IDLE_SECONDS / 4)
            return
        await self._log.wait(self.known, IDLE_SECONDS)
        batch = await self._log.read_all(self.known, FOLLOWED_AT_ONCE)
        if not batch:
            # Asked again: a database that was restored may have less than was known.
            self.known = min(self.known, await self._log.head())
            await asyncio.sleep(PAUSE_SECONDS)
            return
        for number, recorded in enumerate(batch):
            await self._tell(recorded)
            self.known = recorded.position
            if not number % GIVES_WAY_AFTER:
                await asyncio.sleep(0)

    async def _take(self, shards: frozenset[int]) -> None:
        head = await self._log.head()
        await self._projection.wait_through(head)
        self.known = head if self.known is None else min(self.known, head)
        for endpoint in await self._endpoints.load(shards):
            self._dispatcher.wake(endpoint)
        self._taken |= shards & self._sharing.owned

    async def _tell(self, recorded: Recorded) -> None:
        event, position = recorded.event, recorded.position
        if isinstance(event, MessageTaken):
            self._tell_of_message(event, position)
        elif isinstance(event, DeliveryRetryRequested):
            delivery = event.delivery
            if (known := self._endpoints.get(delivery.subscription)) is not None:
                lane = LaneKey(delivery.key, delivery.case, delivery.replay)
                self._dispatcher.wait(known, lane, event.due_at)
                # Of more than a bounded number of them only the index knows.
                self.look_for(known, position)
        elif recorded.stream.startswith(_OF_SUBSCRIPTION):
            subscription = recorded.stream.removeprefix(_OF_SUBSCRIPTION)
            if self._sharing.owns(shard_of(subscription)):
                endpoint, _ = await self._endpoints.learn(subscription)
                if endpoint is not None:
                    self.look_for(endpoint, position)

    def _tell_of_message(self, event: MessageTaken, position: int) -> None:
        for number, endpoint in enumerate(self._endpoints.that_get(event)):
            if number < BEGUN_AT_ONCE and self._begins(endpoint, event.case, position):
                continue
            if endpoint.finds_out:
                endpoint.stalled = True
                endpoint.news = max(endpoint.news, position)
            else:
                self.look_for(endpoint, position)

    def _begins(self, endpoint: Endpoint, case: str | None, position: int) -> bool:
        """Whether nothing has to be looked at for a message: its lane is begun, unless a look has been there before."""
        if case is None or not endpoint.is_abreast or not self._dispatcher.may_begin(endpoint):
            return False
        if endpoint.quiet_until(self._clock.now()) is not None:
            return False
        if endpoint.step_to(position, LaneKey(case, case, None)):
            self._dispatcher.begin(endpoint)
        return True

    def look_for(self, endpoint: Endpoint, position: int) -> None:
        """Has an endpoint looked at once the index has what is at a position."""
        endpoint.news = max(endpoint.news, position)
        self._behind[endpoint] = max(position, self._behind.get(endpoint, 0))
        self._came.set()

    async def look_round(self) -> None:
        """Waits until the index has what endpoints are to be looked at for, and has them looked at."""
        if not self._behind:
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._came.wait()
            return
        first = min(self._behind.values())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                # No further than the log goes, if it was restored meanwhile.
                await self._projection.wait_through(min(first, self.known or 0))
                through = max(first, await self._projection.through())
            for endpoint in [each for each, position in self._behind.items() if position <= through]:
                del self._behind[endpoint]
                self._dispatcher.wake(endpoint)
