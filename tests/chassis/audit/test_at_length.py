"""A long log that nobody has touched is not accused; of any row that somebody has touched, any byte is found."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.chassis.audit.mismatches import Verification
from services.chassis.audit.verifying import verify
from services.chassis.engines.migrations import log_of
from services.chassis.transparency.tiles import WIDTH
from tests.chassis.audit.auditing import Auditing
from tests.chassis.audit.building import opened
from tests.chassis.audit.tampering import tamper
from tests.chassis.conftest import address_in, needs_processes
from tests.support.repetitions import times

AT_ONCE = 1000
ALL = "SELECT {position}, originator_id, originator_version, topic, state FROM stored_events"
COLUMNS = {
    "state": (
        "SELECT state FROM stored_events WHERE {position} = ?",
        "UPDATE stored_events SET state = ? WHERE {position} = ?",
    ),
    "topic": (
        "SELECT topic FROM stored_events WHERE {position} = ?",
        "UPDATE stored_events SET topic = ? WHERE {position} = ?",
    ),
    "stream": (
        "SELECT originator_id FROM stored_events WHERE {position} = ?",
        "UPDATE stored_events SET originator_id = ? WHERE {position} = ?",
    ),
    "version": (
        "SELECT originator_version FROM stored_events WHERE {position} = ?",
        "UPDATE stored_events SET originator_version = ? WHERE {position} = ?",
    ),
}
"""How a column of the row at a position is read and written."""


async def grown(auditing: Auditing, size: int, streams: int) -> None:
    """So many events in so many streams, all of them taken in and signed."""
    each = -(-size // streams)
    for number in range(streams):
        for first in range(0, each, AT_ONCE):
            await auditing.count(f"counter-{number}", *range(min(AT_ONCE, each - first)))
    builder = auditing.builder()
    while (standing := await auditing.store.standing()) is None or standing.size < each * streams:
        await builder.grow()


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.timeout(600)
async def test_a_long_log_that_nobody_has_touched_is_not_accused(auditing: Auditing) -> None:
    """10^5 events under `make faults`, a tenth elsewhere."""
    size = times(100_000)
    await grown(auditing, size, 10)
    result = await verify(auditing.log, auditing.store)
    assert (result.mismatches, result.checked) == ([], size)


@needs_processes
async def test_a_hash_further_up_in_the_tree_is_looked_at_too(auditing: Auditing, tmp_path: Path) -> None:
    """Proofs are made of it, though the root follows from the leaves alone."""
    await grown(auditing, 2 * WIDTH + 3, 1)
    assert (await verify(auditing.log, auditing.store)).ok
    tamper(tmp_path, [("UPDATE {audit}tiles SET hashes = ? WHERE level = 1", (bytes(64),))])
    found = (await verify(auditing.log, auditing.store)).mismatches
    assert [(each.position, each.what) for each in found] == [(0, "REPLACED")]


class Rows:
    """The rows of a log of counters, one by one, directly in the database."""

    def __init__(self, engine: str, directory: Path) -> None:
        self._engine, self._directory = engine, directory

    def run(self, statement: str, *values: Any) -> list[Any]:
        """What a statement finds; `{position}` stands for what is called otherwise in each engine."""
        if self._engine == "postgres":
            place = log_of(address_in(self._directory), "counters").conninfo
            with psycopg.connect(place, autocommit=True) as connection:
                done = connection.execute(
                    statement.format(position="notification_id").replace("?", "%s").encode(), values
                )
                return done.fetchall() if done.description else []
        with closing(sqlite3.connect(self._directory / "counters-log.db")) as db, db:
            return db.execute(statement.format(position="position"), values).fetchall()


async def recorded(engine: str, directory: Path) -> None:
    """Twelve events in three streams, signed."""
    auditing = opened(engine, directory)
    for number in range(3):
        await auditing.count(f"counter-{number}", 1, 20, 300, 4000)
    await auditing.builder().grow()
    await auditing.log.close()
    await auditing.store.close()


def verified(engine: str, directory: Path) -> Verification:
    """What is found now."""

    async def look() -> Verification:
        auditing = opened(engine, directory)
        try:
            return await verify(auditing.log, auditing.store)
        finally:
            await auditing.log.close()
            await auditing.store.close()

    return asyncio.run(look())


def flipped(value: Any, place: int, bit: int) -> Any:
    """The value with one bit of one byte changed; a text stays one that every engine takes."""
    if isinstance(value, int):
        return value ^ 1 << bit
    content = bytearray(value if isinstance(value, bytes) else value.encode())
    place %= len(content)
    content[place] ^= 1 << (bit if isinstance(value, bytes) else bit % 7)
    if isinstance(value, bytes):
        return bytes(content)
    assume(content[place] != 0)
    return content.decode()


@pytest.mark.slow
@needs_processes
def test_any_byte_of_any_row_that_is_flipped_is_found(engine: str, tmp_path: Path) -> None:
    """Whatever column it is in: with the position of its event, and put back nothing is found."""
    asyncio.run(recorded(engine, tmp_path))
    rows = Rows(engine, tmp_path)
    untouched = sorted(rows.run(ALL))
    assert len(untouched) == 12

    @settings(max_examples=times(300), deadline=None)
    @given(st.integers(1, 12), st.sampled_from(sorted(COLUMNS)), st.integers(0, 1000), st.integers(0, 7))
    def flips(position: int, column: str, place: int, bit: int) -> None:
        read, put = COLUMNS[column]
        ((value,),) = rows.run(read, position)
        other = flipped(value, place, bit)
        # No engine takes two events of one version in a stream.
        assume(other not in [1, 2, 3, 4] and other not in [f"counter-{number}" for number in range(3)])
        rows.run(put, other, position)
        try:
            found = verified(engine, tmp_path).mismatches
        finally:
            rows.run(put, value, position)
        assert {each.position for each in found} == {position}, (column, other)

    flips()
    assert sorted(rows.run(ALL)) == untouched
    assert verified(engine, tmp_path).ok
