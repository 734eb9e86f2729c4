"""The way by which subscriptions tell an organisation, and whether it has reached it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.subscription_codes import Channel, SubscriptionState
from contracts.telling_codes import NotToldReason
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader, Row
from services.chassis.time.clock import Clock
from services.notifications.delivering.addressed import is_for
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivery_rows import DELIVERIES
from services.notifications.digest_rows import wants_digest
from services.notifications.domain.digest import DIGEST, digest_stream
from services.notifications.domain.lane import DeliveryState
from services.notifications.domain.subscription import SUBSCRIPTION, subscription_stream
from services.notifications.email.quiet_hours import quiet_until
from services.notifications.lists import taken_at
from services.notifications.subscription_rows import SUBSCRIPTIONS, covers
from services.notifications.ways import SetUp, Waits, rows_of

A_MOMENT: Final = 3.0
A_WHILE: Final = 60.0
TO_GO_OUT: Final = timedelta(hours=1)
LOOK_SECONDS: Final = 0.02
_TROUBLE: Final = (DeliveryState.RETRYING.value, DeliveryState.FAILED.value)


class SubscriptionWay:
    """The subscriptions of the organisation, once proven, whether they are active or were stopped."""

    def __init__(self, index: IndexReader, streams: Streams, clock: Clock) -> None:
        self._index = index
        self._streams = streams
        self._clock = clock
        self._patient_from = float("-inf")

    async def reached(self, waits: Waits) -> bool:
        """See `Way.reached`. Deliveries live by the machine's clock: where ours was moved, they get a moment."""
        rows = await self._rows(waits.organisation)
        # Where it was attempted before ids began with the position, it has the other one.
        deliveries = {
            row.key: (delivery_id(row.key, waits.event, waits.position), delivery_id(row.key, waits.event))
            for row in rows
        }
        if not deliveries:
            return False
        for row in rows:
            if row.columns["channel"] == Channel.EMAIL and await self._had_its_digest(row.key, waits):
                return True
        ids = [each for both in deliveries.values() for each in both]
        until = time.monotonic() + A_MOMENT if time.monotonic() >= self._patient_from else 0.0
        while True:
            found = await self._index.rows(DELIVERIES.name, ids)
            if any(row.columns["state"] == DeliveryState.DELIVERED for row in found.values()):
                return True
            under_way = [key for key, both in deliveries.items() if not found.keys() & {*both}]
            if not await self._any_comes_now(under_way, waits):
                return False
            if time.monotonic() >= until:
                # Nobody delivers: that is so for all that wait, and each must not wait for it.
                self._patient_from = max(self._patient_from, time.monotonic() + A_WHILE)
                return False
            await asyncio.sleep(LOOK_SECONDS)

    async def _any_comes_now(self, subscriptions: Sequence[str], waits: Waits) -> bool:
        for subscription in subscriptions:
            if await self._comes_now(subscription, waits):
                return True
        return False

    async def _comes_now(self, subscription: str, waits: Waits) -> bool:
        """Whether it is on its way as a delivery of its own, and for no morning."""
        choices = (await self._streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state.choices
        if choices is None or wants_digest(choices) or quiet_until(choices, self._clock.now()) is not None:
            return False
        return await self._is_coming(subscription, waits)

    async def expected(self, waits: Waits) -> datetime | None:
        """See `Way.expected`. A letter that waits for the morning has an hour of it to go out."""
        now, found = self._clock.now(), list[datetime]()
        for row in await self._rows(waits.organisation):
            if row.columns["channel"] != Channel.EMAIL:
                continue
            choices = (await self._streams.fold(subscription_stream(row.key), SUBSCRIPTION)).state.choices
            if choices is None or not await self._is_coming(row.key, waits):
                continue
            if (morning := quiet_until(choices, now)) is not None:
                found.append(morning + TO_GO_OUT)
        return min(found, default=None)

    async def _had_its_digest(self, subscription: str, waits: Waits) -> bool:
        """Whether it is told once a day, and was of this."""
        choices = (await self._streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state.choices
        if (
            choices is None
            or not wants_digest(choices)
            or not await self._covers(subscription, waits.type, waits.since)
        ):
            return False
        if (await self._streams.fold(digest_stream(subscription), DIGEST)).state.through < waits.position:
            return False
        # What is for others than its reader a digest passes by.
        (message,) = await taken_at(self._streams.log, [waits.position])
        return await is_for(self._streams, choices.person, waits.organisation, message)

    async def _is_coming(self, subscription: str, waits: Waits) -> bool:
        """Whether it will be tried soon: nothing that was sent there before is in trouble."""
        state = (await self._streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state.state
        if state != SubscriptionState.ACTIVE or not await self._covers(subscription, waits.type, waits.since):
            return False
        trouble = {"subscription": subscription, "state": _TROUBLE}
        return not await self._index.find(DELIVERIES.name, trouble, after=0, limit=1)

    async def set_up(self, organisations: Collection[str]) -> SetUp:
        """See `Way.set_up`."""
        return _Subscriptions(await rows_of(self._index, SUBSCRIPTIONS, organisations))

    async def _covers(self, subscription: str, kind: str, since: datetime) -> bool:
        state = (await self._streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state
        if state.choices is None or state.created_at is None or state.created_at > since:
            return False
        return not state.choices.types or kind in state.choices.types

    async def _rows(self, organisation: str) -> list[Row]:
        return (await rows_of(self._index, SUBSCRIPTIONS, (organisation,)))[organisation]


class _Subscriptions:
    """The subscriptions of organisations."""

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self._rows = rows

    def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """See `SetUp.failing`. One that nobody has proven yet is not set up."""
        # The active ones first, and no further than to the first: an organisation may have hundreds.
        for row in sorted(self._rows[organisation], key=lambda row: row.columns["state"] != SubscriptionState.ACTIVE):
            if row.columns["state"] == SubscriptionState.PENDING or not covers(row, kind, since):
                continue
            active = row.columns["state"] == SubscriptionState.ACTIVE
            return NotToldReason.DELIVERY_FAILED if active else NotToldReason.CHANNEL_STOPPED
        return None
