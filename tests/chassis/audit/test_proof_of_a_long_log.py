"""A proof costs what the proof costs, however long the log is, by SQLite's own count of its instructions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.chassis.audit.store_sqlite import SQLiteAuditStore
from services.chassis.engines.sqlite_connection import StoreConnection
from tests.chassis.audit.auditing import Auditing
from tests.chassis.audit.building import opened
from tests.chassis.audit.test_at_length import grown

STEP: Final = 10
"""Instructions after which SQLite says that it goes on."""


async def steps_for_a_proof(auditing: Auditing, event: str) -> int:
    """The instructions that the file of the transparency log takes to prove an event."""
    assert isinstance(auditing.store, SQLiteAuditStore)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += STEP
        return 0

    def watch(db: StoreConnection) -> None:
        db.set_progress_handler(count, STEP)

    def leave(db: StoreConnection) -> None:
        db.set_progress_handler(None, 0)

    await auditing.store._do(watch)
    assert await auditing.reader.proof(event) is not None
    await auditing.store._do(leave)
    return steps


async def test_a_proof_takes_no_more_of_a_log_ten_times_as_long(tmp_path: Path) -> None:
    """By the id of an event its leaf is found at once; a log of millions is not looked through for it."""
    auditing = opened("sqlite", tmp_path)
    await grown(auditing, 300, 1)
    short = await steps_for_a_proof(auditing, "counter-0-7")
    for first in range(0, 3000, 1000):
        await auditing.count("counter-0", *range(first, first + 1000))
    while (await auditing.standing()).size < 3300:
        await auditing.builder().grow()
    # Three more tiles, and two more levels of the tree of what is found by id.
    assert await steps_for_a_proof(auditing, "counter-0-7") <= 2 * short
    await auditing.store.close()
    await auditing.log.close()
