"""Which lanes of an endpoint are begun, by what the index knows of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from services.chassis.deciding.streams import Streams
from services.chassis.index.index import Changes
from services.chassis.memory_stores import MemoryStores
from services.chassis.time.scheduler import sortable
from services.notifications.delivering.endpoint import Endpoint, LaneKey
from services.notifications.delivering.walking import Walking
from services.notifications.delivery_rows import LANES
from services.notifications.events import EVENT_TYPES
from services.notifications.projection import TABLES

NOW: Final = datetime(2026, 1, 12, 9, tzinfo=UTC)
LANE: Final = LaneKey("C1", "C1", None)


@pytest.mark.parametrize(("due", "looks_again"), [(NOW - timedelta(seconds=1), True), (NOW + timedelta(1), False)])
async def test_a_lane_that_is_worked_on_hears_of_what_is_due_in_it(due: datetime, *, looks_again: bool) -> None:
    """It may have looked for the last time before somebody asked for a delivery again."""
    stores = MemoryStores()
    index = stores.index("notifications", TABLES, 1)
    changes = Changes()
    waits = {"subscription": "subscription", "about": "C1", "case_id": "C1", "replay": None}
    changes.put(LANES.name, "a delivery", 1, **waits, due=sortable(due))
    assert await index.apply(changes, after=0, through=1)
    endpoint = Endpoint("subscription", shard=0, seq=0)
    endpoint.begin(LANE, first=5, floor=4)
    under_way = endpoint.active[LANE]
    under_way.news = False
    await Walking(index, Streams(stores.event_log("notifications", EVENT_TYPES))).take_due(endpoint, NOW)
    assert under_way.news is looks_again
