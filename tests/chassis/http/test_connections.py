"""What one client may ask of the server's memory, time and places, whatever it sends; seen over a real connection."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from services.chassis.operating.telemetry import Limit
from tests.chassis.wire import is_well, request, serving, until

CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /ok HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 2_000_000, 431, "HEADERS_TOO_LARGE"),
        (b"GET /ok HTTP/1.1\r\n" + b"A: b\r\n" * 19 + b"X-A: " + b"a" * 2_000_000, 431, "HEADERS_TOO_LARGE"),
        (b"GET /" + b"a" * 2_000_000, 414, "ADDRESS_TOO_LONG"),
        (b"\r\n" * 1_000_000, 431, "HEADERS_TOO_LARGE"),
        (request("/ok", "POST", CHUNKED) + b"1;a=" + b"a" * 2_000_000, 400, "TOO_MUCH_BETWEEN_CHUNKS"),
        (request("/ok", "POST", CHUNKED) + b"0" * 2_000_000, 400, "TOO_MUCH_BETWEEN_CHUNKS"),
        (request("/ok", "POST", CHUNKED) + b"0\r\nX-A: " + b"a" * 2_000_000, 400, "TOO_MUCH_BETWEEN_CHUNKS"),
    ],
    ids=["a header", "headers", "the address", "empty lines", "an extension", "a length", "a trailer"],
)
async def test_what_never_ends_is_refused_and_counted(sent: bytes, status: int, code: str) -> None:
    """Whatever a client may go on with beside a body: it is told, and others notice nothing."""
    async with serving(header_limit=4096) as wire:
        client = await wire.connect()
        sending = asyncio.create_task(client.send(sent))
        (await client.answer()).problem(status, code)
        await is_well(wire)
        await client.is_ended()
        await sending
        assert wire.refused(Limit.HEADER_BYTES) == 1


@pytest.mark.parametrize("at_once", [1 << 20, 1000, 1], ids=["at once", "in pieces", "byte by byte"])
async def test_a_head_may_be_as_long_as_the_limit_and_no_byte_longer(at_once: int) -> None:
    """However it is cut on its way."""
    async with serving(header_limit=1024) as wire:
        for more, status in ((0, 200), (1, 431)):
            head = request("/ok", "GET", "X-A: ")
            head = head.replace(b"X-A: ", b"X-A: " + b"a" * (1024 - len(head) + more))
            client = await wire.connect()
            for start in range(0, len(head), at_once):
                await client.send(head[start : start + at_once])
                if at_once == 1 and start % 64 == 0:
                    await asyncio.sleep(0.001)
            assert (await client.answer()).status == status


async def test_the_head_of_every_request_of_a_connection_has_the_whole_limit() -> None:
    """Neither an earlier head nor a long body uses it up."""
    async with serving(header_limit=2048) as wire:
        client = await wire.connect()
        for _ in range(5):
            await client.ask("/ok", "POST", "X-A: " + "a" * 1500, "Content-Length: 200000", body=b"b" * 200_000)
            assert (await client.answer()).status == 200
            chunks = b"".join(b"3e8;a=b\r\n" + b"c" * 1000 + b"\r\n" for _ in range(400)) + b"0\r\n\r\n"
            await client.ask("/ok", "POST", CHUNKED, body=chunks)
            assert (await client.answer()).status == 200


async def test_a_request_has_no_more_headers_than_the_limit() -> None:
    """As many as allowed are fine; one more is answered with 431."""
    async with serving(headers=20) as wire:
        most = await (await wire.connect()).ask("/ok", "GET", *(f"X-{n}: a" for n in range(19)))
        assert (await most.answer()).status == 200
        more = await (await wire.connect()).ask("/ok", "GET", *(f"X-{n}: a" for n in range(20)))
        (await more.answer()).problem(431, "TOO_MANY_HEADERS")
        assert wire.refused(Limit.HEADERS) == 1


async def test_a_trailer_never_becomes_a_header() -> None:
    """What comes behind a body cannot say who asks: neither of this request nor of the next one."""
    async with serving() as wire:
        client = await (await wire.connect()).ask("/lines", "POST", CHUNKED, body=b"1\r\na\r\n0\r\nX-Late: a\r\n\r\n")
        assert (await client.answer()).body == b"a"
        await client.ask("/ok", "POST", CHUNKED, body=b"1\r\na\r\n0\r\nX-Late: a\r\n\r\n")
        assert b"x-late" not in (await client.answer()).body
        await client.ask("/ok")
        assert b"x-late" not in (await client.answer()).body


@pytest.mark.parametrize("drips", [False, True])
async def test_a_head_has_to_be_there_in_time(*, drips: bool) -> None:
    """408 after so many seconds from its first byte, also for one that comes bit by bit, also behind other requests."""
    async with serving(header_seconds=0.4) as wire:
        client = await wire.connect()
        for _ in range(2):
            await client.ask("/ok")
            assert (await client.answer()).status == 200
        began = time.monotonic()
        await client.send(b"GET /ok HTTP/1.1\r\n")
        answer = asyncio.create_task(client.answer())
        while drips and not answer.done():
            await client.send(b"A: b\r\n")
            await asyncio.sleep(0.1)
        (await answer).problem(408, "HEADERS_TOO_SLOW")
        assert 0.2 < time.monotonic() - began < 3
        await client.is_ended()
        assert wire.refused(Limit.HEADER_SECONDS) == 1


async def test_many_half_sent_requests_hold_no_place_for_long() -> None:
    """Each is told, each is let go, and meanwhile others are answered."""
    async with serving(header_seconds=0.3) as wire:
        halves = [await (await wire.connect()).send(b"GET /ok HTTP/1.1\r\nHost") for _ in range(120)]
        await is_well(wire)
        for half in halves:
            assert (await half.answer()).status == 408
            await half.is_ended()
        assert wire.refused(Limit.HEADER_SECONDS) == 120


async def test_a_connection_without_a_word_is_closed() -> None:
    """As long after its opening as a head may take; there is nothing to be answered."""
    async with serving(header_seconds=0.2) as wire:
        assert await (await wire.connect()).is_ended() == b""
        assert wire.refused(Limit.IDLE_SECONDS) == 1


async def test_a_connection_is_kept_for_a_while_and_not_for_ever() -> None:
    """Between two requests it may rest, as long as the setting says."""
    async with serving(idle_seconds=0.5, header_seconds=0.1) as wire:
        client = await wire.connect()
        for _ in range(3):
            await client.ask("/ok")
            assert (await client.answer()).status == 200
            await asyncio.sleep(0.25)
        assert await client.is_ended() == b""
        assert wire.refused(Limit.IDLE_SECONDS) == 1


async def test_work_that_takes_long_is_not_idle() -> None:
    """No limit is about how long an answer takes."""
    async with serving(idle_seconds=0.1, header_seconds=0.1, body_seconds=0.1, answer_seconds=0.1) as wire:
        client = await (await wire.connect()).ask("/wait")
        await asyncio.sleep(0.6)
        wire.go_on.set()
        assert (await client.answer()).status == 200


@pytest.mark.parametrize("framing", ["Content-Length: 1000", CHUNKED])
async def test_a_body_that_stops_is_answered_with_408(framing: str) -> None:
    """So many seconds after its last byte."""
    async with serving(body_seconds=0.3) as wire:
        client = await (await wire.connect()).ask("/ok", "POST", framing, body=b"3\r\nabc\r\n")
        (await client.answer()).problem(408, "BODY_STOPPED")
        await client.is_ended()
        assert wire.refused(Limit.BODY_SECONDS) == 1


async def test_a_body_that_stops_under_an_answer_ends_the_connection() -> None:
    """A 408 in the midst of an answer would be taken for a part of it."""
    async with serving(body_seconds=0.3) as wire:
        client = await (await wire.connect()).ask("/lines", "POST", CHUNKED, body=b"3\r\nabc\r\n")
        assert b"408" not in await client.is_ended()
        assert wire.refused(Limit.BODY_SECONDS) == 1


async def test_a_body_that_comes_slowly_may_take_as_long_as_it_likes() -> None:
    """Many times the limit, as long as bytes come: a bulk of referrals lasts for hours."""
    async with serving(body_seconds=0.4, header_seconds=0.1, idle_seconds=0.1, answer_seconds=0.1) as wire:
        client = await (await wire.connect()).ask("/lines", "POST", CHUNKED)
        for _ in range(12):
            await client.send(b"1\r\na\r\n")
            await asyncio.sleep(0.15)
        await client.send(b"0\r\n\r\n")
        assert (await client.answer()).body == b"a" * 12
        assert wire.refused(Limit.BODY_SECONDS) == 0


async def test_a_body_that_we_do_not_read_is_not_held_against_its_client() -> None:
    """While the application is busy the server stops reading, and the client cannot send."""
    async with serving(body_seconds=0.2) as wire:
        body = b"b" * 8_000_000
        client = await wire.connect()
        asking = asyncio.create_task(client.ask("/patient", "POST", f"Content-Length: {len(body)}", body=body))
        assert (await client.answer()).status == 200
        await asking


async def test_a_client_that_waits_to_be_asked_for_its_body_is_not_late() -> None:
    """`Expect: 100-continue`: it is the application that takes its time."""
    async with serving(body_seconds=0.2) as wire:
        client = await (await wire.connect()).ask("/patient", "POST", "Expect: 100-continue", "Content-Length: 3")
        assert (await client.answer()).status == 100
        await client.send(b"abc")
        assert (await client.answer()).status == 200


async def test_a_connection_ends_whose_body_nobody_asked_for() -> None:
    """Answered without `100 Continue`, a client may send the body or not: the next bytes could be either."""
    async with serving() as wire:
        client = await (await wire.connect()).ask("/unread", "POST", "Expect: 100-continue", "Content-Length: 30")
        assert (await client.answer()).status == 200
        assert await client.is_ended() == b""


async def test_what_is_left_of_a_body_after_the_answer_has_little_time() -> None:
    """A refused client that goes on sending bit by bit holds its place no longer than an idle one."""
    async with serving(idle_seconds=0.4) as wire:
        client = await (await wire.connect()).ask("/unread", "POST", "Content-Length: 1000000", body=b"a")
        assert (await client.answer()).status == 200
        began = time.monotonic()
        while time.monotonic() - began < 5 and client.open:
            await client.send(b"a")
            await asyncio.sleep(0.05)
        assert time.monotonic() - began < 3


async def test_a_client_that_takes_nothing_of_its_answer_is_let_go() -> None:
    """It holds no place and no memory for ever."""
    async with serving(answer_seconds=0.3) as wire:
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect(("127.0.0.1", wire.port))
            stuck.sendall(request("/big"))
            async with asyncio.timeout(10):
                while not wire.refused(Limit.ANSWER_SECONDS) or wire.open:  # noqa: ASYNC110 - see `until`
                    await asyncio.sleep(0.01)


async def test_a_client_that_takes_its_answer_slowly_is_not() -> None:
    """What counts is that it takes something, however much of the answer lies in the system's buffers."""
    async with serving(answer_seconds=0.6) as wire:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
            slow.connect(("127.0.0.1", wire.port))
            slow.settimeout(0)
            slow.sendall(request("/big"))
            for _ in range(20):
                await asyncio.sleep(0.1)
                assert await asyncio.get_running_loop().sock_recv(slow, 32_768)
        assert wire.refused(Limit.ANSWER_SECONDS) == 0


