"""Two indexes of one service, which are filled each at its own pace."""

from __future__ import annotations

from services.chassis.index.index import Changes
from services.chassis.store_opener import StoreOpener
from tests.chassis.indexing import COUNTERS, TABLES


async def test_what_is_kept_as_something_else_is_another_index(stores: StoreOpener) -> None:
    """Neither has the other's rows or position, though they have the same tables in the same version."""
    lists, reports = stores.index("counters", TABLES, 1), stores.index("counters", TABLES, 1, kept_as="reports")
    changes = Changes()
    changes.put(COUNTERS.name, "counter-a", 1, **dict.fromkeys(COUNTERS.columns, None))
    assert await reports.apply(changes, after=0, through=7)
    assert (await lists.through(), await reports.through()) == (0, 7)
    assert await lists.get(COUNTERS.name, "counter-a") is None
    again = stores.index("counters", TABLES, 1, kept_as="reports")
    assert (await again.through(), await again.get(COUNTERS.name, "counter-a") is not None) == (7, True)
    for index in (lists, reports, again):
        index.close()
