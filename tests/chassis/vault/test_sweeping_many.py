"""What a sweep finds of many records is noted together: a commit for each would sync as often."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import FrameType
from typing import Final

import pytest

from services.chassis.engines.migrations import vault_of
from services.chassis.vault.memory import MemoryVault, MemoryVaultContents
from services.chassis.vault.postgres import PostgresVault
from services.chassis.vault.sqlite import SQLiteVault
from services.chassis.vault.vault import ORPHAN_AFTER_SECONDS, SWEPT_AT_ONCE, Vault
from tests.support.round_trips import counted

MANY: Final = SWEPT_AT_ONCE + 10
NOW: Final = 1_800_000_000.0


class Machine:
    """The machine's clock, moved by hand, in seconds."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        """Seconds."""
        return self.time


async def fill(vault: Vault, machine: Machine) -> None:
    """Records that are as old as a sweep looks at."""
    await asyncio.gather(*(vault.keep(f"r-{n}", "s-1", {"n": n}) for n in range(MANY)))
    machine.time += ORPHAN_AFTER_SECONDS + 1


async def referred(_stream: str, _ref: str) -> bool:
    """As nearly all are."""
    return True


async def test_on_files_one_transaction_settles_all_of_a_batch(tmp_path: Path) -> None:
    """Two batches, so two transactions."""
    machine = Machine()
    vault = SQLiteVault(tmp_path / "test-vault.db", machine)
    await fill(vault, machine)
    called = list[str]()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        assert await vault.sweep(referred) == 0
    finally:
        sys.setprofile(None)
    assert called.count("referred") == MANY
    # Each is entered and left.
    assert called.count("transaction") == 2 * 2
    assert await vault.read("r-1") == {"n": 1}
    await vault.close()


@pytest.mark.parametrize("engine", ["files", "memory"])
async def test_others_have_their_turns_while_it_goes_on(engine: str, tmp_path: Path) -> None:
    """Where no store has to be waited for: after each record."""
    machine = Machine()
    vault: Vault = SQLiteVault(tmp_path / "test-vault.db", machine)
    if engine == "memory":
        vault = MemoryVault(MemoryVaultContents(), machine)
    await fill(vault, machine)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    await vault.sweep(referred)
    others.cancel()
    assert turns >= MANY
    await vault.close()


@pytest.mark.slow
async def test_on_postgresql_one_statement_settles_all_of_a_batch(database_url: str) -> None:
    """Two batches: a question and a statement for each, and a last question that finds none."""
    machine = Machine()
    with counted(database_url) as trips:
        vault = PostgresVault(vault_of(trips.url, "counters"), machine)
        await fill(vault, machine)
        before = trips.count
        assert await vault.sweep(referred) == 0
        assert trips.count - before == 5
        await vault.close()