async def test_some_requests_may_follow_before_the_first_is_answered() -> None:
    """They are answered in order."""
    async with serving() as wire:
        client = await wire.connect()
        await client.send(b"".join(request("/ok", "GET", f"X-{n}: a") for n in range(10)))
        for n in range(10):
            assert f"x-{n}".encode() in (await client.answer()).body


async def test_requests_without_end_end_the_connection() -> None:
    """Nobody has work queued for him without bound; and the one at work does not go on for nobody."""
    async with serving() as wire:
        client = await (await wire.connect()).ask("/wait")
        await until(wire, 1)
        await client.send(request() * 50_000)
        assert await client.is_ended() == b""
        assert wire.refused(Limit.PIPELINED) == 1
        await until(wire, 0)
        await is_well(wire)


async def test_work_ends_when_its_client_leaves_though_another_request_waits_behind_it() -> None:
    """Anyone who is at work hears of it, not only who came last."""
    async with serving() as wire:
        client = await (await wire.connect()).send(request("/wait") + request("/ok"))
        await until(wire, 1)
        client.close()
        await until(wire, 0)


async def test_what_is_at_work_is_answered_before_nonsense_that_follows_it() -> None:
    """A client learns what became of its command; nothing is answered behind it."""
    async with serving() as wire:
        client = await (await wire.connect()).ask("/wait")
        await until(wire, 1)
        await client.send(b"\x00\x01\x02\r\n\r\n")
        await asyncio.sleep(0.05)
        wire.go_on.set()
        assert (await client.answer()).status == 200
        assert await client.is_ended() == b""
        assert wire.refused(Limit.MALFORMED) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x01\x02\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nHost: x\r\n : a\r\n\r\n",
    ],
    ids=["HTTP/2", "TLS", "nonsense", "two lengths", "a header without a name"],
)
async def test_what_is_no_request_is_refused_with_a_problem(sent: bytes) -> None:
    """400, and the end of the connection."""
    async with serving() as wire:
        client = await (await wire.connect()).send(sent)
        (await client.answer()).problem(400, "MALFORMED_REQUEST")
        assert await client.is_ended() == b""
        assert wire.refused(Limit.MALFORMED) == 1


@pytest.mark.parametrize("to", ["websocket", "h2c"])
async def test_an_offer_to_speak_something_else_is_not_taken(to: str) -> None:
    """The request is answered as any other, and so are those behind it, however many of them offer the same."""
    async with serving() as wire:
        offer = request("/ok", "GET", "Connection: Upgrade", f"Upgrade: {to}")
        client = await (await wire.connect()).send(offer * 8 + request("/ok", "GET", "X-Last: a"))
        answers = [await client.answer() for _ in range(9)]
        assert {one.status for one in answers} == {200}
        assert b"x-last" in answers[-1].body
