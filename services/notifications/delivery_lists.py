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
from services.notifications.delivery_rows import DELIVERIES
from services.notifications.delivery_views import after_view, delivery_view, pending_view
from services.notifications.domain.lane import (
    LANE,
    DeliveryState,
    Lane,
    LaneCommand,
    LaneEvent,
    RequestRetry,
    decide,
)
from services.notifications.domain.subscription import SUBSCRIPTION, Subscription, subscription_stream
from services.notifications.pending import Pending, Waiting
from services.notifications.queries import Queries
from services.notifications.subscription_rows import SUBSCRIPTIONS

LOG: Final = "notifications"
RECORDED: Final = tuple(state.value for state in DeliveryState if state is not DeliveryState.PENDING)
MOST_SOUGHT: Final = 200
"""Deliveries of a subscription among which one that has not been attempted is looked for by its id."""


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

        Those that were attempted come in the order of their first attempt, and behind them those that were not, in the
        order in which they will be.
        """
        subscription = (await self._queries.find(caller, subscription_id, READ)).state
        place = await pages.number()
        await self._caught_up()
        wanted = frozenset(states or DeliveryState)
        items: list[Json] = []
        recorded = tuple(state.value for state in wanted if state is not DeliveryState.PENDING)
        if place >= 0 and recorded:
            rows = await self._rows(subscription_id, recorded, place, limit + 1)
            items = list(await asyncio.gather(*(self._shown(row) for row in rows[:limit])))
            if len(rows) > limit:
                return items, pages.next(rows[limit - 1].seq)
        if DeliveryState.PENDING not in wanted:
            return items, None
        left, after = limit - len(items), max(-place - 1, 0)
        found = await self._pending.of(subscription, after=after, limit=left + 1)
        items += map(pending_view, found[:left])
        if len(found) <= left:
            return items, None
        last = found[left - 1].delivery.position if left else after
        # Below zero: behind all that was attempted.
        return items, pages.next(-last - 1, recorded=last)

    async def _rows(self, subscription: str, states: tuple[str, ...], after: int, limit: int) -> list[Row]:
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
        if row is None:
            waits = await self._not_attempted(caller.org, delivery_id)
            own = relations_to_subscription(caller, waits.delivery.organisation) if waits is not None else ()
            POLICY.require(caller, action, own)
            if waits is None:
                raise Hidden
            return waits
        await self._queries.find(caller, str(row.columns["subscription"]), action)
        return row

    async def _not_attempted(self, organisation: str, delivery_id: str) -> Waiting | None:
        rows = await self._index.find(SUBSCRIPTIONS.name, {"organisation": organisation}, after=0, limit=MOST_SOUGHT)
        for row in rows:
            subscription: Subscription = (await self._streams.fold(subscription_stream(row.key), SUBSCRIPTION)).state
            for waiting in await self._pending.of(subscription, after=0, limit=MOST_SOUGHT):
                if waiting.delivery.id == delivery_id:
                    return waiting
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
