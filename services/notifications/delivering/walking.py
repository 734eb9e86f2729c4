"""Finds which lanes of an endpoint have something to tell: by what the feed has new, and by whose pause has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader, Row, Value
from services.chassis.time.scheduler import instant, sortable
from services.notifications.access import READ_FEED
from services.notifications.delivering.addressed import is_for
from services.notifications.delivering.endpoint import CASES_AT_ONCE, Endpoint, LaneKey, Walk
from services.notifications.delivering.lanes import delivered, reader_of
from services.notifications.delivering.urgent import URGENT_TYPES, is_urgent
from services.notifications.delivery_rows import LANES
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.lane import LANE, DeliveryState, lane_stream
from services.notifications.lists import readers_of
from services.notifications.projection import AUDIENCE, former_reader

AT_ONCE: Final = 50
"""Rows of the feed that are looked at together."""
NOTHING_NEW: Final = 2**62
"""The floor of a lane that is begun for something that it waits for: it tells that, and what it knows it passed by."""


class Walking:
    """Has endpoints begin lanes."""

    def __init__(self, index: IndexReader, streams: Streams) -> None:
        self._index = index
        self._streams = streams
        self._log = streams.log

    async def take_due(self, endpoint: Endpoint, now: datetime) -> datetime | None:
        """Begins lanes whose pauses have ended; returns when the next one ends."""
        for key in [key for key, due in endpoint.soon.items() if due <= now]:
            if endpoint.room <= 0:
                break
            del endpoint.soon[key]
            endpoint.begin(key, None, NOTHING_NEW)
        soonest = min(endpoint.soon.values(), default=None)
        most = len(endpoint.active) + CASES_AT_ONCE + 1
        rows = await self._index.first(LANES.name, "due", where={"subscription": endpoint.id}, limit=most)
        for row in rows:
            key, due = _lane_of(row), str(row.columns["due"])
            if (under_way := endpoint.active.get(key)) is not None:
                # It may have looked for the last time before this was due.
                under_way.news |= due <= sortable(now)
                continue
            if due > sortable(now):
                return min(instant(due), soonest) if soonest is not None else instant(due)
            if endpoint.room <= 0:
                endpoint.stalled = True
                return soonest
            endpoint.begin(key, None, NOTHING_NEW)
        # More are due than were looked at: they are once these have ended.
        endpoint.stalled |= len(rows) == most
        return soonest

    async def take_urgent(self, endpoint: Endpoint, now: datetime) -> datetime | None:
        """Begins, in quiet hours, the lanes of what cannot wait for their end; returns when the next pause ends.

        A lane tells what waits before it as well: the order of a case holds at night too.
        """
        if endpoint.walk is None:
            return None
        after = place = endpoint.walk.after
        where = {"reader": readers_of(reader_of(endpoint), READ_FEED), "type": URGENT_TYPES}
        while endpoint.room > 0:
            rows = await self._index.find(AUDIENCE.name, where, after=after, limit=AT_ONCE)
            for row in rows:
                key = await self._lane_for(row, None)
                if endpoint.wants(str(row.columns["type"])) and await self._is_new_and_urgent(endpoint, key, row.seq):
                    endpoint.begin(key, None, place)
            if len(rows) < AT_ONCE:
                break
            after = rows[-1].seq
        waiting = await self._index.first(LANES.name, "due", where={"subscription": endpoint.id}, limit=AT_ONCE)
        for row in waiting:
            if (due := str(row.columns["due"])) > sortable(now):
                return instant(due)
            if await self._waits_for_no_morning(endpoint, key := _lane_of(row)) and endpoint.room > 0:
                endpoint.begin(key, None, NOTHING_NEW)
        return None

    async def _is_new_and_urgent(self, endpoint: Endpoint, key: LaneKey, position: int) -> bool:
        (recorded,) = await self._log.read_all(position - 1, 1)
        if not is_urgent(recorded.event):
            return False
        # What is for others is passed by in a lane, so that it would be new all night, and all else would come with it.
        if not await is_for(self._streams, endpoint.person, endpoint.organisation, recorded.event):
            return False
        lane = (await self._streams.fold(lane_stream(endpoint.id, key.about), LANE)).state
        # One that was attempted waits in the index.
        return recorded.version > lane.through and delivered(endpoint, key, recorded).id not in lane.known

    async def _waits_for_no_morning(self, endpoint: Endpoint, key: LaneKey) -> bool:
        lane = (await self._streams.fold(lane_stream(endpoint.id, key.about, key.replay), LANE)).state
        if any(known.state is DeliveryState.RETRYING for known in lane.requested):
            # Somebody has asked for it.
            return True
        if (held := lane.holds) is None:
            return False
        (recorded,) = await self._log.read_all(held.delivery.position - 1, 1)
        return is_urgent(recorded.event)

    async def walk(self, endpoint: Endpoint, through: int) -> None:
        """Goes along the feed as far as there is room for what it finds, and at most to `through`; a replay to its end.

        What is behind that may be for choices that the endpoint has not learned yet.
        """
        for walk in (endpoint.walk, endpoint.replay):
            while walk is not None and not walk.is_done:
                room = endpoint.room
                if endpoint.is_away:
                    # Those that wait find out for all, and if none does, the next one.
                    room = 0 if endpoint.active or endpoint.holding else 1
                if room <= 0:
                    endpoint.stalled = True
                    break
                if not await self._step(endpoint, walk, min(room, AT_ONCE), through):
                    break

    async def _step(self, endpoint: Endpoint, walk: Walk, limit: int, most: int) -> bool:
        # What may not go out any more is found as well: it is recorded as withheld.
        readers = (*readers_of(reader_of(endpoint), READ_FEED), former_reader(endpoint.organisation))
        where: dict[str, Value | Sequence[Value]] = {"reader": readers}
        if endpoint.types is not None:
            where["type"] = tuple(sorted(endpoint.types))
        before = walk.after
        found, through = await self._index.find_and_through(AUDIENCE.name, where, after=before, limit=limit)
        through = min(through, most if walk.through is None else walk.through)
        if before >= through:
            return False
        rows = [row for row in found if row.seq <= through]
        for row in rows:
            endpoint.begin(await self._lane_for(row, walk.replay), row.seq, before)
        # For what comes after this look the endpoint is looked at again, or steps past it; it may have done so already.
        is_full = len(rows) == limit
        walk.after = max(walk.after, rows[-1].seq if is_full else through)
        return is_full

    async def _lane_for(self, row: Row, replay: str | None) -> LaneKey:
        if (case := row.columns["case_id"]) is not None:
            return LaneKey(str(case), str(case), replay)
        (recorded,) = await self._log.read_all(row.seq - 1, 1)
        event: MessageTaken = recorded.event
        return LaneKey(str(event.message["partitionkey"]), None, replay)


def _lane_of(row: Row) -> LaneKey:
    about, case, replay = (row.columns[name] for name in ("about", "case_id", "replay"))
    return LaneKey(str(about), None if case is None else str(case), None if replay is None else str(replay))
