"""Group commit: what is queued while one transaction commits shares the next, and nobody pays for somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.chassis.engines.group_commit import AwaitedGroupCommit, GroupCommit, InlineGroupCommit
from services.chassis.log.event_log import EventLog, Write
from tests.chassis.counters import Counted, metadata

MOST = 20


class Paper:
    """A store that writes numbers down, refuses negative ones, and fails as a whole on a zero."""

    def __init__(self, *, awaited: bool) -> None:
        self.batches: list[list[int]] = []
        self.writer: GroupCommit[int, str] = (
            AwaitedGroupCommit(self._commit_later, MOST) if awaited else InlineGroupCommit(self._commit, MOST)
        )

    async def _commit_later(self, batch: Sequence[int]) -> list[str | Exception]:
        return self._commit(batch)

    def _commit(self, batch: Sequence[int]) -> list[str | Exception]:
        if 0 in batch:
            raise OSError("the pen broke")
        self.batches.append([number for number in batch if number > 0])
        return [f"wrote {number}" if number > 0 else ValueError(number) for number in batch]


@pytest.fixture(params=[False, True], ids=["inline", "awaited"])
def paper(request: pytest.FixtureRequest) -> Paper:
    """An empty one, written on in either way."""
    return Paper(awaited=request.param)


async def test_what_is_submitted_at_once_shares_a_batch(paper: Paper) -> None:
    """Ten items that are there at the same time are committed together, in order, each with its own result."""
    results = await asyncio.gather(*(paper.writer.submit(n) for n in range(1, 11)))
    assert results == [f"wrote {n}" for n in range(1, 11)]
    assert paper.batches == [list(range(1, 11))]


async def test_nobody_waits_for_company(paper: Paper) -> None:
    """An item alone is committed in the next turn of the event loop."""
    alone = asyncio.ensure_future(paper.writer.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert paper.batches == [[1]]
    assert await alone == "wrote 1"


async def test_what_arrives_during_a_commit_is_the_next_batch(paper: Paper) -> None:
    """Callers that go on after their commit form the next batch together."""

    async def two(first: int, second: int) -> None:
        await paper.writer.submit(first)
        await paper.writer.submit(second)

    await asyncio.gather(two(1, 2), two(3, 4), two(5, 6))
    assert paper.batches == [[1, 3, 5], [2, 4, 6]]


async def test_a_batch_has_a_largest_size_and_the_rest_follows(paper: Paper) -> None:
    """More than the largest batch is committed in several, none lost, in order."""
    await asyncio.gather(*(paper.writer.submit(n) for n in range(1, MOST * 2 + 2)))
    assert [len(batch) for batch in paper.batches] == [MOST, MOST, 1]
    assert [n for batch in paper.batches for n in batch] == list(range(1, MOST * 2 + 2))


async def test_an_item_of_its_own_fault_fails_alone(paper: Paper) -> None:
    """The exception of one item reaches its caller and nobody else."""
    results = await asyncio.gather(*(paper.writer.submit(n) for n in (1, -2, 3)), return_exceptions=True)
    assert [type(result) for result in results] == [str, ValueError, str]


async def test_a_failed_batch_fails_all_of_it_and_none_after_it(paper: Paper) -> None:
    """Every caller of a failed transaction hears of it; the next transaction is a new chance."""
    results = await asyncio.gather(*(paper.writer.submit(n) for n in (1, 0, 3)), return_exceptions=True)
    assert [type(result) for result in results] == [OSError, OSError, OSError]
    assert await paper.writer.submit(4) == "wrote 4"
    assert paper.batches == [[4]]


async def test_a_caller_that_goes_away_harms_nobody(paper: Paper) -> None:
    """Of a batch with a cancelled caller, everything is stored and the others are answered."""
    callers = [asyncio.ensure_future(paper.writer.submit(n)) for n in range(1, 6)]
    await asyncio.sleep(0)
    callers[2].cancel()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [str, str, asyncio.CancelledError, str, str]
    assert paper.batches == [[1, 2, 3, 4, 5]]


async def test_a_request_that_is_cancelled_in_mid_append_harms_no_other(log: EventLog) -> None:
    """On a real log: half of the callers go away at every stage; the others get the place of their own event."""
    for stage in range(4):
        streams = [f"counter-{stage}-{n}" for n in range(20)]
        callers = [
            asyncio.ensure_future(log.append([Write(stream, 0, [(Counted(by=1), metadata())])])) for stream in streams
        ]
        for _ in range(stage):
            await asyncio.sleep(0)
        for caller in callers[::2]:
            caller.cancel()
        await asyncio.wait(callers)
        for stream, caller in list(zip(streams, callers, strict=True))[1::2]:
            (recorded,) = await log.read(stream)
            assert recorded.position == caller.result()


async def test_draining_ends_when_nothing_is_queued(paper: Paper) -> None:
    """Closing a store first lets the queue run empty."""
    callers = [asyncio.ensure_future(paper.writer.submit(n)) for n in range(1, MOST * 3)]
    await asyncio.sleep(0)
    await asyncio.wait_for(paper.writer.drain(), 1)
    assert sum(map(len, paper.batches)) == len(callers)
    assert all(isinstance(result, str) for result in await asyncio.gather(*callers))
    with pytest.raises(ValueError, match="-1"):
        await paper.writer.submit(-1)
