"""How one connection reads: bodies behind offers, and clients that are slow or do not read at all."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from services.chassis.http.server.protocol import LINGER_SECONDS
from services.chassis.operating.telemetry import Limit
from tests.chassis.wire import LONG, Wire, request, serving

CHUNKED = "Transfer-Encoding: chunked"
HIDDEN = request("/ok", "GET", "X-Hidden: a")
"""A body that would be a request if it were read as one."""


@pytest.mark.parametrize("at_once", [1 << 20, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (f"Content-Length: {len(HIDDEN)}", HIDDEN),
        (CHUNKED, b"%x\r\n%b\r\n0\r\nX-Trailer: a\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    ],
    ids=["length", "chunks"],
)
@pytest.mark.parametrize("offer", ["Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c", "Host: x"])
async def test_a_body_is_a_body_whatever_else_its_request_offers(
    offer: str, framing: str, body: bytes, at_once: int
) -> None:
    """Read as a request of its own, it would be answered as one, and a gateway would give that to somebody else."""
    async with serving() as wire:
        client = await wire.connect()
        sent = 2 * (request("/ok", "POST", offer, framing) + body) + request("/ok", "GET", "X-Last: a")
        for start in range(0, len(sent), at_once):
            await client.send(sent[start : start + at_once])
        for _ in range(2):
            answer = await client.answer()
            assert (answer.status, b'"length": %d' % len(HIDDEN) in answer.body) == (200, True)
        assert b"x-last" in (await client.answer()).body
        with pytest.raises(TimeoutError):
            await client.answer(within=0.3)
        assert wire.refused(Limit.MALFORMED) == 0


async def test_a_body_behind_connect_is_no_request_either() -> None:
    """There is no tunnel here; what is said to follow the head belongs to it (RFC 9112, 6.3)."""
    async with serving() as wire:
        client = await wire.connect()
        await client.send(request("/ok", "CONNECT", f"Content-Length: {len(HIDDEN)}") + HIDDEN + request("/ok"))
        assert b"x-hidden" not in (await client.answer()).body
        assert b"x-hidden" not in (await client.answer()).body
        with pytest.raises(TimeoutError):
            await client.answer(within=0.3)


async def test_an_offer_makes_a_body_no_longer_than_it_may_be() -> None:
    """The limits between chunks count for it too, and so does nonsense."""
    async with serving(header_limit=4096) as wire:
        offer = ("Connection: Upgrade", "Upgrade: h2c", CHUNKED)
        client = await wire.connect()
        sending = asyncio.create_task(client.send(request("/ok", "POST", *offer) + b"1;a=" + b"a" * 100_000))
        (await client.answer()).problem(400, "TOO_MUCH_BETWEEN_CHUNKS")
        await sending
        client = await (await wire.connect()).send(request("/ok", "POST", *offer) + b"zz\r\n")
        (await client.answer()).problem(400, "MALFORMED_REQUEST")


async def test_a_client_that_takes_nothing_is_let_go_though_it_sends_something_now_and_then() -> None:
    """A head that follows is no sign that it reads; only a body is, which some send whole before they read."""
    async with serving(answer_seconds=0.4, header_seconds=0.4) as wire:
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect(("127.0.0.1", wire.port))
            stuck.sendall(request("/big") + request("/ok")[:-2] + b"X-A: ")
            began = time.monotonic()
            while not wire.refused(Limit.ANSWER_SECONDS) and time.monotonic() - began < 5:
                stuck.sendall(b"a")
                await asyncio.sleep(0.1)
        assert wire.refused(Limit.ANSWER_SECONDS) == 1


async def test_the_end_of_an_answer_is_not_cut_off_while_its_client_reads_on() -> None:
    """Written whole, an answer is not yet taken: a client is idle when it has been."""
    async with serving(idle_seconds=0.3) as wire:
        wire.server.servers[0].sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", wire.port))
            slow.settimeout(0)
            slow.sendall(request("/long"))
            await asyncio.sleep(0.3 + LINGER_SECONDS + 1)
            loop, taken = asyncio.get_running_loop(), 0
            async with asyncio.timeout(20):
                while piece := await loop.sock_recv(slow, 65_536):
                    taken += len(piece)
                    await asyncio.sleep(0)
        assert taken > LONG
        assert wire.refused(Limit.IDLE_SECONDS) == 1


async def test_a_client_that_was_asked_for_its_body_may_read_why_it_was_too_much() -> None:
    """Closed while it sends, the connection would be reset, and the answer be lost with it."""
    async with serving() as wire:
        client = await (await wire.connect()).ask("/enough", "POST", "Expect: 100-continue", CHUNKED)
        assert (await client.answer()).status == 100
        for _ in range(200):
            await client.send(b"1000\r\n" + b"a" * 4096 + b"\r\n")
            await asyncio.sleep(0)
        await client.send(b"0\r\n\r\n")
        assert (await client.answer()).status == 413
        await client.ask("/ok")
        assert (await client.answer()).status == 200


async def test_whoever_takes_nothing_of_an_answer_makes_room_too() -> None:
    """Answers that nobody reads would otherwise hold all places until their time is over."""
    async with serving(connections=4, connections_per_address=0) as wire:
        stuck = [socket.socket() for _ in range(4)]
        for one in stuck:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", wire.port))
            one.sendall(request("/big"))
        await asyncio.sleep(5)
        client = await (await wire.connect()).ask("/ok", "GET", "Connection: close")
        assert (await client.answer(within=2)).status == 200
        assert wire.refused(Limit.MADE_ROOM) == 1
        for one in stuck:
            one.close()


async def test_nobody_is_idle_for_less_than_was_said() -> None:
    """A client that knows the limit sends its next request just before it."""

    async def idle_for(wire: Wire, after: float) -> float:
        client = await wire.connect()
        # Behind the last one that was opened, since the server looks at the time then too.
        await asyncio.sleep(0.2 + after)
        await (await client.ask("/ok")).answer()
        began = time.monotonic()
        assert await client.is_ended() == b""
        return time.monotonic() - began

    async with serving(idle_seconds=1.6) as wire:
        times = await asyncio.gather(*(idle_for(wire, n / 20) for n in range(8)))
    # Its clock counts whole milliseconds.
    assert min(times) >= 1.6 - 0.01
    assert max(times) < 1.6 + 1.5
