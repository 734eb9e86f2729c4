"""What an append takes along: what its events rest on, and the records that they refer to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.chassis.log.event_log import Conflict, EventLog
from services.chassis.stores import Stores
from services.chassis.vault.vault import AlreadyKept, Deposit, Vault
from tests.chassis.conftest import OpenLog
from tests.chassis.log.test_event_log import totals, write


@pytest.fixture
async def vault(stores: Stores) -> AsyncIterator[Vault]:
    """The vault beside the log."""
    opened = stores.vault("counters")
    yield opened
    await opened.close()


def deposit(vault: Vault, stream: str, *texts: str) -> tuple[Deposit, list[str]]:
    """Texts that are set aside for the vault, and their references."""
    made = Deposit(vault, stream)
    return made, [made.put("note", {"text": text}) for text in texts]


class Named(Deposit):
    """A deposit whose records get the given references, as no attempt of a command draws them."""

    def name(self, ref: str, record: dict[str, Any]) -> Named:
        """Sets a record aside."""
        self._records[ref] = record
        return self


async def test_a_stale_read_is_a_conflict_and_stores_nothing(open_log: OpenLog) -> None:
    """Whoever moved the stream that was read, and whether at a version that has passed or that never was."""
    log, other = open_log(), open_log()
    await other.append([write("till", 0, 1, 2)])
    for version in (0, 1, 3):
        with pytest.raises(Conflict) as conflict:
            await log.append([write("counter-a", 0, 1), write("counter-b", 0, 1)], read={"none": 0, "till": version})
        assert (conflict.value.stale, set(conflict.value.streams)) == ("till", {"counter-a", "counter-b"})
    with pytest.raises(Conflict) as conflict:
        await log.append([write("counter-a", 0, 1)], read={"none": 1, "till": 2})
    assert conflict.value.stale == "none"
    assert await log.append([write("counter-a", 0, 1)], read={"none": 0, "till": 2}) == 3
    assert [await totals(log, stream) for stream in ("counter-a", "counter-b", "none")] == [[1], [], []]


async def test_a_stale_read_fails_only_its_own_command(log: EventLog) -> None:
    """Of appends that share a transaction; each hears of the stream that it has read itself."""
    await log.append([write("till", 0, 1)])
    await log.append([write("lid", 0, 1, 1)])
    results = await asyncio.gather(
        log.append([write("counter-a", 0, 1)], read={"till": 1, "lid": 2}),
        log.append([write("counter-b", 0, 1, 2)], read={"lid": 1, "till": 1}),
        log.append([write("counter-c", 1, 1)], read={"till": 1}),
        log.append([write("counter-d", 0, 1)], read={"till": 0, "lid": 2}),
        log.append([write("counter-e", 0, 1)]),
        log.append([write("counter-f", 0, 1)], read={"till": 1}),
        return_exceptions=True,
    )
    assert [result.stale if isinstance(result, Conflict) else result for result in results] == [
        4,
        "lid",
        None,
        "till",
        5,
        6,
    ]
    assert isinstance(results[2], Conflict)
    assert [one.stream for one in await log.read_all(3, 10)] == ["counter-a", "counter-e", "counter-f"]


async def test_of_two_that_each_write_what_the_other_has_read_one_is_stored(log: EventLog) -> None:
    """At the same moment: each was decided on what holds no more once the other one is there."""
    results = await asyncio.gather(
        log.append([write("counter-a", 0, 1)], read={"counter-b": 0}),
        log.append([write("counter-b", 0, 1)], read={"counter-a": 0}),
        return_exceptions=True,
    )
    (conflict,) = [result for result in results if isinstance(result, Conflict)]
    assert (await log.head(), conflict.stale in ("counter-a", "counter-b")) == (1, True)


async def test_who_reads_and_who_writes_after_it_are_both_stored(log: EventLog) -> None:
    """At the same moment, the reader first: then nothing is stale."""
    first, second = await asyncio.gather(
        log.append([write("counter-a", 0, 1)], read={"till": 0}),
        log.append([write("till", 0, 1)]),
    )
    assert (first, second) == (1, 2)


async def test_records_are_there_when_the_append_is_answered(log: EventLog, vault: Vault) -> None:
    """Those of every command, each under its own reference, for their own stream."""
    given = [deposit(vault, f"counter-{n}", f"first of {n}", f"second of {n}") for n in range(5)]
    await asyncio.gather(
        *(log.append([write(f"counter-{n}", 0, n)], records=records) for n, (records, _) in enumerate(given)),
        log.append([write("counter-9", 0, 9)]),
    )
    for n, (_, refs) in enumerate(given):
        assert [await vault.read(ref) for ref in refs] == [{"text": f"first of {n}"}, {"text": f"second of {n}"}]
    assert await vault.forget("counter-3") == 2
    assert [await vault.read(ref) for ref in given[3][1]] == [None, None]
    assert await vault.read(given[4][1][0]) == {"text": "first of 4"}


async def test_after_a_conflict_the_same_records_are_stored_with_the_next_try(log: EventLog, vault: Vault) -> None:
    """A command that is decided again carries the references that it had, and may do so more than once."""
    await log.append([write("counter-a", 0, 1)])
    records, (ref,) = deposit(vault, "counter-a", "a word")
    with pytest.raises(Conflict):
        await log.append([write("counter-a", 0, 2)], records=records)
    with pytest.raises(Conflict):
        await log.append([write("counter-a", 1, 2)], read={"till": 7}, records=records)
    await log.append([write("counter-a", 1, 2)], records=records)
    assert (await vault.read(ref), await totals(log, "counter-a")) == ({"text": "a word"}, [1, 2])


async def test_a_reference_that_was_used_before_fails_its_own_command(log: EventLog, vault: Vault) -> None:
    """Nothing of it is in the log, what was kept stays as it was, and the others at that moment are stored."""
    await vault.keep("used", "counter-a", {"text": "first"})
    beside, (ref,) = deposit(vault, "counter-c", "a word")
    results = await asyncio.gather(
        log.append([write("counter-b", 0, 1)], records=Named(vault, "counter-b").name("used", {"text": "second"})),
        log.append([write("counter-c", 0, 2)], records=beside),
        log.append([write("counter-d", 0, 3)]),
        return_exceptions=True,
    )
    assert isinstance(results[0], AlreadyKept)
    assert [type(result) for result in results[1:]] == [int, int]
    assert (await vault.read("used"), await vault.read(ref)) == ({"text": "first"}, {"text": "a word"})
    assert [await totals(log, f"counter-{name}") for name in "bcd"] == [[], [2], [3]]


async def test_whoever_goes_away_leaves_no_event_without_its_record(log: EventLog, vault: Vault) -> None:
    """At whatever moment: both are stored, or no event is."""
    stored = 0
    for turns in range(12):
        stream = f"counter-{turns}"
        records, (ref,) = deposit(vault, stream, "a word")
        appending = asyncio.ensure_future(log.append([write(stream, 0, 1)], records=records))
        for _ in range(turns):
            await asyncio.sleep(0)
        appending.cancel()
        await asyncio.gather(appending, return_exceptions=True)
        # Stored one after the other, so what was under way before is stored by now.
        await log.append([write("last", turns, 1)])
        if await log.read(stream):
            stored += 1
            assert await vault.read(ref) == {"text": "a word"}
    assert stored > 0
