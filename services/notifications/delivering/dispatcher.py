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
from services.chassis.log.metadata import Recorded
from services.chassis.operating.delivery_metrics import Tally
from services.chassis.time.clock import Clock
from services.notifications.delivering.alarms import Alarms
from services.notifications.delivering.asking import Asking
from services.notifications.delivering.carriers import Carries
from services.notifications.delivering.endpoint import CASES_KNOWN, Endpoint, LaneKey
from services.notifications.delivering.endpoints import Endpoints
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivering.lanes import TESTS, LaneWork, NotNow
from services.notifications.delivering.places import Places
from services.notifications.delivering.pools import Pools
from services.notifications.delivering.recording import Recording
from services.notifications.delivering.replays import number_of_replay
from services.notifications.delivering.schedule import Schedule
from services.notifications.delivering.shards import shard_of
from services.notifications.delivering.walking import NOTHING_NEW, Walking
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.lane import LANE, DeliveryRetryRequested, lane_stream
from services.notifications.domain.subscription import Subscription, subscription_stream

LOOKS_AT_ONCE: Final = 8
FOLLOWED_AT_ONCE: Final = 200
WOKEN_AT_ONCE: Final = 64
"""After waking so many it gives way: deliveries must not hold up what else the process does."""
IDLE_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.05
REST: Final = timedelta(seconds=1)
"""How long an endpoint rests after something of ours failed, such as a store."""
SOON: Final = timedelta(minutes=1)
"""Pauses that end before the index may be trusted to know of them."""
GONE_ON_AT_ONCE: Final = 64
"""While so many lanes are under way, no further one is begun without a look: looks take turns."""
FINISH_SECONDS: Final = 5.0

