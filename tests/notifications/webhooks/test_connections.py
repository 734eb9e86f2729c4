"""Connections to endpoints: kept for a moment, for their own URL, and never waited for by others."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import httpcore
import pytest

from services.notifications.webhooks.connections import KEPT_SECONDS, MOST_KEPT, Connections
from services.notifications.webhooks.guard import destination
from services.notifications.webhooks.pinning import SystemResolver
from services.notifications.webhooks.sender import Sender
from tests.notifications.webhooks.sending import LOOPBACK, event, names, target
from tests.support.certificates import Authority
from tests.support.fault_receiver import Exchange, FaultReceiver


async def test_a_connection_is_used_again_for_the_same_url_only(sender: Sender, receiver: FaultReceiver) -> None:
    """One after the other on one connection; side by side, or to another path, on others."""
    for number in range(MOST_KEPT + 20):
        await sender.send(target(receiver.url("/ok")), event(f"a-{number}"))
    assert {request.connection for request in receiver.received} == {1}
    await sender.send(target(receiver.url("/ok?other")), event())
    assert receiver.received[-1].connection == 2
    await asyncio.gather(*(sender.send(target(receiver.url("/slow")), event(f"b-{number}")) for number in range(4)))
    assert len({request.connection for request in receiver.at("/slow")}) == 4


async def test_the_systems_certificates_are_read_with_the_first_endpoint_that_has_one() -> None:
    """And checked then; a process that has no such endpoint does without the megabyte."""
    connections = Connections(LOOPBACK, SystemResolver(), None, httpcore.AnyIOBackend())
    for url, read in (("http://127.0.0.1:8080/", False), ("https://127.0.0.1:8443/", True)):
        await connections.take(url, destination(url, LOOPBACK))
        assert (connections.trust is not None) is read
    assert connections.trust is not None
    assert connections.trust.verify_mode is ssl.CERT_REQUIRED
    assert connections.trust.check_hostname


async def test_idle_connections_are_bounded(sender: Sender, receiver: FaultReceiver) -> None:
    """However many endpoints there are, and all of them are closed in the end."""
    over = MOST_KEPT + 20
    for number in range(over):
        assert (await sender.send(target(receiver.url(f"/ok?{number}")), event())).acknowledged
    await sender.send(target(receiver.url("/ok?0")), event())
    assert receiver.received[-1].connection == over + 1, "the oldest was closed"
    last = over - 1
    await sender.send(target(receiver.url(f"/ok?{last}")), event())
    assert receiver.received[-1].connection == over, "the newest was kept"


async def test_a_connection_that_the_receiver_closed_is_not_used(sender: Sender) -> None:
    """It restarts between two events, and neither is lost."""
    receiver = FaultReceiver().start()
    try:
        assert (await sender.send(target(receiver.url()), event())).acknowledged
        receiver.stop()
        receiver.start()
        assert (await sender.send(target(receiver.url()), event())).acknowledged
    finally:
        receiver.stop()


async def test_an_endpoint_that_hangs_holds_no_other(
    make_sender: Callable[..., Sender], receiver: FaultReceiver
) -> None:
    """Not even by a hundred attempts at once."""
    sender = make_sender(LOOPBACK, seconds=2.0)
    hanging = [
        asyncio.create_task(sender.send(target(receiver.url("/hang")), event(f"h-{number}"))) for number in range(100)
    ]
    await asyncio.sleep(0.1)
    answer = await sender.send(target(receiver.url("/ok")), event())
    assert answer.acknowledged
    assert answer.latency_ms < 1500
    assert {(await one).error for one in hanging} == {"TIMEOUT"}


async def test_a_second_address_is_tried_where_nobody_is_at_the_first(
    make_sender: Callable[..., Sender], authority: Authority, secure: FaultReceiver
) -> None:
    """As of a name with two addresses of which one is down."""
    resolve = names({"hooks.example.org": ["127.0.0.2", "127.0.0.1"]})
    both = make_sender(LOOPBACK, trust=authority.trust(), resolve=resolve)
    assert (await both.send(target(secure.url(host="hooks.example.org")), event())).acknowledged


async def test_an_attempt_that_is_given_up_closes_its_connection(sender: Sender, receiver: FaultReceiver) -> None:
    """The receiver sees it; a process that stops leaves nothing behind."""
    came, gone = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def watch(exchange: Exchange) -> bool:
        loop.call_soon_threadsafe(came.set)
        await exchange.reader.read()
        loop.call_soon_threadsafe(gone.set)
        return False

    receiver.turn("/watched", watch)
    attempt = asyncio.create_task(sender.send(target(receiver.url("/watched")), event()))
    await asyncio.wait_for(came.wait(), 5)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await asyncio.wait_for(gone.wait(), 5)


async def test_a_handshake_that_is_given_up_closes_its_connection(sender: Sender) -> None:
    """Else an endpoint that takes connections and says nothing would cost an open file at every attempt."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0)
        attempt = asyncio.create_task(sender.send(target(f"https://127.0.0.1:{silent.getsockname()[1]}/"), event()))
        opened, _ = await asyncio.wait_for(loop.sock_accept(silent), 5)
        with opened:
            assert await asyncio.wait_for(loop.sock_recv(opened, 65_536), 5), "the handshake began"
            attempt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
            assert await asyncio.wait_for(loop.sock_recv(opened, 65_536), 5) == b""


@pytest.mark.slow
async def test_a_connection_is_kept_for_a_moment_only(sender: Sender, receiver: FaultReceiver) -> None:
    """Common servers close an idle one after five seconds, and a request that meets that would be lost."""
    await sender.send(target(receiver.url("/ok")), event())
    await asyncio.sleep(KEPT_SECONDS + 0.1)
    await sender.send(target(receiver.url("/ok")), event())
    assert [request.connection for request in receiver.received] == [1, 2]
    assert KEPT_SECONDS < 5
