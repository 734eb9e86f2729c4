"""Waiting for what another process moves: it is told that somebody waits, and its word is enough."""

from __future__ import annotations

import asyncio
import time

from services.chassis.log.coverage import Coverage


class Far:
    """How far something has come."""

    def __init__(self) -> None:
        self.through = 0

    async def __call__(self) -> int:
        """As it is set."""
        return self.through


async def test_a_word_of_the_other_process_ends_a_wait_at_once() -> None:
    """Long before the next look."""
    far, said = Far(), list[str]()
    covered = Coverage(far, look_again=30.0)
    covered.on_wait = lambda: said.append("waits")
    waiting = asyncio.create_task(covered.wait(3))
    await asyncio.sleep(0.01)
    assert (said, covered.waited_for) == (["waits"], True)
    far.through = 3
    began = time.monotonic()
    await covered.look()
    await waiting
    assert time.monotonic() - began < 1
    assert not covered.waited_for


async def test_who_is_told_how_far_it_has_come_asks_nobody() -> None:
    """And who waits for more than that goes on waiting."""
    looks = list[int]()

    async def through() -> int:
        looks.append(0)
        return 0

    covered = Coverage(through, look_again=30.0)
    sooner, later = (asyncio.create_task(covered.wait(position)) for position in (3, 4))
    await asyncio.sleep(0.01)
    covered.reached(3)
    await sooner
    assert (looks, later.done(), covered.waited_for) == ([0, 0], False, True)
    covered.reached(4)
    await later


async def test_nobody_is_told_of_a_wait_for_what_is_there() -> None:
    """Nobody waits then."""
    far, said = Far(), list[str]()
    far.through = 3
    covered = Coverage(far)
    covered.on_wait = lambda: said.append("waits")
    await covered.wait(3)
    assert said == []


async def test_whoever_moves_it_is_heard_to_and_whoever_looks_is_not() -> None:
    """Else the processes would tell each other what they were told."""
    moves = list[int | None]()
    covered = Coverage(Far())
    covered.on_move = moves.append
    await covered.look()
    assert moves == []
    await covered.moved()
    covered.reached(1)
    # How far, whoever moved it knows or does not.
    assert moves == [None, 1]


async def test_looks_for_the_same_wait_come_less_and_less_often() -> None:
    """Another process tells as a rule; who waits for long is not asked for two hundred times a second."""
    looks = list[float]()

    async def through() -> int:
        looks.append(time.monotonic())
        return 0

    covered = Coverage(through, look_again=0.005)
    waiting = asyncio.create_task(covered.wait(1))
    await asyncio.sleep(0.4)
    waiting.cancel()
    # At once, after 5, 15 and 35 ms, and from then on every 20 ms: 22, and never 80.
    assert 2 <= len(looks) <= 24
