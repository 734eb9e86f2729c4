"""The machine's resolver, asked in threads: one that hangs holds its own name, and nobody else's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from services.notifications.webhooks.pinning import LOOKUPS, SystemResolver


class Hanging:
    """Looks names up in a resolver that hangs for those that begin with `slow`, until it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.free = threading.Event()

    def __call__(self, host: str, _port: int) -> list[str]:
        """The address of any name."""
        self.asked.append(host)
        if host.startswith("slow"):
            self.free.wait(30)
        if host.endswith("nobody"):
            raise OSError
        return ["192.0.2.1"]


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """Let go in the end."""
    made = Hanging()
    yield made
    made.free.set()


async def given_up(resolve: SystemResolver, host: str) -> None:
    """Waits for a name for a moment, in vain."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await resolve(host, 443)


async def test_a_name_that_hangs_holds_no_other(hanging: Hanging) -> None:
    """Nor does what waits for it hold a thread each."""
    resolve = SystemResolver(hanging)
    await asyncio.gather(*(given_up(resolve, "slow.example") for _ in range(200)))
    assert await resolve("quick.example", 443) == ["192.0.2.1"]
    assert hanging.asked == ["slow.example", "quick.example"]
    hanging.free.set()
    assert await resolve("slow.example", 443) == ["192.0.2.1"]
    assert hanging.asked.count("slow.example") == 1, "what was begun was waited for"
    assert await resolve("slow.example", 443) == ["192.0.2.1"]
    assert hanging.asked.count("slow.example") == 2, "nothing is kept beyond that"


async def test_a_name_without_addresses_fails_for_all_who_wait(hanging: Hanging) -> None:
    """And is looked up again for the next."""
    resolve = SystemResolver(hanging)
    waiting = [asyncio.create_task(resolve("slow-nobody", 443)) for _ in range(3)]
    await asyncio.sleep(0)
    hanging.free.set()
    assert [type(found) for found in await asyncio.gather(*waiting, return_exceptions=True)] == [OSError] * 3
    assert hanging.asked == ["slow-nobody"]
    (again,) = await asyncio.gather(resolve("slow-nobody", 443), return_exceptions=True)
    assert isinstance(again, OSError)
    assert hanging.asked == ["slow-nobody"] * 2


async def test_with_every_thread_held_others_wait_and_then_go_on(hanging: Hanging) -> None:
    """No more than so many run, however many names there are, and those that gave up leave nothing behind."""
    resolve = SystemResolver(hanging)
    await asyncio.gather(*(given_up(resolve, f"slow-{number}.example") for number in range(LOOKUPS)))
    await asyncio.gather(*(given_up(resolve, f"quick-{number}.example") for number in range(20)))
    assert len(hanging.asked) == LOOKUPS
    later = [asyncio.create_task(resolve("quick.example", 443)) for _ in range(3)]
    await asyncio.sleep(0)
    hanging.free.set()
    assert await asyncio.gather(*later) == [["192.0.2.1"]] * 3
    assert not [name for name in hanging.asked if name.startswith("quick-")]
