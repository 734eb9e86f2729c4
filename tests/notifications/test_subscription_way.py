"""Whether a subscription has told its organisation of a message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.chassis.deciding.streams import Streams
from services.chassis.memory_stores import MemoryStores
from services.chassis.time.clock import SandboxClock
from services.notifications.delivering.ids import delivery_id
from services.notifications.delivery_rows import DELIVERIES
from services.notifications.events import EVENT_TYPES
from services.notifications.projection import TABLES, VERSION
from services.notifications.subscription_rows import SUBSCRIPTIONS
from services.notifications.subscription_way import SubscriptionWay
from services.notifications.ways import Waits
from tests.chassis.indexing import changing

NOW: Final = datetime(2026, 1, 13, 9, 30, tzinfo=UTC)
HERS: Final = "0c5f8a16-2a3b-4c17-9d55-6f0b5b7a1e10"


async def test_what_was_told_under_the_id_of_an_earlier_version_was_told(tmp_path: Path) -> None:
    """Ids begin with the position of the message only since: who upgrades within the day is not called untold."""
    stores = MemoryStores()
    index, clock = stores.index("notifications", TABLES, VERSION), SandboxClock(tmp_path / "clock.json", lambda: NOW)
    way = SubscriptionWay(index, Streams(stores.event_log("notifications", EVENT_TYPES)), clock)
    waits = Waits("brugwerk", "case-1", "e-7", "org.caserelay.referral.submitted.v1", 7, NOW)
    async with changing(index) as changes:
        row = {"organisation": "brugwerk", "channel": "WEBHOOK", "state": "ACTIVE", "challenge_due": None}
        changes.put(SUBSCRIPTIONS.name, HERS, 3, **row)
    assert not await way.reached(waits)
    async with changing(index) as changes:
        done = {"subscription": HERS, "state": "DELIVERED", "lane": "lane-1"}
        changes.put(DELIVERIES.name, delivery_id(HERS, "e-7"), 7, **done)
    assert await way.reached(waits)
