"""What open streams cost, counted and not timed; and how many of them there may be."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message

from contracts import referral
from contracts.casefile.closing import CaseReopened
from contracts.codes import Role
from services.chassis.access.identity import Caller
from services.chassis.operating.telemetry import Telemetry
from services.chassis.stores import Stores
from services.notifications.listeners import Listener
from services.notifications.live_feed import LiveFeed, Subscriber
from tests.notifications.messages import AGENCY, BRUGWERK, SAMENSTAP, Story, described
from tests.notifications.running import Running, running
from tests.notifications.test_stream import Listening, listening, open_streams


@asynccontextmanager
async def many(system: Running, count: int, org: str, **query: Any) -> AsyncIterator[list[Listening]]:
    """So many streams of somebody of one organisation, all of which have seen what there is."""
    async with AsyncExitStack() as stack:
        before = len(system.server.server_state.tasks)
        streams = [await stack.enter_async_context(listening(system, org, **query)) for _ in range(count)]
        await open_streams(system, before + count)
        yield streams


async def looked_up(system: Running, story: Story, messages: int) -> int:
    """How often the index of the feed, a file, is asked while some messages are told, one after the other."""
    asked: list[str] = []
    index: Any = system.service.index
    await asyncio.sleep(0.1)
    index._db.set_trace_callback(asked.append)
    for _ in range(messages):
        await system.tell(story.of_case(CaseReopened))
        # Anyone who is woken has asked by then.
        await asyncio.sleep(0.05)
    index._db.set_trace_callback(None)
    return len([one for one in asked if one.startswith("SELECT") and ('"audience"' in one or '"parts"' in one)])


@pytest.mark.parametrize("count", [1, 12])
async def test_what_happens_for_others_costs_a_stream_that_waits_nothing(tmp_path: Path, count: int) -> None:
    """However many wait who may not see it: as often as with nobody but one who may is the index asked."""
    async with running(tmp_path) as system:
        story = Story("case-1")
        await system.tell(story.submitted(BRUGWERK))
        async with listening(system, BRUGWERK) as stream:
            await stream.ids(1)
            alone = await looked_up(system, story, 5)
            async with many(system, count, SAMENSTAP), many(system, count, "vdab-aalst"):
                assert await looked_up(system, story, 5) == alone
            await stream.ids(10)


@pytest.mark.on_files
async def test_what_is_of_another_type_costs_a_stream_nothing(system: Running) -> None:
    """Also where its client may see it."""
    story = Story("case-1")
    await system.tell(story.submitted(BRUGWERK))
    async with listening(system, BRUGWERK) as stream:
        await stream.ids(1)
        alone = await looked_up(system, story, 5)
        async with many(system, 12, BRUGWERK, types=referral.ReferralDeclined.TYPE):
            assert await looked_up(system, story, 5) == alone


@pytest.mark.on_files
async def test_many_streams_of_one_caller_ask_once(system: Running) -> None:
    """What they may see is the same, so it is looked up and read once."""
    story = Story("case-1")
    await system.tell(story.submitted(BRUGWERK))
    async with many(system, 1, BRUGWERK) as one:
        await one[0].ids(1)
        alone = await looked_up(system, story, 5)
    await open_streams(system, 0)
    async with many(system, 12, BRUGWERK) as streams:
        assert await looked_up(system, story, 5) == alone
        assert len({tuple(await stream.ids(11)) for stream in streams}) == 1


async def test_everybody_who_may_see_something_is_woken_for_it(system: Running) -> None:
    """The agency, the organisation, those who oversee, and for what is no secret everybody."""
    story = Story("case-1")
    async with (
        listening(system, AGENCY) as agency,
        listening(system, BRUGWERK) as addressed,
        listening(system, "rekenhof-demo") as auditor,
        listening(system, SAMENSTAP) as stranger,
        listening(system, "caserelay-demo") as operator,
    ):
        await open_streams(system, 5)
        await asyncio.sleep(0.1)
        (first,) = await system.tell(story.submitted(BRUGWERK))
        for stream in (agency, addressed, auditor):
            assert await stream.ids(1) == [first.id]
        (notice,) = await system.tell(described(BRUGWERK))
        for stream in (agency, addressed, auditor, stranger, operator):
            assert await stream.ids(1) == [notice.id]


async def test_what_comes_all_at_once_reaches_a_waiting_stream_whole_and_in_order(system: Running) -> None:
    """More than is looked at at once, and more than a page."""
    story = Story("case-1")
    await system.tell(story.submitted(BRUGWERK))
    async with listening(system, BRUGWERK) as stream:
        await stream.ids(1)
        sent = await system.publishing.publish(*(story.of_case(CaseReopened) for _ in range(450)))
        assert await stream.ids(450) == [event.id for event in sent]


async def test_a_silent_stream_ends_with_its_token_too(tmp_path: Path) -> None:
    """Also where nothing happens and no sign of life is due for long."""
    async with running(tmp_path, heartbeat=15.0) as system:
        started = time.monotonic()
        async with listening(system, BRUGWERK, lifetime=2) as stream:
            with pytest.raises(StopAsyncIteration):
                await stream.next()
        assert 0.5 < time.monotonic() - started < 5


async def refusal(system: Running, org: str) -> httpx.Response:
    """The answer to a stream that is one too many."""
    async with system.client(org) as client:
        return await client.get("/v1/stream")


async def metric(system: Running, sample: str) -> float:
    """A sample of the metrics."""
    async with httpx.AsyncClient(base_url=system.url) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(sample))


async def test_an_organisation_has_only_so_many_streams(tmp_path: Path) -> None:
    """429 with Retry-After, as a problem; others have theirs, and when one ends there is room again."""
    async with running(tmp_path, streams_per_organisation=3) as system, listening(system, SAMENSTAP):
        async with many(system, 3, BRUGWERK):
            refused = await refusal(system, BRUGWERK)
            assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_STREAMS_OF_ORGANISATION")
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert int(refused.headers["Retry-After"]) > 0
            async with listening(system, AGENCY):
                assert await metric(system, 'caserelay_open{what="streams"}') == 5
            assert await metric(system, 'caserelay_refusals_total{code="TOO_MANY_STREAMS_OF_ORGANISATION"}') == 1
        await open_streams(system, 1)
        async with many(system, 3, BRUGWERK):
            assert (await refusal(system, BRUGWERK)).status_code == 429


async def test_there_are_only_so_many_streams_in_all(tmp_path: Path) -> None:
    """503 with Retry-After, as a problem."""
    async with running(tmp_path, streams=3) as system, many(system, 2, BRUGWERK), many(system, 1, AGENCY):
        refused = await refusal(system, SAMENSTAP)
        assert (refused.status_code, refused.json()["code"]) == (503, "TOO_MANY_STREAMS")
        assert int(refused.headers["Retry-After"]) > 0
        assert await metric(system, 'caserelay_refusals_total{code="TOO_MANY_STREAMS"}') == 1


async def test_nought_is_no_limit(tmp_path: Path) -> None:
    """For anyone who bounds streams elsewhere."""
    async with running(tmp_path, streams=0, streams_per_organisation=0) as system, many(system, 8, BRUGWERK):
        assert await metric(system, 'caserelay_open{what="streams"}') == 8


async def test_a_stream_that_cannot_begin_takes_no_place(tmp_path: Path) -> None:
    """A database that is away when somebody comes back must not use up what its organisation may have open."""
    async with running(tmp_path) as system:
        telemetry = Telemetry()
        live = LiveFeed(system.service, telemetry, system.receipts)
        somebody = Subscriber(Caller("somebody", BRUGWERK, Role.NGO_COORDINATOR), "Bearer x", None)

        async def receive() -> Message:
            raise AssertionError("nothing is read")

        async def send(message: Message) -> None:
            raise AssertionError(message)

        with closing(sqlite3.connect(tmp_path / "notifications-index.db", isolation_level=None)) as db:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                db.execute(f'DROP TABLE "{table}"')
        with pytest.raises(sqlite3.OperationalError):
            await live.respond(somebody, 0)({"type": "http"}, receive, send)
        assert telemetry.registry.get_sample_value("caserelay_open", {"what": "streams"}) == 0


async def test_streams_that_open_at_the_same_time_find_no_more_room_than_there_is(
    tmp_path: Path, database_url: str
) -> None:
    """A database is waited for before a stream begins: meanwhile its place is taken already."""
    stores = Stores(tmp_path, database_url)
    async with running(tmp_path, stores=stores, streams_per_organisation=2) as system:
        live, begun = LiveFeed(system.service, Telemetry(), system.receipts), list[int]()
        somebody = Subscriber(Caller("somebody", BRUGWERK, Role.NGO_COORDINATOR), "Bearer x", None)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message["status"])

        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/v1/stream", "headers": []}
        await asyncio.gather(*(live.respond(somebody, 0)(scope, receive, send) for _ in range(5)))
        assert sorted(begun) == [200, 200, 429, 429, 429]


def test_what_it_is_told_of_while_it_looks_is_looked_for_next() -> None:
    """The look may have been made before that was there, and comes back with nothing."""
    listener = Listener(("o",), {"a"}, 3)
    assert listener.looks() == 3
    assert listener.tell(7, {"a"})
    listener.has_seen(5, more=False)
    # What lies between 5 and 7 may have been told of as well.
    assert (listener.news, listener.after) == (True, 5)
    assert listener.looks() == 5
    listener.has_seen(9, more=False)
    assert (listener.news, listener.after) == (False, 9)
