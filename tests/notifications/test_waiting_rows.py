"""Finding what waits for whom: by looks for a whole batch of messages, however many they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contracts.message import as_json
from services.chassis.deciding.streams import Streams
from services.chassis.index.sqlite import SQLiteIndex
from services.chassis.log.event_log import Write
from services.chassis.memory_stores import MemoryStores
from services.chassis.modelling.decider import Actor
from services.chassis.time.clock import SandboxClock
from services.notifications.domain.inbox import MessageTaken, inbox_stream
from services.notifications.events import EVENT_TYPES
from services.notifications.projection import TABLES, VERSION, Listing
from services.notifications.subscription_way import SubscriptionWay
from services.notifications.waiting_rows import WaitingRows
from services.notifications.ways import FeedWay, Ways
from tests.notifications.messages import BRUGWERK, START, Story

ENGINE: Final = Actor(sub="notifications", role="SYSTEM", org="caserelay")


async def looks_for(cases: int, directory: Path) -> list[str]:
    """What the index is asked of the ways of organisations, for one batch with the first message of so many cases."""
    log, clock = (
        MemoryStores().event_log("notifications", EVENT_TYPES),
        SandboxClock(directory / "clock", lambda: START),
    )
    index = SQLiteIndex(directory / f"{cases}.db", TABLES, VERSION)
    ways = Ways([SubscriptionWay(index, Streams(log), clock), FeedWay(index)])
    listing = Listing(index, log, WaitingRows(index, ways, clock))
    for number in range(cases):
        message = Story(f"case-{number}").submitted(BRUGWERK)
        event = MessageTaken(
            source="/services/referral",
            sequence=number + 1,
            type=message.TYPE,
            name=message.NAME,
            case=message.case,
            recorded_at=message.recorded_at,
            audience=(),
            message={"id": f"event-{number}", "type": message.TYPE, "data": as_json(message)},
        )
        meta = EVENT_TYPES.metadata(
            event_id=f"e-{number}", actor=ENGINE, occurred_at=START, recorded_at=START, correlation_id="e"
        )
        await log.append([Write(inbox_stream(message.case), 0, [(event, meta)])])
    asked: list[str] = []
    index._db.set_trace_callback(asked.append)
    await listing.look(await log.read_all(0, cases))
    index._db.set_trace_callback(None)
    index.close()
    return [statement for statement in asked if "subscriptions" in statement or "readers" in statement]


async def test_the_ways_of_an_organisation_are_looked_up_once_for_a_batch(tmp_path: Path) -> None:
    """One look at a time for each message is what the feed fell behind by, at ninety referrals a second."""
    assert len(await looks_for(1, tmp_path)) == 2
    assert len(await looks_for(40, tmp_path)) == 2
