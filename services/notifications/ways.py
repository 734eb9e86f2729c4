"""The ways by which an organisation is told, and whether one of them has reached it.

Only a way that the organisation set up can fail. Who has none of them uses the pages and the worklist: nobody can say
whether those were looked at, and nothing could have reached anybody.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from contracts.subscription_codes import SubscriptionState
from contracts.telling_codes import NotToldReason, ToldBy
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import Changes, IndexReader, Row, Table
from services.chassis.log.metadata import Recorded
from services.notifications.delivery_rows import DELIVERIES
from services.notifications.domain.lane import DeliveryState, delivery_id
from services.notifications.domain.reading import ReadingMoved
from services.notifications.domain.subscription import SUBSCRIPTION, subscription_stream
from services.notifications.subscription_rows import SUBSCRIPTIONS

READERS: Final = Table(
    "readers",
    columns=("organisation", "channel", "state", "types", "through", "first", "last"),
    indexes=(("organisation",),),
)
"""One row per stream of `domain/reading.py`: `types` is a JSON array or null, `first` and `last` are days."""
A_MOMENT: Final = 3.0
A_WHILE: Final = 60.0
LOOK_SECONDS: Final = 0.02
_TROUBLE: Final = (DeliveryState.RETRYING.value, DeliveryState.FAILED.value)
STILL_USED: Final = timedelta(days=30)
"""A feed that nobody has read for so long is no way of its organisation any more."""


class Waits(NamedTuple):
    """What an organisation is to be told of: an event of a case at a position of the log, of a CloudEvents type."""

    organisation: str
    case: str
    event: str
    type: str
    position: int
    since: datetime


class Way(Protocol):
    """One way, as its organisation has set it up."""

    async def reached(self, waits: Waits) -> bool:
        """Whether the organisation was told of it by this way."""

    async def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """Why this way would not have told of a message of that kind since then; None where it is not set up."""


class FeedWay:
    """What an organisation fetches itself: the feed and the stream that it used to read, and its topic."""

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    async def reached(self, waits: Waits) -> bool:
        """See `Way.reached`."""
        rows = await self._rows(waits.organisation)
        return any(_covers(row, waits.type) and _number(row, "through") >= waits.position for row in rows)

    async def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """See `Way.failing`. A feed counts once it was read on two days: a single look is no habit."""
        used = [row for row in await self._rows(organisation) if _covers(row, kind) and _is_used(row, since)]
        if not used:
            return None
        own_topic = all(row.columns["channel"] == ToldBy.KAFKA for row in used)
        return NotToldReason.CHANNEL_STOPPED if own_topic else NotToldReason.FEED_NOT_READ

    async def _rows(self, organisation: str) -> list[Row]:
        return await self._index.find(READERS.name, {"organisation": organisation}, after=0, limit=1000)


class SubscriptionWay:
    """The subscriptions of the organisation, once proven, whether they are active or were stopped."""

    def __init__(self, index: IndexReader, streams: Streams) -> None:
        self._index = index
        self._streams = streams
        self._patient_from = float("-inf")

    async def reached(self, waits: Waits) -> bool:
        """See `Way.reached`. Deliveries live by the machine's clock: where ours was moved, they get a moment."""
        deliveries = {row.key: delivery_id(row.key, waits.event) for row in await self._rows(waits.organisation)}
        if not deliveries:
            return False
        until = time.monotonic() + A_MOMENT if time.monotonic() >= self._patient_from else 0.0
        while True:
            found = await self._index.rows(DELIVERIES.name, [*deliveries.values()])
            if any(row.columns["state"] == DeliveryState.DELIVERED for row in found.values()):
                return True
            under_way = [key for key, delivery in deliveries.items() if delivery not in found]
            if not any([await self._is_coming(key, waits) for key in under_way]):
                return False
            if time.monotonic() >= until:
                # Nobody delivers: that is so for all that wait, and each must not wait for it.
                self._patient_from = max(self._patient_from, time.monotonic() + A_WHILE)
                return False
            await asyncio.sleep(LOOK_SECONDS)

    async def _is_coming(self, subscription: str, waits: Waits) -> bool:
        """Whether it will be tried soon: nothing that was sent there before is in trouble."""
        state = (await self._streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state.state
        if state != SubscriptionState.ACTIVE or not await self._covers(subscription, waits.type, waits.since):
            return False
        trouble = {"subscription": subscription, "state": _TROUBLE}
        return not await self._index.find(DELIVERIES.name, trouble, after=0, limit=1)

    async def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """See `Way.failing`. One that nobody has proven yet is not set up."""
        proven = [row for row in await self._rows(organisation) if row.columns["state"] != SubscriptionState.PENDING]
        states = {str(row.columns["state"]) for row in proven if await self._covers(row.key, kind, since)}
        if not states:
            return None
        active = SubscriptionState.ACTIVE.value in states
        return NotToldReason.DELIVERY_FAILED if active else NotToldReason.CHANNEL_STOPPED

    async def _covers(self, subscription: str, kind: str, since: datetime) -> bool:
        state = (await self._streams.fold(subscription_stream(subscription), SUBSCRIPTION)).state
        if state.choices is None or state.created_at is None or state.created_at > since:
            return False
        return not state.choices.types or kind in state.choices.types

    async def _rows(self, organisation: str) -> list[Row]:
        return await self._index.find(SUBSCRIPTIONS.name, {"organisation": organisation}, after=0, limit=1000)


class Ways:
    """All ways together."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways

    async def why_not(self, waits: Waits) -> NotToldReason | None:
        """Why the organisation was told by none of its ways; None where it was, or where it has none."""
        if any([await way.reached(waits) for way in self._ways]):
            return None
        return await self.failing(waits.organisation, waits.type, waits.since)

    async def failing(self, organisation: str, kind: str, since: datetime) -> NotToldReason | None:
        """Why none of them would have told of it: by the first that is set up; None where none is."""
        for way in self._ways:
            if (reason := await way.failing(organisation, kind, since)) is not None:
                return reason
        return None


def note_reader(recorded: Recorded, event: ReadingMoved, changes: Changes) -> None:
    """The row of a reader after one more event."""
    day = event.at.date().isoformat()
    if recorded.version == 1:
        changes.put(READERS.name, recorded.stream, recorded.position, first=day)
    changes.put(
        READERS.name,
        recorded.stream,
        recorded.position,
        organisation=event.organisation,
        channel=event.channel,
        state=event.state,
        types=json.dumps(event.types),
        through=event.through,
        last=day,
    )


def _number(row: Row, column: str) -> int:
    value: Any = row.columns[column]
    return int(value)


def _covers(row: Row, kind: str) -> bool:
    types = json.loads(str(row.columns["types"]))
    return types is None or kind in types


def _is_used(row: Row, since: datetime) -> bool:
    first, last = str(row.columns["first"]), str(row.columns["last"])
    return first < last and last >= (since - STILL_USED).date().isoformat()
