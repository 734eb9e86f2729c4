"""Deliveries that have not been attempted yet: no event says so, so they are worked out from where an endpoint stands.

What waits is behind the place of an endpoint in the feed, or in a case behind the delivery that holds it. It is looked
for along the feed, from a position on and within a bound: however much waits, a page of it costs the same.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts.subscription_codes import SubscriptionState
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.log.metadata import Recorded
from services.notifications.access import READ_FEED
from services.notifications.delivering.endpoint import Endpoint, LaneKey
from services.notifications.delivering.lanes import delivered, reader_of
from services.notifications.delivering.permission import NOT_FOR_YOU, rule_against
from services.notifications.delivering.places import saved_place
from services.notifications.delivering.shards import shard_of
from services.notifications.delivery_rows import DELIVERIES, LANES
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.lane import LANE, Delivered, lane_stream
from services.notifications.domain.subscription import Subscription
from services.notifications.lists import readers_of
from services.notifications.projection import AUDIENCE, former_reader
from services.notifications.subscription_rows import SUBSCRIPTIONS

LOOKED_AT_ONCE: Final = 200
"""Rows of the feed that are looked at together."""
MOST_LOOKED_AT: Final = 5_000
"""Rows of the feed that a page looks at; one that found less than it wanted goes on behind them."""
LANES_LOOKED_AT: Final = 200


class Waiting(NamedTuple):
    """A delivery that waits for its turn, and the delivery that it waits for, if there is one that could not be made.

    That is one of its case; or that by which an endpoint that is away is looked for. `attempted`: it was, a moment ago.
    """

    delivery: Delivered
    waits_for: str | None
    attempted: bool = False


class Found(NamedTuple):
    """What waits, in the order of the log, and up to which position that was looked for; None: to the end."""

    waiting: list[Waiting]
    through: int | None


class _Standing(NamedTuple):
    """An endpoint, its place in the feed, and what it is looked for by, where it is away."""

    endpoint: Endpoint
    place: int
    some_wait: bool
    looks: str | None


class Pending:
    """Works out what waits for a subscription."""

    def __init__(self, streams: Streams, index: IndexReader, consumers: ConsumerStore) -> None:
        self._streams = streams
        self._index = index
        self._consumers = consumers

    async def between(self, subscription: Subscription, after: int, until: int | None, limit: int) -> Found:
        """The deliveries behind a position of the log, and before another one, that have not been attempted."""
        standing = await self._standing(subscription)
        if standing is None:
            return Found([], None)
        endpoint, found, looked_at = standing.endpoint, list[Waiting](), 0
        # What may not go out any more is found as well: it is withheld when its turn comes.
        readers = (*readers_of(reader_of(endpoint), READ_FEED), former_reader(endpoint.organisation))
        where: dict[str, Value | tuple[Value, ...]] = {"reader": readers}
        if endpoint.types is not None:
            where["type"] = tuple(sorted(endpoint.types))
        after = max(after, endpoint.seq if standing.some_wait else standing.place)
        while True:
            rows = await self._index.find(AUDIENCE.name, where, after=after, limit=LOOKED_AT_ONCE, only=("type",))
            ended = await self._ended(endpoint, after)
            for row in rows:
                if until is not None and row.seq >= until:
                    return Found(found, None)
                if row.seq in ended or (waiting := await self._at(standing, row.seq)) is None:
                    continue
                found.append(waiting)
                if len(found) == limit:
                    return Found(found, row.seq)
            if len(rows) < LOOKED_AT_ONCE:
                return Found(found, None)
            after, looked_at = rows[-1].seq, looked_at + len(rows)
            if looked_at >= MOST_LOOKED_AT:
                return Found(found, after)

    async def _ended(self, endpoint: Endpoint, after: int) -> set[int]:
        where = {"subscription": endpoint.id}
        rows = await self._index.find(DELIVERIES.name, where, after=after, limit=LOOKED_AT_ONCE, only=("state",))
        return {row.seq for row in rows}

    async def at(self, subscription: Subscription, position: int) -> Waiting | None:
        """The delivery of the message at a position; None where there is none, or none that is still to come."""
        standing = await self._standing(subscription)
        return await self._at(standing, position) if standing is not None else None

    async def _standing(self, subscription: Subscription) -> _Standing | None:
        row = await self._index.get(SUBSCRIPTIONS.name, subscription.subscription)
        if row is None or not subscription.is_webhook:
            return None
        endpoint = Endpoint(row.key, shard_of(row.key), row.seq)
        endpoint.learn(subscription)
        place = max(row.seq, await saved_place(self._consumers, row.key, None))
        rows = await self._index.first(LANES.name, "due", where={"subscription": endpoint.id}, limit=LANES_LOOKED_AT)
        # Rows of what is tried again have its id as their key.
        looks = next((each.key for each in rows if each.key != _lane_of(endpoint, each)), None)
        away = subscription.warned is not None or subscription.state is SubscriptionState.DISABLED
        return _Standing(endpoint, place, bool(rows), looks if away else None)

    async def _at(self, standing: _Standing, position: int) -> Waiting | None:
        endpoint = standing.endpoint
        recorded = await self._message(position)
        if recorded is None or position <= endpoint.seq or not endpoint.wants(recorded.event.type):
            return None
        case = recorded.event.case
        about = str(recorded.event.message["partitionkey"]) if case is None else case
        delivery = delivered(endpoint, LaneKey(about, case, None), recorded)
        lane = (await self._streams.fold(lane_stream(endpoint.id, about), LANE)).state
        if delivery.id in lane.known:
            return Waiting(delivery, None, attempted=True)
        # What it has passed by is told only where the lane waits.
        if recorded.version <= lane.through or not (position > standing.place or lane.held is not None or lane.more):
            return None
        if await rule_against(self._streams, reader_of(endpoint), recorded) == NOT_FOR_YOU:
            return None
        return Waiting(delivery, lane.held or standing.looks)

    async def _message(self, position: int) -> Recorded | None:
        for recorded in await self._streams.log.read_all(position - 1, 1):
            if recorded.position == position and isinstance(recorded.event, MessageTaken):
                return recorded
        return None


def _lane_of(endpoint: Endpoint, row: Row) -> str:
    replay = row.columns["replay"]
    return lane_stream(endpoint.id, str(row.columns["about"]), None if replay is None else str(replay))
