"""No address that may not be called is connected to, whatever a name answers, and however often it changes its mind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.webhooks.addresses import is_public, networks
from services.notifications.webhooks.guard import destination
from services.notifications.webhooks.pinning import (
    MOST_ADDRESSES,
    RefusedAddress,
    SystemResolver,
    Unresolved,
    checked_addresses,
)
from services.notifications.webhooks.sender import Answer, Sender
from tests.notifications.webhooks.sending import LOOPBACK, UNUSED, event, names, target
from tests.support.fault_receiver import FaultReceiver

HOOK = "https://hooks.example.org/ok"


class Unreachable(httpcore.AsyncNetworkBackend):
    """Notes what would be connected to, and connects to nothing."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """See httpcore."""
        del port, timeout, local_address, socket_options
        self.tried.append(host)
        raise httpcore.ConnectError


async def sent(answers: Sequence[str], allow: str = "", url: str = HOOK) -> tuple[Answer, list[str]]:
    """What came of it, and what was tried, where every name answers so."""
    network = Unreachable()

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers

    sender = Sender(networks(allow), trust=UNUSED, resolve=resolve, network=network, seconds=5.0)
    return await sender.send(target(url), event()), network.tried


SOME = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "8.8.8.8", "2606::1")
ANSWERS = st.lists(st.one_of(st.sampled_from(SOME), st.ip_addresses().map(str)), max_size=6)


@given(ANSWERS)
def test_no_address_in_a_refused_range_is_ever_connected_to(answers: list[str]) -> None:
    """Whatever the resolver answers, in whatever order."""
    answer, tried = asyncio.run(sent(answers))
    assert [address for address in tried if not is_public(ip_address(address))] == []
    assert answer.status is None
    if answers and all(is_public(ip_address(address)) for address in answers):
        assert tried == [str(ip_address(address)) for address in answers][:MOST_ADDRESSES]
    else:
        assert tried == []
        assert answer.error == ("REFUSED_ADDRESS" if answers else "UNRESOLVED")


async def test_one_closed_address_among_open_ones_refuses_all() -> None:
    """A name that answers with ours as well as its own is none that should be called."""
    answer, tried = await sent(["8.8.8.8", "127.0.0.1"])
    assert (answer.error, tried) == ("REFUSED_ADDRESS", [])


async def test_http_is_for_allowed_networks_alone() -> None:
    """A name for which it was subscribed may answer with another address by now."""
    inside = "10.1.0.0/16"
    assert (await sent(["10.1.2.3"], inside, "http://hooks.example.org/"))[1] == ["10.1.2.3"]
    assert (await sent(["8.8.8.8"], inside, "http://hooks.example.org/"))[1] == []
    assert (await sent(["8.8.8.8"], inside, "https://hooks.example.org:8080/"))[1] == []
    assert (await sent(["8.8.8.8"], inside, HOOK))[1] == ["8.8.8.8"]


@pytest.mark.parametrize("answers", [["not an address"], ["8.8.8.8", ""], []])
async def test_what_is_no_address_is_not_tried(answers: list[str]) -> None:
    """A resolver that answers nonsense answers nothing."""
    assert (await sent(answers))[1] == []
    assert (await sent(answers))[0].error == "UNRESOLVED"


async def test_a_name_is_resolved_once_for_a_connection_and_what_was_checked_is_connected_to() -> None:
    """It answers with a public address first and with loopback ever after (DNS rebinding)."""
    network, asked = Unreachable(), list[str]()

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    sender = Sender(resolve=resolve, network=network)
    assert (await sender.send(target(HOOK), event())).error == "CONNECTION"
    assert (asked, network.tried) == (["hooks.example.org"], ["8.8.8.8"])
    assert (await sender.send(target(HOOK), event())).error == "REFUSED_ADDRESS"
    assert network.tried == ["8.8.8.8"]


async def test_a_name_on_loopback_opens_no_connection(secure: FaultReceiver) -> None:
    """A real one would be seen by the receiver that listens there."""
    sender = Sender(resolve=names({}))
    url = f"https://hooks.example.org:{secure.port}/ok"
    assert (await sender.send(target(url), event())).error == "REFUSED_URL"
    assert (await sender.send(target(HOOK), event())).error == "REFUSED_ADDRESS"
    assert (await sender.send(target("https://127.0.0.1/ok"), event())).error == "REFUSED_URL"
    assert secure.connections == 0


async def test_the_system_answers_for_its_own_names() -> None:
    """And what it does not know has no address."""
    resolve = SystemResolver()
    found = await checked_addresses(destination("http://localhost:9000/", LOOPBACK), LOOPBACK, resolve)
    assert {str(address) for address in found} <= {"127.0.0.1", "::1"}
    assert found
    with pytest.raises(RefusedAddress):
        await checked_addresses(destination("http://localhost:9000/", LOOPBACK), networks("10.0.0.0/8"), resolve)
    with pytest.raises(Unresolved):
        await checked_addresses(destination("https://nobody.invalid/", ()), (), resolve)


async def test_an_address_in_a_url_is_not_looked_up() -> None:
    """Nobody is asked what is written there."""
    answer, tried = await sent(["127.0.0.1"], url="https://8.8.8.8/")
    assert (answer.error, tried) == ("CONNECTION", ["8.8.8.8"])


async def test_a_name_that_does_not_answer_holds_no_other() -> None:
    """And is given up within the time of an attempt."""

    async def resolve(host: str, _port: int) -> Sequence[str]:
        if host == "slow.example.org":
            await asyncio.sleep(3600)
        return ["8.8.8.8"]

    sender = Sender(resolve=resolve, network=Unreachable(), seconds=0.5)
    slow = asyncio.create_task(sender.send(target("https://slow.example.org/"), event()))
    await asyncio.sleep(0)
    began = time.monotonic()
    assert (await sender.send(target(HOOK), event())).error == "CONNECTION"
    assert time.monotonic() - began < 0.3
    assert (await slow).error == "TIMEOUT"
