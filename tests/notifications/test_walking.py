"""Which lanes of an endpoint are begun, by what the index knows of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from services.chassis.deciding.streams import Streams
from services.chassis.index.index import Changes
from services.chassis.memory_stores import MemoryStores
from services.chassis.time.scheduler import sortable
from services.notifications.delivering.endpoint import Endpoint, LaneKey, Walk
from services.notifications.delivering.walking import Walking
from services.notifications.delivery_rows import LANES
from services.notifications.events import EVENT_TYPES
from services.notifications.projection import AUDIENCE, TABLES, organisation_reader

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


@pytest.mark.parametrize(("through", "begun", "after"), [(6, [], 6), (7, [LANE], 7), (99, [LANE], 10)])
async def test_a_walk_goes_no_further_than_what_the_endpoint_was_told_of(
    through: int, begun: list[LaneKey], after: int
) -> None:
    """The index may be ahead, and the endpoint have made another choice meanwhile: that is told first."""
    stores = MemoryStores()
    index = stores.index("notifications", TABLES, 1)
    changes = Changes()
    readers = {"reader": organisation_reader("brugwerk"), "type": "org.caserelay.referral.submitted.v1"}
    changes.put(AUDIENCE.name, "7 brugwerk", 7, **readers, case_id="C1")
    assert await index.apply(changes, after=0, through=10)
    endpoint = Endpoint("subscription", shard=0, seq=0)
    endpoint.organisation, endpoint.reads_as, endpoint.walk = "brugwerk", "NGO_LEAD", Walk(0, saved=0)
    await Walking(index, Streams(stores.event_log("notifications", EVENT_TYPES))).walk(endpoint, through)
    assert (list(endpoint.active), endpoint.walk.after) == (begun, after)
