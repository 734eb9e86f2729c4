"""How many connections the server holds, of everybody and of one address, and who makes room when all are taken."""

from __future__ import annotations

import asyncio

import pytest

from services.chassis.http.server.connections import address_of
from services.chassis.operating.telemetry import Limit
from tests.chassis.wire import Client, is_well, serving, until


async def test_where_all_places_are_taken_those_who_wait_for_nothing_make_room() -> None:
    """Who opens connections and says nothing, or little, keeps nobody out; the oldest go first."""
    async with serving(connections=20, connections_per_address=0) as wire:
        idle = [await wire.connect() for _ in range(10)]
        half = [await (await wire.connect()).send(b"GET /ok HT") for _ in range(10)]
        await asyncio.sleep(0.05)
        for _ in range(40):
            await is_well(wire)
        assert await idle[0].is_ended() == b""
        newest = [await wire.connect() for _ in range(12)]
        (await half[0].answer()).problem(503, "MADE_ROOM")
        assert newest[-1].open
        assert wire.open <= 20
        assert wire.refused(Limit.MADE_ROOM) >= 12


async def test_where_all_are_at_work_a_further_connection_is_told_to_come_back() -> None:
    """503 with Retry-After; as soon as one is done there is room again."""
    async with serving(connections=6, connections_per_address=0) as wire:
        busy = [await (await wire.connect()).ask("/wait") for _ in range(6)]
        await until(wire, 6)
        for _ in range(80):
            refused = await (await wire.connect()).ask("/ok")
            answer = await refused.answer()
            answer.problem(503, "TOO_MANY_CONNECTIONS")
            assert int(answer.headers["retry-after"]) > 0
            refused.close()
        assert wire.open == 6
        assert wire.refused(Limit.CONNECTIONS) == 80
        busy[0].close()
        await until(wire, 5)
        await is_well(wire)


async def test_an_address_has_its_own_limit_and_others_have_room() -> None:
    """429 with Retry-After for the one, and all is well for the other; never more than three quarters are one's."""
    async with serving(connections=12, connections_per_address=12) as wire:
        for _ in range(9):
            await (await wire.connect("127.0.0.2")).ask("/wait")
        await until(wire, 9)
        answer = await (await (await wire.connect("127.0.0.2")).ask("/ok")).answer()
        answer.problem(429, "TOO_MANY_CONNECTIONS_OF_ADDRESS")
        assert int(answer.headers["retry-after"]) > 0
        assert wire.refused(Limit.CONNECTIONS_PER_ADDRESS) == 1
        await is_well(wire, "127.0.0.3")


async def test_an_address_makes_room_for_itself_first() -> None:
    """Its own idle connections go, and nobody else's."""
    async with serving(connections=100, connections_per_address=4) as wire:
        other = await (await wire.connect("127.0.0.3")).ask("/ok")
        await other.answer()
        own = [await wire.connect("127.0.0.2") for _ in range(4)]
        await asyncio.sleep(0.05)
        await is_well(wire, "127.0.0.2")
        assert await own[0].is_ended() == b""
        await other.ask("/ok")
        assert (await other.answer()).status == 200


async def test_no_address_is_shown_to_anybody() -> None:
    """An address belongs to a person; the metrics count without it."""
    async with serving(connections=12, connections_per_address=1) as wire:
        clients: list[Client] = [await wire.connect("127.0.0.2") for _ in range(3)]
        await clients[-1].ask("/wait")
        await until(wire, 1)
        assert (await (await wire.connect("127.0.0.2")).answer()).status == 429
        assert "127.0.0" not in bytes(wire.telemetry.exposition().body).decode()


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.7", 4711), "192.0.2.7"),
        (("::ffff:192.0.2.7", 4711, 0, 0), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 4711, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 4711, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 4711, 0, 0), "fe80::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_network_of_one_customer_counts_as_one_address(peer: object, address: str) -> None:
    """With IPv6 anybody has 2^64 of them."""
    assert address_of(peer) == address
