"""A backup of files while clients work: restored elsewhere, it goes on as if it had been killed at that moment."""

from __future__ import annotations

import asyncio
import copy
import logging
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.faults.caller import Caller, until
from tests.faults.conftest import Start
from tests.faults.evidence import Evidence, files_are_sound, streams_are_contiguous, vault_holds
from tests.faults.load import Acknowledged, Clients
from tests.faults.processes import PROGRAM, Program
from tests.support.repetitions import in_full

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.xdist_group("fault")]

CLIENTS = 6
BACKUPS = in_full(3, short=2)
MORE = 40
"""Commands that are acknowledged between one backup and the next."""

log = logging.getLogger(__name__)


def make_large(store: Path) -> None:
    """So much that a copy takes long enough for commands to come between one store's and the next one's."""
    with closing(sqlite3.connect(store, isolation_level=None)) as db:
        db.execute("CREATE TABLE padding (zeros BLOB)")
        for _ in range(60):
            db.execute("INSERT INTO padding VALUES (zeroblob(1000000))")


async def run(command: str, file: Path, data: Path) -> None:
    """A command that has to succeed."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, command, file, env={"CASERELAY_DATA": str(data)}, stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


@pytest.mark.timeout(300)
async def test_whatever_moment_a_backup_is_of_nothing_in_it_is_lost_and_nothing_is_told_twice(
    program: Start, caller: Callable[[Program], Caller], tmp_path: Path
) -> None:
    """All that was acknowledged before it began is there once: in records, on timelines, in feeds, in the vault."""
    served, chance = program("serve", "all"), random.Random(random.getrandbits(32))
    taken: list[tuple[Path, Acknowledged]] = []
    await served.start()
    async with caller(served) as people:
        await people.set_the_scene()
        for store in ("referral-vault.db", "referral-log.db"):
            make_large(served.data / store)
        clients = Clients(people, chance)
        working = asyncio.create_task(clients.work(CLIENTS))
        for n in range(BACKUPS):
            enough = clients.told.commands + MORE

            async def worked(enough: int = enough) -> bool:
                return clients.told.commands >= enough or working.done()

            await until(worked)
            file = tmp_path / f"{n}.zip"
            taken.append((file, copy.deepcopy(clients.told)))
            await run("backup", file, served.data)
        # Commands were acknowledged while the last one was made: it was made under load.
        assert clients.told.commands > taken[-1][1].commands
        clients.end()
        await working
    await served.stop()

    for file, told in taken:
        elsewhere = program("serve", "all", data=file.stem)
        await run("restore", file, elsewhere.data)
        await elsewhere.start()
        async with caller(elsewhere) as people:
            evidence = await Evidence.gathered(people)
            evidence.holds_what_was_acknowledged(told)
            evidence.holds_nothing_twice()
            evidence.agrees_everywhere()
            await evidence.answers_a_repeat_as_before(people, told, chance)
            assert all(not any(service["parked"].values()) for service in evidence.ready.values()), evidence.ready
            # It takes new work, and everybody hears of it.
            before = len(evidence.referrals)
            more = Clients(people, chance)
            working = asyncio.create_task(more.work(1))
            await until(partial(_worked, more))
            more.end()
            await working
            evidence = await Evidence.gathered(people)
            assert len(evidence.referrals) > before
            evidence.holds_what_was_acknowledged(more.told)
            evidence.holds_nothing_twice()
            evidence.agrees_everywhere()
        await elsewhere.stop()
        files_are_sound(elsewhere.data)
        streams_are_contiguous(elsewhere.data)
        vault_holds(elsewhere.data, evidence.referrals)
        log.info("%s: %d commands acknowledged before, %d referrals", file.name, told.commands, before)


async def _worked(clients: Clients) -> bool:
    return clients.told.commands >= 3
