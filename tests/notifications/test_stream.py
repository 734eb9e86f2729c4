"""The feed as server-sent events, read by a real client over a real connection."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent

from contracts import referral
from contracts.casefile.closing import CaseReopened
from contracts.casefile.consent_withdrawal import NgoAccessRevoked
from contracts.message import CloudEvent, as_json
from tests.notifications.messages import AGENCY, BRUGWERK, SAMENSTAP, Story, described
from tests.notifications.running import Running, running


class Listening:
    """An open stream; `answer` is its response."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._events = EventSource(answer).aiter_sse()

    async def next(self) -> ServerSentEvent:
        """The next event, within ten seconds."""
        async with asyncio.timeout(10):
            return await anext(self._events)

    async def ids(self, count: int) -> list[str]:
        """The CloudEvents ids of the next events."""
        return [str(json.loads((await self.next()).data)["id"]) for _ in range(count)]


@asynccontextmanager
async def listening(
    system: Running, org: str, *, lifetime: int = 3600, last: str | None = None, **query: str
) -> AsyncIterator[Listening]:
    """A client of an organisation that listens, and goes away without a word at the end of the block."""
    headers = {} if last is None else {"Last-Event-ID": last}
    async with (
        system.client(org, lifetime=lifetime) as client,
        client.stream("GET", "/v1/stream", params=query, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        yield Listening(answer)


async def open_streams(system: Running, expected: int) -> None:
    """Returns once the server has so many requests under way."""
    async with asyncio.timeout(30):
        while len(system.server.server_state.tasks) != expected:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


async def test_an_event_carries_its_cursor_its_type_and_the_cloud_event(system: Running) -> None:
    """`id` goes into `after`, `event` is the type to switch on, `data` is what the feed shows."""
    (sent,) = await system.tell(Story("case-1").submitted(BRUGWERK))
    async with listening(system, BRUGWERK) as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        assert stream.answer.headers["Cache-Control"] == "no-store"
        event = await stream.next()
    assert event.event == referral.ReferralSubmitted.TYPE
    assert json.loads(event.data) == as_json(sent)
    assert event.id == (await system.get(BRUGWERK)).json()["next"]


async def test_the_first_line_comes_at_once(system: Running) -> None:
    """A client knows that it is connected before anything happens."""
    async with system.client(BRUGWERK) as client, client.stream("GET", "/v1/stream") as answer:
        async with asyncio.timeout(30):
            first = await anext(answer.aiter_text())
    assert ": connected\n" in first


async def test_what_happens_arrives_while_it_happens(system: Running) -> None:
    """From the bus to the client in well under a tenth of a second, one message after the other."""
    story = Story("case-1")
    async with listening(system, BRUGWERK) as stream:
        await open_streams(system, 1)
        took = []
        for message in (story.submitted(BRUGWERK), *(story.of_case(CaseReopened) for _ in range(9))):
            started = time.perf_counter()
            (sent,) = await system.publishing.publish(message)
            assert await stream.ids(1) == [sent.id]
            took.append(time.perf_counter() - started)
    assert sorted(took)[len(took) // 2] < 0.1


@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
async def test_a_client_that_comes_back_loses_and_repeats_nothing(system: Running, by: str) -> None:
    """It resumes behind the last event it had, with the header or with the parameter."""
    story = Story("case-1")
    before = await system.tell(story.submitted(BRUGWERK), *(story.of_case(CaseReopened) for _ in range(5)))
    async with listening(system, BRUGWERK) as stream:
        assert await stream.ids(3) == [event.id for event in before[:3]]
        last = (await stream.next()).id
    (meanwhile,) = await system.tell(story.of_case(CaseReopened))
    again = listening(system, BRUGWERK, last=last) if by == "Last-Event-ID" else listening(system, BRUGWERK, after=last)
    async with again as stream:
        assert await stream.ids(3) == [before[4].id, before[5].id, meanwhile.id]
        (later,) = await system.tell(story.of_case(CaseReopened))
        assert await stream.ids(1) == [later.id]


async def test_the_header_of_a_returning_client_goes_before_the_parameter_of_its_first_visit(system: Running) -> None:
    """A browser's EventSource repeats its address and adds Last-Event-ID."""
    story = Story("case-1")
    sent = await system.tell(story.submitted(BRUGWERK), *(story.of_case(CaseReopened) for _ in range(2)))
    async with listening(system, BRUGWERK) as stream:
        first, second = (await stream.next()).id, (await stream.next()).id
    async with listening(system, BRUGWERK, last=second, after=first) as stream:
        assert await stream.ids(1) == [sent[2].id]


async def test_the_stream_and_the_feed_share_their_cursors(system: Running) -> None:
    """A reader of the feed can continue with the stream, and the other way round."""
    story = Story("case-1")
    sent = await system.tell(story.submitted(BRUGWERK), *(story.of_case(CaseReopened) for _ in range(2)))
    page = (await system.get(BRUGWERK, limit=1)).json()
    async with listening(system, BRUGWERK, after=page["next"]) as stream:
        event = await stream.next()
    assert json.loads(event.data)["id"] == sent[1].id
    assert [item["id"] for item in await system.items(BRUGWERK, after=event.id)] == [sent[2].id]


async def test_an_empty_last_event_id_means_none(system: Running) -> None:
    """A client that has had nothing yet begins where its address says, or at the first event."""
    sent = await system.tell(Story("case-1").submitted(BRUGWERK), Story("case-2").submitted(BRUGWERK))
    first = (await system.get(BRUGWERK, limit=1)).json()["next"]
    async with listening(system, BRUGWERK, last="") as stream:
        assert await stream.ids(2) == [event.id for event in sent]
    async with listening(system, BRUGWERK, last="", after=first) as stream:
        assert await stream.ids(1) == [sent[1].id]


async def test_a_client_is_told_when_to_come_back(system: Running) -> None:
    """`retry` is a line of digits only, or clients pass it over; and it is there before anything happens."""
    async with system.client(BRUGWERK) as client, client.stream("GET", "/v1/stream") as answer:
        async with asyncio.timeout(2):
            first = await anext(answer.aiter_lines())
    name, _, value = first.partition(": ")
    assert (name, value.isdigit(), 1_000 <= int(value) <= 10_000) == ("retry", True, True)


async def test_the_retry_makes_no_event_and_spoils_none(system: Running) -> None:
    """The first event behind it is as the feed shows it, with its own id and type."""
    (sent,) = await system.tell(Story("case-1").submitted(BRUGWERK))
    async with listening(system, BRUGWERK) as stream:
        event = await stream.next()
    assert (event.event, json.loads(event.data)["id"]) == (referral.ReferralSubmitted.TYPE, sent.id)


async def test_everybody_has_ids_of_their_own_for_the_same_event(system: Running) -> None:
    """What is sent to many at once is read once, and each goes on from its own place only."""
    await system.tell(Story("case-1").submitted(BRUGWERK))
    async with listening(system, BRUGWERK) as one, listening(system, AGENCY) as other:
        mine, theirs = await one.next(), await other.next()
    assert (mine.data, mine.id == theirs.id) == (theirs.data, False)
    async with system.client(BRUGWERK) as client:
        refused = await client.get("/v1/stream", headers={"Last-Event-ID": theirs.id})
    assert (refused.status_code, refused.json()["code"]) == (422, "CURSOR_OF_ANOTHER_CALLER")
    assert refused.json()["errors"][0]["pointer"] == "/headers/Last-Event-ID"


async def test_resuming_survives_a_restart_of_the_service(tmp_path: Path) -> None:
    """The cursor is a place in the log, not in a process."""
    story = Story("case-1")
    async with running(tmp_path) as system:
        sent = await system.tell(story.submitted(BRUGWERK), story.of_case(CaseReopened))
        async with listening(system, BRUGWERK) as stream:
            last = (await stream.next()).id
    async with running(tmp_path) as system:
        (later,) = await system.tell(story.of_case(CaseReopened))
        async with listening(system, BRUGWERK, last=last) as stream:
            assert await stream.ids(2) == [sent[1].id, later.id]


async def test_a_stream_shows_only_what_its_client_may_see_of_the_types_it_wants(system: Running) -> None:
    """The rule of the feed holds in the stream, for what is there and for what comes."""
    notices = await system.tell(described(BRUGWERK))
    wanted = f"{referral.OrganisationDescribed.TYPE},{referral.ReferralDeclined.TYPE}"
    story = Story("case-1")
    async with (
        listening(system, SAMENSTAP, types=wanted) as stranger,
        listening(system, AGENCY, types=wanted) as agency,
    ):
        sent = await system.tell(story.submitted(BRUGWERK), story.declined(BRUGWERK), described(SAMENSTAP))
        assert await stranger.ids(2) == [notices[0].id, sent[2].id]
        assert await agency.ids(3) == [notices[0].id, sent[1].id, sent[2].id]


async def test_a_revoked_organisation_gets_the_stop_and_then_silence(system: Running) -> None:
    """An open stream obeys the withdrawal as soon as it is told."""
    story = Story("case-1")
    async with listening(system, BRUGWERK) as stream:
        first, stop, *_ = await system.tell(
            story.submitted(BRUGWERK),
            story.of_case(
                NgoAccessRevoked,
                referral=f"{story.case}-{BRUGWERK}",
                organisation=BRUGWERK,
                reason="CONSENT_WITHDRAWN",
            ),
            story.of_case(CaseReopened),
        )
        (notice,) = await system.tell(described(BRUGWERK))
        got = await stream.ids(2)
        got += await stream.ids(1) if got[0] == first.id else []
    # The first may have been sent before the stop was known; nothing else may.
    assert [one for one in got if one != first.id] == [stop.id, notice.id]


async def test_silence_is_broken_by_a_sign_of_life(tmp_path: Path) -> None:
    """Proxies and clients can tell a quiet feed from a dead connection."""
    async with (
        running(tmp_path, heartbeat=0.05) as system,
        system.client(BRUGWERK) as client,
        client.stream("GET", "/v1/stream") as answer,
        asyncio.timeout(5),
    ):
        lines = answer.aiter_lines()
        signs = 0
        while signs < 3:
            signs += (await anext(lines)).startswith(": still here")


async def test_what_happens_for_others_is_no_sign_of_life(tmp_path: Path) -> None:
    """A client that may see nothing of a busy service still hears from it."""

    async def busy(system: Running) -> None:
        story = Story("case-1")
        while True:
            await system.publishing.publish(story.submitted(BRUGWERK))
            await asyncio.sleep(0.01)

    async with running(tmp_path, heartbeat=0.1) as system, listening(system, SAMENSTAP) as stream:
        work = asyncio.create_task(busy(system))
        try:
            async with asyncio.timeout(3):
                lines = stream.answer.aiter_lines()
                signs = 0
                while signs < 3:
                    signs += (await anext(lines)).startswith(": still here")
        finally:
            work.cancel()


async def test_the_heartbeat_is_never_rarer_than_every_fifteen_seconds(system: Running) -> None:
    """The setting cannot be made longer, and its default is shorter."""
    settings = system.service.settings
    assert settings.heartbeat_seconds < 15
    with pytest.raises(ValueError, match="heartbeat_seconds"):
        type(settings)(heartbeat_seconds=15.5)


async def test_the_stream_ends_with_the_token(tmp_path: Path) -> None:
    """By the machine's clock, and nothing is shown after it."""
    async with running(tmp_path, heartbeat=0.1) as system:
        started = time.monotonic()
        async with listening(system, BRUGWERK, lifetime=2) as stream:
            with pytest.raises(StopAsyncIteration):
                await stream.next()
        assert 0.5 < time.monotonic() - started < 4


async def test_a_client_that_went_away_is_noticed(system: Running) -> None:
    """Nothing keeps running for nobody."""
    async with listening(system, BRUGWERK):
        await open_streams(system, 1)
    await open_streams(system, 0)


async def test_streams_end_at_once_when_the_service_is_told_to_stop(system: Running) -> None:
    """A listener does not hold up a stop, and its stream ends as an answer should: completely."""
    async with listening(system, BRUGWERK) as stream, listening(system, AGENCY) as other:
        await open_streams(system, 2)
        started = time.monotonic()
        system.app.state.end_streams()
        for one in (stream, other):
            with pytest.raises(StopAsyncIteration):
                await one.next()
        assert time.monotonic() - started < 1
    async with listening(system, BRUGWERK) as late:
        with pytest.raises(StopAsyncIteration):
            await late.next()


async def test_a_client_that_takes_nothing_is_let_go(tmp_path: Path) -> None:
    """A connection that accepts no bytes ends after a while, instead of holding its place for ever."""
    story = Story("case-1")
    async with running(tmp_path, answer_seconds=0.2) as system:
        # What is sent and not taken waits in the system's buffers first; small ones fill up soon.
        system.server.servers[0].sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect(("127.0.0.1", int(system.url.rpartition(":")[2])))
            request = f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {system.token(AGENCY)}\r\n\r\n"
            stuck.sendall(request.encode())
            await open_streams(system, 1)
            for n in range(4):
                await system.publishing.publish(*(story.submitted(BRUGWERK, name=f"-{n}-{m}") for m in range(50)))
            await open_streams(system, 0)


async def test_a_slow_client_gets_everything_and_costs_the_server_little(system: Running) -> None:
    """It reads at its own speed; what it has not read stays in the log, not in memory."""
    story = Story("case-1")
    sent: list[CloudEvent] = []
    async with listening(system, AGENCY) as slow, listening(system, AGENCY) as fast:
        for n in range(3):
            sent += await system.publishing.publish(*(story.submitted(BRUGWERK, name=f"-{n}-{m}") for m in range(50)))
            assert await fast.ids(50) == [event.id for event in sent[-50:]]
        assert await slow.ids(150) == [event.id for event in sent]


@pytest.mark.parametrize(
    ("query", "headers", "pointer"),
    [
        ({}, {"Last-Event-ID": "17"}, "/headers/Last-Event-ID"),
        ({"after": "17"}, {}, "/query/after"),
        ({"types": "nothing"}, {}, "/query/types"),
        ({"waitFor": "nothing"}, {}, "/query/waitFor"),
    ],
)
async def test_what_cannot_be_read_is_refused_before_the_stream_begins(
    system: Running, query: dict[str, str], headers: dict[str, str], pointer: str
) -> None:
    """A refusal is a problem with its pointer, not an empty stream."""
    async with system.client(BRUGWERK) as client:
        answer = await client.get("/v1/stream", params=query, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == pointer
