"""Deliveries that have not been attempted yet: no event says so, so they are worked out from where an endpoint stands.

What waits behind the place of an endpoint in the feed, and in each case behind the delivery that holds it. Both are
looked at within a bound: it is the beginning of what waits that somebody asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from contracts.subscription_codes import SubscriptionState
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer_store import ConsumerStore
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.log.metadata import Recorded
from services.notifications.access import READ_FEED
from services.notifications.delivering.endpoint import Endpoint, LaneKey
from services.notifications.delivering.lanes import delivered, inbox_of, reader_of
from services.notifications.delivering.permission import rule_against
from services.notifications.delivering.places import saved_place
from services.notifications.delivering.shards import shard_of
from services.notifications.delivery_rows import LANES
from services.notifications.domain.lane import LANE, Delivered, lane_stream
from services.notifications.domain.subscription import Subscription
from services.notifications.lists import readers_of
from services.notifications.projection import AUDIENCE
from services.notifications.subscription_rows import SUBSCRIPTIONS

MOST_LANES: Final = 200
"""Cases of a subscription that wait for a delivery, as many as are looked at."""
MOST_OF_LANE: Final = 200
"""Messages behind it, likewise."""


class Waiting(NamedTuple):
    """A delivery that waits for its turn, and the delivery that it waits for, if there is one that could not be made.

    That is one of its case; or that by which an endpoint that is away is looked for.
    """

    delivery: Delivered
    waits_for: str | None


class Pending:
    """Works out what waits for a subscription."""

    def __init__(self, streams: Streams, index: IndexReader, consumers: ConsumerStore) -> None:
        self._streams = streams
        self._index = index
        self._consumers = consumers

    async def of(self, subscription: Subscription, *, after: int, limit: int) -> list[Waiting]:
        """The first deliveries behind a position of the log that have not been attempted, in the order of the log."""
        row = await self._index.get(SUBSCRIPTIONS.name, subscription.subscription)
        if row is None or not subscription.is_webhook:
            return []
        endpoint = Endpoint(row.key, shard_of(row.key), row.seq)
        endpoint.learn(subscription)
        place = max(row.seq, await saved_place(self._consumers, row.key, None))
        rows = await self._index.first(LANES.name, "due", where={"subscription": endpoint.id}, limit=MOST_LANES)
        # Rows of what is tried again have its id as their key.
        looks = next((each.key for each in rows if each.key != _lane_of(endpoint, each)), None)
        away = subscription.warned is not None or subscription.state is SubscriptionState.DISABLED
        looks = looks if away else None
        found = await self._behind(endpoint, max(place, after), limit, looks)
        found += await self._held_up(endpoint, rows, after, limit, looks)
        by_id = {each.delivery.id: each for each in found}
        return sorted(by_id.values(), key=lambda each: each.delivery.position)[:limit]

    async def _behind(self, endpoint: Endpoint, after: int, limit: int, looks: str | None) -> list[Waiting]:
        where: dict[str, Value | tuple[Value, ...]] = {"reader": readers_of(reader_of(endpoint), READ_FEED)}
        if endpoint.types is not None:
            where["type"] = tuple(sorted(endpoint.types))
        found: list[Waiting] = []
        while len(found) < limit:
            rows = await self._index.find(AUDIENCE.name, where, after=after, limit=limit)
            for row in rows:
                (recorded,) = await self._streams.log.read_all(row.seq - 1, 1)
                case = recorded.event.case
                about = str(recorded.event.message["partitionkey"]) if case is None else case
                delivery = delivered(endpoint, LaneKey(about, case, None), recorded)
                lane = (await self._streams.fold(lane_stream(endpoint.id, about), LANE)).state
                if delivery.id not in lane.known:
                    found.append(Waiting(delivery, lane.held or looks))
            if len(rows) < limit:
                break
            after = rows[-1].seq
        return found

    async def _held_up(
        self, endpoint: Endpoint, rows: Sequence[Row], after: int, limit: int, looks: str | None
    ) -> list[Waiting]:
        found: list[Waiting] = []
        for about, case in dict.fromkeys(
            (str(row.columns["about"]), row.columns["case_id"]) for row in rows if row.columns["replay"] is None
        ):
            key = LaneKey(about, None if case is None else str(case), None)
            lane = (await self._streams.fold(lane_stream(endpoint.id, about), LANE)).state
            if lane.held is None and not lane.more:
                continue
            for recorded in await self._streams.log.read(inbox_of(key), after=lane.through, most=MOST_OF_LANE):
                delivery = delivered(endpoint, key, recorded)
                seen = recorded.position > max(after, endpoint.seq) and endpoint.wants(recorded.event.type)
                if seen and delivery.id not in lane.known and await self._may_get(endpoint, recorded):
                    found.append(Waiting(delivery, lane.held or looks))
        return sorted(found, key=lambda each: each.delivery.position)[:limit]

    async def _may_get(self, endpoint: Endpoint, recorded: Recorded) -> bool:
        return await rule_against(self._streams, reader_of(endpoint), recorded) is None


def _lane_of(endpoint: Endpoint, row: Row) -> str:
    replay = row.columns["replay"]
    return lane_stream(endpoint.id, str(row.columns["about"]), None if replay is None else str(replay))
