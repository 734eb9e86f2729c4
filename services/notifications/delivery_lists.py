"""Deliveries for who manages a subscription: one, a page of them, and asking for one again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from fastapi import Response

from services.chassis.access.identity import Caller
from services.chassis.access.policy import Hidden
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Handler
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.command import CommandRequest
from services.chassis.http.request.cursors import Pages
from services.chassis.http.response import responses
from services.chassis.http.response.rendering import Json
from services.chassis.index.index import IndexReader, Row
from services.chassis.modelling.decider import Refused
from services.chassis.time.clock import Clock, machine_now
from services.notifications.access import POLICY, READ, RETRY, relations_to_subscription
from services.notifications.delivering.ids import delivery_id, position_in
from services.notifications.delivery_rows import DELIVERIES
from services.notifications.delivery_views import after_view, delivery_view, pending_view
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.lane import (
    LANE,
    DeliveryState,
    Lane,
    LaneCommand,
    LaneEvent,
    RequestRetry,
    decide,
    lane_stream,
)
from services.notifications.domain.subscribing import MOST_SUBSCRIPTIONS
from services.notifications.domain.subscription import SUBSCRIPTION, subscription_stream
from services.notifications.pending import Found, Pending, Waiting
from services.notifications.queries import Queries
from services.notifications.subscription_rows import SUBSCRIPTIONS

LOG: Final = "notifications"
RECORDED: Final = tuple(state for state in DeliveryState if state is not DeliveryState.PENDING)


class DeliveryLists:
    """Finds deliveries for callers."""

    def __init__(
        self,
        queries: Queries,
        index: IndexReader,
        pending: Pending,
        clock: Clock,
        caught_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._queries = queries
        self._streams: Streams = queries.streams
        self._index = index
        self._pending = pending
        self._clock = clock
        self._caught_up = caught_up
        self._handler = Handler[LaneCommand, Lane](queries.streams, OwnState(), decide)

    async def page(
        self, caller: Caller, subscription_id: str, states: Sequence[DeliveryState], pages: Pages, limit: int
    ) -> tuple[list[Json], str | None]:
        """A page of the deliveries of a subscription, and where it goes on.

        They come in the order of their messages, what was sent again or as a test where that was done. A delivery keeps
        its place when it is attempted, so that no page lacks it and no two have it.
        """
        subscription = (await self._queries.find(caller, subscription_id, READ)).state
        after = max(await pages.number(), 0)
        await self._caught_up()
        wanted = frozenset(states or DeliveryState)
        recorded = tuple(state.value for state in RECORDED if state in wanted)
        found, until = Found([], None), None
        if DeliveryState.PENDING in wanted:
            until = self._end_of(await self._rows(subscription_id, recorded, after, limit + 1), limit)
            found = await self._pending.between(subscription, after, until, limit + 1)
        # Read behind the others: what was attempted between the two is among these, or was found to be so.
        rows = await self._rows(subscription_id, recorded, after, limit + 1)
        until = min((end for end in (until, self._end_of(rows, limit)) if end is not None), default=None)
        reach = min((end for end in (until and until - 1, found.through) if end is not None), default=None)
        at: dict[int, Row | Waiting] = {waiting.delivery.position: waiting for waiting in found.waiting}
        at.update((row.seq, row) for row in rows)
        places = sorted(place for place in at if reach is None or place <= reach)
        shown = await asyncio.gather(*(self._item(at[place]) for place in places[:limit]))
        items = [item for item in shown if item["state"] in wanted]
        if len(places) > limit:
            return items, pages.next(places[limit - 1])
        return items, pages.next(reach)

    @staticmethod
    def _end_of(rows: list[Row], limit: int) -> int | None:
        """Where what is not on the page any more begins."""
        return rows[limit].seq if len(rows) > limit else None

    async def _item(self, entry: Row | Waiting) -> Json:
        if isinstance(entry, Row):
            return await self._shown(entry)
        if not entry.attempted:
            return pending_view(entry)
        delivery = entry.delivery
        lane, events, _ = await self._lane(lane_stream(delivery.subscription, delivery.key))
        return delivery_view(lane.known[delivery.id], events)

    async def _rows(self, subscription: str, states: tuple[str, ...], after: int, limit: int) -> list[Row]:
        if not states:
            return []
        where: dict[str, str | tuple[str, ...]] = {"subscription": subscription}
        if len(states) < len(RECORDED):
            where["state"] = states
        return await self._index.find(DELIVERIES.name, where, after=after, limit=limit)

    async def _shown(self, row: Row) -> Json:
        lane, events, _ = await self._lane(str(row.columns["lane"]))
        return delivery_view(lane.known[row.key], events)

    async def _lane(self, stream: str) -> tuple[Lane, list[LaneEvent], int]:
        lane, events, etag = LANE.initial, list[LaneEvent](), 0
        for recorded in await self._streams.log.read(stream):
            events.append(recorded.event)
            lane, etag = LANE.evolve(lane, recorded.event), recorded.version
        return lane, events, etag

    async def read(self, caller: Caller, delivery_id: str) -> tuple[Json, int | None]:
        """A delivery with its attempts, and the ETag of its lane; None where it has not been attempted."""
        row = await self._found(caller, delivery_id, READ)
        if isinstance(row, Waiting):
            return pending_view(row), None
        lane, events, etag = await self._lane(str(row.columns["lane"]))
        return delivery_view(lane.known[delivery_id], events), etag

    async def _found(self, caller: Caller, delivery_id: str, action: str) -> Row | Waiting:
        await self._caught_up()
        row = await self._index.get(DELIVERIES.name, delivery_id)
        if row is None and (waits := await self._not_attempted(caller.org, delivery_id)) is not None:
            POLICY.require(caller, action, relations_to_subscription(caller, waits.delivery.organisation))
            if not waits.attempted:
                return waits
            await self._caught_up()
            row = await self._index.get(DELIVERIES.name, delivery_id)
        if row is None:
            POLICY.require(caller, action, ())
            raise Hidden
        await self._queries.find(caller, str(row.columns["subscription"]), action)
        return row

    async def _not_attempted(self, organisation: str, delivery: str) -> Waiting | None:
        """By the position that the id says, and by whose id it is among the subscriptions of the organisation."""
        position = position_in(delivery)
        if not position or position > await self._streams.log.head():
            return None
        for recorded in await self._streams.log.read_all(position - 1, 1):
            if not isinstance(recorded.event, MessageTaken):
                return None
            event = str(recorded.event.message["id"])
            where = {"organisation": organisation}
            for row in await self._index.find(SUBSCRIPTIONS.name, where, after=0, limit=MOST_SUBSCRIPTIONS):
                if delivery_id(row.key, event, position) == delivery:
                    folded = await self._streams.fold(subscription_stream(row.key), SUBSCRIPTION)
                    return await self._pending.at(folded.state, position)
        return None

    async def retry(self, request: CommandRequest, delivery_id: str) -> Response:
        """Asks for a delivery again."""
        row = await self._found(request.caller, delivery_id, RETRY)
        if isinstance(row, Waiting):
            raise Refused(
                "DELIVERY_UNDER_WAY", "the delivery has not been attempted yet, and is without being asked for"
            )
        stream = str(row.columns["lane"])
        before, events, _ = await self._lane(stream)
        command = RequestRetry(at=self._clock.now(), by=request.actor, delivery=delivery_id, now=machine_now())
        outcome = await self._handler.handle(command, stream, LANE, request.call())
        shown = after_view(outcome.state, delivery_id, delivery_view(before.known[delivery_id], events))
        return responses.command_result(request, outcome, shown, LOG)
