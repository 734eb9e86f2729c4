"""What organisations have set up to be told by, as the index knows it, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from contracts.subscription_codes import ChallengeOutcome
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import Index
from services.chassis.memory_stores import MemoryStores
from services.chassis.modelling.decider import Command
from services.chassis.stores import Stores
from services.chassis.time.clock import SystemClock
from services.notifications.actions import decide
from services.notifications.context import SubscriptionContexts
from services.notifications.domain import subscribing
from services.notifications.domain.subscription import SUBSCRIPTION, SubscriptionContext, subscription_stream
from services.notifications.events import EVENT_TYPES
from services.notifications.projection import TABLES, VERSION
from services.notifications.subscription_rows import index_subscription
from services.notifications.subscription_way import SubscriptionWay
from services.notifications.ways import MOST, READERS, rows_of
from tests.chassis.indexing import changing
from tests.notifications.subscriptions import AT, ENDPOINT, WEBHOOK, challenged, created, of_caller
from tests.support.actors import LOTTE

SUBMITTED: Final = "org.caserelay.referral.submitted.v1"
DECLINED: Final = "org.caserelay.referral.declined.v1"
LATER: Final = AT + timedelta(days=1)


@pytest.fixture(params=["memory", "files", "postgres"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """The index of the service."""
    url = request.getfixturevalue("database_url") if request.param == "postgres" else None
    stores = MemoryStores() if request.param == "memory" else Stores(tmp_path / "data", url)
    index = stores.index("notifications", TABLES, VERSION)
    yield index
    index.close()


class Subscribed:
    """A subscription, and what the index makes of it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._streams = Streams(MemoryStores().event_log("notifications", EVENT_TYPES))
        self._handler = Handler[Command, SubscriptionContext](self._streams, SubscriptionContexts(), decide)
        self._way = SubscriptionWay(index, self._streams, SystemClock())

    async def does(self, *commands: Any) -> None:
        """What these commands lead to is in the index afterwards, in one batch."""
        stream, after = subscription_stream(WEBHOOK), await self._streams.log.head()
        for command in commands:
            await self._handler.handle(command, stream, SUBSCRIPTION, Call(actor=LOTTE), must_exist=False)
        recorded = [each for each in await self._streams.log.read_all(after, 100) if each.stream == stream]
        async with changing(self._index) as changes:
            for each in recorded:
                index_subscription(each, each.event, changes)

    async def fails(self, kind: str, since: datetime = LATER) -> str | None:
        """Why it would not have told of a message of a type."""
        return (await self._way.set_up([LOTTE.org, "nobody"])).failing(LOTTE.org, kind, since)


async def test_a_subscription_counts_once_it_is_proven_and_for_what_it_chooses_then(index: Index) -> None:
    """Pending, proven, changed, paused, moved elsewhere, deleted: as the subscription itself would say."""
    subscribed, elsewhere = Subscribed(index), "https://hooks.example.org/other"
    await subscribed.does(created())
    assert await subscribed.fails(SUBMITTED) is None
    await subscribed.does(challenged(ChallengeOutcome.PROVEN))
    assert await subscribed.fails(SUBMITTED) == "DELIVERY_FAILED"
    assert await subscribed.fails(DECLINED) is None
    assert await subscribed.fails(SUBMITTED, AT - timedelta(seconds=1)) is None
    assert await subscribed.fails(SUBMITTED, AT) == "DELIVERY_FAILED"
    change = of_caller(subscribing.ChangeSubscription, choices=replace(ENDPOINT, types=(DECLINED,)))
    await subscribed.does(change)
    assert await subscribed.fails(SUBMITTED) is None
    assert await subscribed.fails(DECLINED) == "DELIVERY_FAILED"
    everything = replace(ENDPOINT, types=None)
    await subscribed.does(replace(change, choices=everything), of_caller(subscribing.PauseSubscription))
    assert await subscribed.fails(SUBMITTED) == "CHANNEL_STOPPED"
    moved = replace(change, choices=replace(everything, url=elsewhere, types=(DECLINED,)))
    await subscribed.does(of_caller(subscribing.ResumeSubscription), moved)
    assert await subscribed.fails(DECLINED) is None
    await subscribed.does(challenged(ChallengeOutcome.PROVEN, 2))
    assert await subscribed.fails(SUBMITTED) is None
    assert await subscribed.fails(DECLINED) == "DELIVERY_FAILED"
    await subscribed.does(of_caller(subscribing.DeleteSubscription))
    assert await subscribed.fails(DECLINED) is None


async def test_all_of_it_may_come_in_one_batch(index: Index) -> None:
    """As when the index is made again."""
    subscribed = Subscribed(index)
    change = of_caller(subscribing.ChangeSubscription, choices=replace(ENDPOINT, types=(DECLINED,)))
    await subscribed.does(created(), challenged(ChallengeOutcome.PROVEN), change)
    assert await subscribed.fails(SUBMITTED) is None
    assert await subscribed.fails(DECLINED) == "DELIVERY_FAILED"


async def test_one_organisation_with_very_many_hides_nothing_of_the_others(index: Index) -> None:
    """A system that asks for another choice of types each time leaves a row for each."""
    row: dict[str, Any] = {"channel": "FEED", "state": "SENT", "types": "null", "through": 1, "first": "", "last": ""}
    async with changing(index) as changes:
        for number in range(2 * MOST + 10):
            changes.put(READERS.name, f"reading-{number}", number + 1, organisation="many", **row)
        for number, organisation in enumerate(("bridge", "work")):
            changes.put(READERS.name, organisation, 3 * MOST + number, organisation=organisation, **row)
    found = await rows_of(index, READERS, ["work", "many", "bridge", "nobody"])
    assert {organisation: len(rows) for organisation, rows in found.items()} == {
        "many": MOST,
        "bridge": 1,
        "work": 1,
        "nobody": 0,
    }
