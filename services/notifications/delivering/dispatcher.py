"""Has every endpoint of this process told what is due, each at its own pace: no endpoint waits for another.

One task follows the log for all, one queue knows whose pauses end next, and nothing runs for an endpoint that has
nothing to be told. What is begun for one is bounded; what waits behind that waits in the log and the index.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.index.index import IndexReader
from services.chassis.index.projection import Projection
from services.chassis.leading.sharing import Sharing
from services.chassis.operating.delivery_metrics import Tally
from services.chassis.time.clock import Clock
from services.notifications.delivering.alarms import Alarms
from services.notifications.delivering.asking import Asking
from services.notifications.delivering.carriers import Carries
from services.notifications.delivering.endpoint import CASES_KNOWN, Endpoint, LaneKey
from services.notifications.delivering.endpoints import Endpoints
from services.notifications.delivering.following import Following
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.lanes import TESTS, LaneWork, NotNow
from services.notifications.delivering.places import Places
from services.notifications.delivering.pools import Pools
from services.notifications.delivering.recording import Recording
from services.notifications.delivering.replays import number_of_replay
from services.notifications.delivering.schedule import Schedule
from services.notifications.delivering.walking import NOTHING_NEW, Walking
from services.notifications.domain.lane import LANE, lane_stream
from services.notifications.domain.subscription import Subscription

LOOKS_AT_ONCE: Final = 8
IDLE_SECONDS: Final = 1.0
REST: Final = timedelta(seconds=1)
"""How long an endpoint rests after something of ours failed, such as a store."""
SOON: Final = timedelta(minutes=1)
"""Pauses that end before the index may be trusted to know of them."""
FINISH_SECONDS: Final = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What deliveries rest on; `index` is the one that `projection` fills, `clock` the domain's, for quiet hours."""

    streams: Streams
    index: IndexReader
    projection: Projection
    consumers: ConsumerStore
    schedule: Schedule
    clock: Clock


