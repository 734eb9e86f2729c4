"""What those who oversee follow as it happens stands in the log of who read what, before it is sent."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from httpx_sse import EventSource

from contracts.casefile.closing import CaseReopened
from contracts.codes import Role
from services.chassis.log.sqlite import SQLiteEventLog
from services.chassis.reads.recorder import Recorder
from tests.notifications.messages import BRUGWERK, Story
from tests.notifications.running import Running

AUDIT_OFFICE = "rekenhof-demo"


def recorder_of(system: Running) -> Recorder:
    """What records in the service."""
    recorder: Recorder = system.app.state.recorder
    return recorder


async def read(system: Running) -> list[tuple[str, set[str]]]:
    """What is on record: which route, and what was read."""
    return [(one.event.route, set(one.event.read)) for one in await recorder_of(system).log.read_all(0, 100)]


async def ids(answer: httpx.Response, count: int) -> list[str]:
    """Those of the next events of a stream."""
    events = EventSource(answer).aiter_sse()
    async with asyncio.timeout(10):
        return [str(json.loads((await anext(events)).data)["id"]) for _ in range(count)]


async def test_each_case_that_a_stream_tells_an_auditor_of_is_on_record(system: Running) -> None:
    """Those from before it was opened, and those that come meanwhile; of who works on the case nothing is."""
    story, later = Story("case-1"), Story("case-2")
    (first,) = await system.tell(story.submitted(BRUGWERK))
    async with (
        system.client(AUDIT_OFFICE, Role.AUDITOR) as client,
        client.stream("GET", "/v1/stream") as answer,
        system.client(BRUGWERK) as party,
        party.stream("GET", "/v1/stream") as of_party,
    ):
        events = EventSource(answer).aiter_sse()
        async with asyncio.timeout(10):
            assert json.loads((await anext(events)).data)["id"] == first.id
            (second,) = await system.tell(later.submitted(BRUGWERK))
            assert json.loads((await anext(events)).data)["id"] == second.id
        assert await ids(of_party, 2) == [first.id, second.id]
        found = await read(system)
    assert {route for route, _ in found} == {"GET /v1/stream"}
    named = [{thing for thing in things if thing.startswith("case/")} for _, things in found]
    assert named == [set(), {"case/case-1"}, {"case/case-2"}]


@pytest.mark.on_files
async def test_a_stream_ends_where_what_it_tells_cannot_be_recorded(system: Running) -> None:
    """Nothing of it is sent; the stream of who works on the case goes on, and the auditor's once it can be."""
    story = Story("case-1")
    log = recorder_of(system).log
    assert isinstance(log, SQLiteEventLog)
    async with (
        system.client(AUDIT_OFFICE, Role.AUDITOR) as client,
        client.stream("GET", "/v1/stream") as answer,
        system.client(BRUGWERK) as party,
        party.stream("GET", "/v1/stream") as of_party,
    ):
        parts = answer.aiter_text()
        async with asyncio.timeout(10):
            assert ": connected\n" in await anext(parts)
            log._opened.execute("PRAGMA query_only = ON")
            (submitted,) = await system.tell(story.submitted(BRUGWERK))
            sent = "".join([part async for part in parts])
        assert "cannot be recorded" in sent
        assert "data:" not in sent
        assert await ids(of_party, 1) == [submitted.id]
        refused = await client.get("/v1/stream")
        assert (refused.status_code, refused.json()["code"]) == (503, "READING_NOT_RECORDED")
    log._opened.execute("PRAGMA query_only = OFF")
    (reopened,) = await system.tell(story.of_case(CaseReopened))
    async with system.client(AUDIT_OFFICE, Role.AUDITOR) as client, client.stream("GET", "/v1/stream") as answer:
        assert await ids(answer, 2) == [submitted.id, reopened.id]