log = logging.getLogger(__name__)
_OF_SUBSCRIPTION: Final = subscription_stream("")


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
        self._log = parts.streams.log
        self._projection = parts.projection
        self._sharing = sharing
        self._recording = recording
        self._schedule = parts.schedule
        self.pools = Pools()
        self._endpoints = Endpoints(parts.streams, parts.index)
        self._places = Places(parts.consumers)
        self._walking = Walking(parts.index, parts.streams)
        self._lanes = LaneWork(parts.streams, carrier, recording, parts.schedule, self.pools, self._may_begin)
        self._asking = Asking(parts.streams, carrier, recording, self._may_begin)
        self._taken: frozenset[int] = frozenset()
        self._known: int | None = None
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
            "delivery news": self.follow,
            "deliveries": self.look,
            "delivery places": self._places.round,
        }

    def tally(self) -> Tally:
        """What came of the attempts of this process, and how much waits that it knows."""
        return self._endpoints.tally(dict(self.pools.outcomes), self._known or 0, self._schedule.now())

    def _owned(self, shards: frozenset[int]) -> None:
        # At once: what another process may do must not be begun here. What is gained is found by `follow`.
        for endpoint in self._endpoints:
            if endpoint.shard not in shards:
                self._endpoints.drop(endpoint)
        self._taken &= shards

    async def follow(self) -> None:
        """Waits a while for something new in the log, and wakes those that it may concern."""
        if missing := self._sharing.owned - self._taken:
            await self._take(missing)
        if self._known is None:
            await asyncio.sleep(IDLE_SECONDS / 4)
            return
        await self._log.wait(self._known, IDLE_SECONDS)
        batch = await self._log.read_all(self._known, FOLLOWED_AT_ONCE)
        if not batch:
            # Asked again: a database that was restored may have less than was known.
            self._known = min(self._known, await self._log.head())
            await asyncio.sleep(PAUSE_SECONDS)
            return
        for number, recorded in enumerate(batch):
            await self._tell(recorded)
            self._known = recorded.position
            if not number % WOKEN_AT_ONCE:
                await asyncio.sleep(0)

    async def _take(self, shards: frozenset[int]) -> None:
        head = await self._log.head()
        await self._projection.wait_through(head)
        self._known = head if self._known is None else min(self._known, head)
        for endpoint in await self._endpoints.load(shards):
            self._wake(endpoint)
        self._taken |= shards & self._sharing.owned

    async def _tell(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, MessageTaken):
            self._tell_of_message(event, recorded.position)
        elif isinstance(event, DeliveryRetryRequested):
            delivery = event.delivery
            if (known := self._endpoints.get(delivery.subscription)) is not None:
                self._wait(known, LaneKey(delivery.key, delivery.case, delivery.replay), event.due_at)
        elif recorded.stream.startswith(_OF_SUBSCRIPTION):
            subscription = recorded.stream.removeprefix(_OF_SUBSCRIPTION)
            if self._sharing.owns(shard_of(subscription)):
                endpoint, _ = await self._endpoints.learn(subscription)
                if endpoint is not None:
                    endpoint.news = max(endpoint.news, recorded.position)
                    self._wake(endpoint)

    def _tell_of_message(self, event: MessageTaken, position: int) -> None:
        for endpoint in self._endpoints.that_get(event):
            if not self._goes_on(endpoint, event.case, position) and endpoint.is_woken_for(position):
                self._wake(endpoint)

    def _goes_on(self, endpoint: Endpoint, case: str | None, position: int) -> bool:
        """Whether it began what has come for an endpoint about a case, since there was nothing else to look for."""
        if case is None or not endpoint.is_abreast or not self._may_begin(endpoint):
            return False
        if len(self._under_way) >= GONE_ON_AT_ONCE or endpoint.quiet_until(self._parts.clock.now()) is not None:
            return False
        endpoint.go_on(LaneKey(case, case, None), position)
        self._places.moved(endpoint)
        self._begin(endpoint)
        return True

    def _wake(self, endpoint: Endpoint) -> None:
        if not endpoint.queued and not endpoint.gone:
            endpoint.queued = True
            self._ready.append(endpoint)
            self._work.set()

    def _wait(self, endpoint: Endpoint, key: LaneKey, due: datetime) -> None:
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
            self._wake(endpoint)
        for endpoint in self._mornings.ringing(self._parts.clock.now()):
            self._wake(endpoint)

    async def _nap(self) -> None:
        left = IDLE_SECONDS
        if (first := self._due.first) is not None:
            left = min(left, max(0.0, (first - self._schedule.now()).total_seconds()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._work.wait()

    async def _look_at(self, endpoint: Endpoint) -> Exception | None:
        endpoint.queued = False
        if not self._may_begin(endpoint):
            return None
        try:
            await self._look_closely(endpoint)
        except Exception as failure:  # noqa: BLE001 - others must not miss their turn
            self._rest(endpoint)
            return failure
        return None

    def _may_begin(self, endpoint: Endpoint) -> bool:
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
        # All up to there was told; and of a database that was restored, no more is to be waited for.
        endpoint.news = min(endpoint.news, self._known or 0)
        if await self._projection.through() < endpoint.news:
            await self._projection.wait_through(endpoint.news)
        known, subscription = await self._endpoints.learn(endpoint.id)
        if known is not endpoint:
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
            await self._walking.walk(endpoint)
        if next_due is not None:
            self._wake_at(endpoint, next_due)
        if endpoint.replay is not None and endpoint.replay.is_done and not endpoint.replays:
            await self._recording.replayed(endpoint.id, number_of_replay(endpoint.replay.replay) or 0)
        self._places.moved(endpoint)
        self._begin(endpoint)

    def _challenge_ended(self, endpoint: Endpoint, well: bool) -> None:  # noqa: FBT001 - the form of a callback
        if not well:
            self._rest(endpoint)
        elif (known := self._endpoints.get(endpoint.id)) is not None:
            # Another one may have been asked for meanwhile.
            self._wake(known)

    async def _find_test(self, endpoint: Endpoint, subscription: Subscription) -> None:
        if (test := subscription.test) is None:
            return
        lane = (await self._streams.fold(lane_stream(endpoint.id, TESTS.about), LANE)).state
        if delivery_id(endpoint.id, test.test) not in lane.known:
            endpoint.begin(TESTS, None, NOTHING_NEW)

    def _begin(self, endpoint: Endpoint) -> None:
        for _ in range(len(endpoint.waiting)):
            if endpoint.running >= endpoint.at_once or not self._may_begin(endpoint):
                return
            key = endpoint.waiting.popleft()
            # Begun when it was owned here before, it is looked at again once that is through.
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
            # It stays where it is: the next owner of the endpoint goes on there.
            self._endpoints.drop(endpoint)
        except Exception as failure:  # noqa: BLE001 - a task has nobody else to tell
            log.warning("a delivery was interrupted", extra={"failure": type(failure).__name__})
            endpoint.waiting.append(key)
            self._rest(endpoint)
        else:
            endpoint.ended(key, held=waits.held)
            if waits.until is not None:
                self._wait(endpoint, key, waits.until)
        finally:
            del self._under_way[endpoint.id, key]
            endpoint.running -= 1
            self._of_shard[endpoint.shard] -= 1
            self._go_on(endpoint)

    def _go_on(self, endpoint: Endpoint) -> None:
        if endpoint.gone:
            if (successor := self._endpoints.get(endpoint.id)) is not None:
                self._wake(successor)
            return
        self._places.moved(endpoint)
        self._begin(endpoint)
        walked = endpoint.replay is not None and endpoint.replay.is_done and not endpoint.replays
        if walked or (endpoint.stalled and endpoint.room >= CASES_KNOWN // 2):
            self._wake(endpoint)

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