class Dispatcher:
    """The endpoints that this process owns, and all that is under way for them."""

    def __init__(self, parts: Parts, sharing: Sharing, carrier: Carries, recording: Recording) -> None:
        self._parts = parts
        self._streams = parts.streams
        self._sharing = sharing
        self._recording = recording
        self._schedule = parts.schedule
        self.pools = Pools()
        self._endpoints = Endpoints(parts.streams, parts.index)
        self._places = Places(parts.consumers)
        self._walking = Walking(parts.index, parts.streams)
        self._lanes = LaneWork(parts.streams, carrier, recording, parts.schedule, self.pools, self.may_begin)
        self._asking = Asking(parts.streams, carrier, recording, self.may_begin)
        self._following = Following(parts.streams, parts.projection, parts.clock, sharing, self._endpoints, self)
        self._ready: deque[Endpoint] = deque()
        self._work = asyncio.Event()
        self._due = Alarms()
        self._mornings = Alarms()
        self._under_way: dict[tuple[str, LaneKey], asyncio.Task[None]] = {}
        self._of_shard: Counter[int] = Counter()
        sharing.changed = self._owned
        sharing.idle = lambda shard: not self._of_shard[shard]

    @property
    def rounds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """The work of every process that delivers."""
        return {
            "delivery shares": self._sharing.round,
            "delivery news": self._following.round,
            "delivery looks": self._following.look_round,
            "deliveries": self.look,
            "delivery places": self._places.round,
        }

    def tally(self) -> Tally:
        """What came of the attempts of this process, and how much waits that it knows."""
        return self._endpoints.tally(dict(self.pools.outcomes), self._following.known or 0, self._schedule.now())

    def _owned(self, shards: frozenset[int]) -> None:
        # At once: what another process may do must not be begun here. What is gained is found by `Following`.
        for endpoint in self._endpoints:
            if endpoint.shard not in shards:
                self._endpoints.drop(endpoint)
        self._following.keep(shards)

    def wake(self, endpoint: Endpoint) -> None:
        """Has an endpoint looked at."""
        if not endpoint.queued and not endpoint.gone:
            endpoint.queued = True
            self._ready.append(endpoint)
            self._work.set()

    def wait(self, endpoint: Endpoint, key: LaneKey, due: datetime) -> None:
        """Has a lane go on at an instant."""
        # By and by the index knows it too, and more of them than are known here.
        if due - self._schedule.now() < SOON and (key in endpoint.soon or len(endpoint.soon) < CASES_KNOWN):
            endpoint.soon[key] = due
        self._wake_at(endpoint, due)

    def _wake_at(self, endpoint: Endpoint, due: datetime) -> None:
        if self._due.set(endpoint, due):
            self._work.set()

    async def look(self) -> None:
        """Looks at endpoints for which something may be due, or waits a while for one."""
        self._work.clear()
        self._wake_due()
        batch = [self._ready.popleft() for _ in range(min(LOOKS_AT_ONCE, len(self._ready)))]
        if not batch:
            await self._nap()
            return
        failures = [failure for failure in await asyncio.gather(*map(self._look_at, batch)) if failure is not None]
        if failures:
            raise failures[0]

    def _wake_due(self) -> None:
        for endpoint in self._due.ringing(self._schedule.now()):
            self.wake(endpoint)
        for endpoint in self._mornings.ringing(self._parts.clock.now()):
            self.wake(endpoint)

    async def _nap(self) -> None:
        left = IDLE_SECONDS
        if (first := self._due.first) is not None:
            left = min(left, max(0.0, (first - self._schedule.now()).total_seconds()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._work.wait()

    async def _look_at(self, endpoint: Endpoint) -> Exception | None:
        endpoint.queued = False
        if not self.may_begin(endpoint):
            return None
        try:
            await self._look_closely(endpoint)
        except Exception as failure:  # noqa: BLE001 - others must not miss their turn
            self._rest(endpoint)
            return failure
        return None

    def may_begin(self, endpoint: Endpoint) -> bool:
        """Whether anything may be begun for an endpoint from here."""
        return not endpoint.gone and self._sharing.owns(endpoint.shard)

    def _rest(self, endpoint: Endpoint) -> None:
        endpoint.rests_until = self._schedule.now() + REST
        self._wake_at(endpoint, endpoint.rests_until)

    async def _look_closely(self, endpoint: Endpoint) -> None:
        now = self._schedule.now()
        if endpoint.rests_until is not None and now < endpoint.rests_until:
            self._wake_at(endpoint, endpoint.rests_until)
            return
        endpoint.rests_until = None
        # What comes behind that is told to it.
        through = self._following.known or 0
        endpoint.news = min(endpoint.news, through)
        known, subscription = await self._endpoints.learn(endpoint.id)
        if known is not endpoint:
            if known is not None:
                self.wake(known)
            return
        if subscription.challenge_due is not None:
            self._asking.begin(endpoint, self._challenge_ended)
            return
        await self._places.find(endpoint, subscription)
        await self._find_test(endpoint, subscription)
        endpoint.stalled = False
        if (morning := endpoint.quiet_until(self._parts.clock.now())) is not None:
            # Its place stays where it is: what waits for the morning is found behind it, after a restart too.
            self._mornings.set(endpoint, morning)
            next_due = await self._walking.take_urgent(endpoint, now)
        else:
            next_due = await self._walking.take_due(endpoint, now)
            await self._walking.walk(endpoint, through)
            if endpoint.is_short:
                self._following.look_for(endpoint, endpoint.news)
        if next_due is not None:
            self._wake_at(endpoint, next_due)
        if endpoint.replay is not None and endpoint.replay.is_done and not endpoint.replays:
            await self._recording.replayed(endpoint.id, number_of_replay(endpoint.replay.replay) or 0)
        self._places.moved(endpoint)
        self.begin(endpoint)

    def _challenge_ended(self, endpoint: Endpoint, well: bool) -> None:  # noqa: FBT001 - the form of a callback
        # It may have been renewed, and another challenge be due.
        if (known := self._endpoints.get(endpoint.id)) is None:
            return
        if well:
            self.wake(known)
        else:
            self._rest(known)

    async def _find_test(self, endpoint: Endpoint, subscription: Subscription) -> None:
        if (test := subscription.test) is None:
            return
        lane = (await self._streams.fold(lane_stream(endpoint.id, TESTS.about), LANE)).state
        if delivery_id(endpoint.id, test.test) not in lane.known:
            endpoint.begin(TESTS, None, NOTHING_NEW)

    def begin(self, endpoint: Endpoint) -> None:
        """Works on lanes of an endpoint that wait, on as many as may be."""
        if endpoint.rests_until is not None and self._schedule.now() < endpoint.rests_until:
            return
        for _ in range(len(endpoint.waiting)):
            if endpoint.running >= endpoint.at_once or not self.may_begin(endpoint):
                return
            key = endpoint.waiting.popleft()
            # Begun when it was owned here before, or before it was renewed: looked at again once that is through.
            if (endpoint.id, key) in self._under_way or not endpoint.may_begin(key):
                endpoint.waiting.append(key)
                continue
            endpoint.running += 1
            self._of_shard[endpoint.shard] += 1
            self._under_way[endpoint.id, key] = asyncio.create_task(self._run(endpoint, key))

    async def _run(self, endpoint: Endpoint, key: LaneKey) -> None:
        under_way = endpoint.active[key]
        try:
            waits = await self._lanes.run(endpoint, key, under_way)
        except NotNow:
            # It stays where it is: the next owner of the endpoint goes on there. That may be this process: the
            # endpoint may have moved, and then has to be asked first.
            owned = self.may_begin(endpoint)
            self._endpoints.drop(endpoint)
            if owned:
                self.wake(self._endpoints.renew(endpoint))
        except Exception as failure:  # noqa: BLE001 - a task has nobody else to tell
            log.warning("a delivery was interrupted", extra={"failure": type(failure).__name__})
            endpoint.waiting.append(key)
            self._rest(endpoint)
        else:
            endpoint.ended(key, held=waits.held)
            if waits.until is not None:
                self.wait(endpoint, key, waits.until)
        finally:
            del self._under_way[endpoint.id, key]
            endpoint.running -= 1
            self._of_shard[endpoint.shard] -= 1
            self._go_on(endpoint)

    def _go_on(self, endpoint: Endpoint) -> None:
        if endpoint.gone:
            if (successor := self._endpoints.get(endpoint.id)) is not None:
                self.wake(successor)
            return
        self._places.moved(endpoint)
        self.begin(endpoint)
        walked = endpoint.replay is not None and endpoint.replay.is_done and not endpoint.replays
        if walked or (endpoint.stalled and endpoint.room >= CASES_KNOWN // 2):
            self.wake(endpoint)

    async def finish(self) -> None:
        """Begins nothing more, and waits a while for what is under way; then lets go of everything."""
        for endpoint in self._endpoints:
            self._endpoints.drop(endpoint)
        tasks = [*self._under_way.values(), *self._asking.cancel()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=FINISH_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._places.save()
        await self._sharing.close()
