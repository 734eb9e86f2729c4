"""What the builder of a transparency log does where something around it fails, or is not what it was."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from services.chassis.audit.beginning import begin_next, epoch_of
from services.chassis.audit.builder import FURTHEST_AHEAD
from services.chassis.audit.reader import AuditReader
from services.chassis.audit.refusals import Contradicted, RolledBack, Unremembered
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.store import Growth, Standing
from services.chassis.audit.store_memory import MemoryAuditContents, MemoryAuditStore
from services.chassis.audit.store_sqlite import SQLiteAuditStore
from services.chassis.audit.verifying import verify
from services.chassis.engines.store_health import Unavailable
from services.chassis.log.event_log import EventLog
from services.chassis.store_opener import StoreOpener
from services.chassis.transparency.tiles import ENTRIES, Tile
from tests.chassis.audit.auditing import EPOCH, ORIGIN, Auditing
from tests.chassis.audit.tampering import tamper
from tests.chassis.conftest import needs_processes
from tests.support.mounts import mounted

on_files = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_memory_that_cannot_be_used_has_a_name_of_its_own(remembering: Auditing) -> None:
    """Nothing is signed unseen, appends go on, and all is signed once it can be used again."""
    await remembering.count("counter-a", 1)
    remembered = remembering.remembered
    assert remembered is not None
    remembered.path.mkdir()
    with pytest.raises(Unremembered):
        await remembering.builder().grow()
    await remembering.count("counter-a", 2)
    remembered.path.rmdir()
    await remembering.builder().grow()
    assert (await remembering.signed()).size == 2


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_a_memory_without_room_has_nothing_signed_and_keeps_what_it_had(remembering: Auditing) -> None:
    """Half a checkpoint would be taken for one that somebody tampered with."""
    await remembering.count("counter-a", 1)
    await remembering.builder().grow()
    remembered, before = remembering.remembered, await remembering.standing()
    assert remembered is not None
    await remembering.count("counter-a", 2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # As on a full disk: no file grows beyond so many bytes.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(Unremembered):
            await remembering.builder().grow()
        with pytest.raises(Unremembered):
            remembered.knows("audit.example/caserelay/counters/2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    now = await remembering.standing()
    assert (now.note, now.size) == (before.note, 1)
    assert remembered.read() == before.note
    assert [file.name for file in remembered.path.parent.iterdir()] == ["counters.checkpoint"]
    await remembering.builder().grow()
    assert (await remembering.signed()).size == 2


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_a_store_that_was_put_back_by_far_is_not_filled_at_once(remembering: Auditing) -> None:
    """No crash leaves out so much, and all of it would be held in memory; up to there it is made good."""
    await remembering.count("counter-a", 1)
    await remembering.builder().grow()
    standing, remembered, far = await remembering.standing(), remembering.remembered, 1 + FURTHEST_AHEAD
    await remembering.count("counter-a", *range(far))
    assert remembered is not None
    remembered.write(await remembering.would_sign(far + 1))
    with pytest.raises(RolledBack):
        await remembering.builder().grow()
    assert (await remembering.standing()).note == standing.note
    remembered.write(await remembering.would_sign(far))
    await remembering.builder().grow()
    assert (await remembering.signed()).size >= far


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_what_is_signed_twice_in_one_attempt_is_no_contradiction(log: EventLog, tmp_path: Path) -> None:
    """A store whose connection is lost does it again, and what was remembered by then is its own."""

    class LosesConnections(MemoryAuditStore):
        async def extend(self, standing: Standing, growth: Growth, sign: Callable[[], bytes]) -> bool:
            sign()
            return await super().extend(standing, growth, sign)

    store = LosesConnections(MemoryAuditContents())
    auditing = Auditing(log, store, RememberedCheckpoint(tmp_path, "counters"))
    await auditing.count("counter-a", 1)
    await auditing.builder().grow()
    assert (await auditing.signed()).size == 1


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_an_epoch_that_begins_while_nothing_happens_is_signed(auditing: Auditing) -> None:
    """Also where no event comes: until then nobody could be given a checkpoint."""
    await auditing.count("counter-a", 1)
    builder = auditing.builder()
    await builder.round()
    origin = await begin_next(auditing.store, await auditing.standing(), "counters", EPOCH, ORIGIN, "a key was stolen")
    await builder.round()
    await builder.round()
    signed = await auditing.signed()
    assert (signed.origin, signed.size) == (origin, 1)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_what_somebody_waits_for_is_signed_at_once(auditing: Auditing) -> None:
    """Nothing further is waited for: the store of memory needs no time, only turns of the loop."""
    builder = auditing.builder()
    await builder.grow()
    await auditing.count("counter-a", 1)
    reader = AuditReader(auditing.log, auditing.store, builder.hurry)
    building, asking = asyncio.create_task(builder.round()), asyncio.create_task(reader.signed())
    for _ in range(20):
        await asyncio.sleep(0)
    assert (await auditing.signed()).size == 1
    signed = await asking
    assert signed is not None
    assert signed.size == 1
    await building


@needs_processes
async def test_a_bundle_that_lacks_an_entry_is_not_served(auditing: Auditing, tmp_path: Path) -> None:
    """Its entries would pass for those of other leaves."""
    await auditing.count("counter-a", 1, 2, 3)
    await auditing.builder().grow()
    assert await auditing.reader.tile(Tile(ENTRIES, 0, 3)) is not None
    tamper(tmp_path, [("DELETE FROM {audit}entries WHERE number = 1", ())])
    with pytest.raises(Contradicted):
        await auditing.reader.tile(Tile(ENTRIES, 0, 3))


@on_files
@pytest.mark.parametrize("damage", ["garbage", "directory", "another database"])
async def test_a_file_that_cannot_be_used_keeps_nobody_from_starting(
    stores: StoreOpener, log: EventLog, tmp_path: Path, damage: str
) -> None:
    """Appends go on, and once it is away all of them are signed."""
    file = tmp_path / "counters-audit.db"
    if damage == "garbage":
        file.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    elif damage == "directory":
        file.mkdir()
    else:
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("CREATE TABLE entries (other TEXT)")
    auditing = Auditing(log, stores.audit("counters"))
    await auditing.count("counter-a", 1)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await auditing.builder().grow()
        with pytest.raises(Unavailable):
            await auditing.reader.tile(Tile(0, 0, 1))
    await auditing.count("counter-a", 2)
    file.rename(tmp_path / "evidence")
    await auditing.builder().grow()
    assert (await auditing.signed()).size == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await auditing.store.close()


@on_files
async def test_a_file_that_is_taken_away_meanwhile_is_not_begun_again(auditing: Auditing, tmp_path: Path) -> None:
    """It would be signed with another key, behind everybody's back."""
    await auditing.count("counter-a", 1)
    await auditing.builder().grow()
    assert isinstance(auditing.store, SQLiteAuditStore)
    auditing.store._let_go()
    file = tmp_path / "counters-audit.db"
    file.unlink()
    with pytest.raises(Unavailable):
        await auditing.builder().grow()
    assert not file.exists()


@pytest.mark.slow
@pytest.mark.fault
@on_files
async def test_on_a_full_disk_nothing_is_signed_and_everything_is_afterwards(log: EventLog, tmp_path: Path) -> None:
    """Appends to the log, which is elsewhere, go on meanwhile."""
    with mounted(tmp_path / "small", "2m") as small:
        auditing = Auditing(log, SQLiteAuditStore(small / "counters-audit.db"))
        await auditing.count("counter-a", 1)
        await auditing.builder().grow()
        taken = small / "taken"
        with taken.open("wb", buffering=0) as taking, contextlib.suppress(OSError):
            while taking.write(bytes(4096)) == 4096:
                pass
        await auditing.count("counter-a", *range(2000))
        for _ in range(2):
            with pytest.raises(Unavailable):
                await auditing.builder().grow()
        await auditing.count("counter-a", 1)
        taken.unlink()
        while (await auditing.signed()).size < 2002:
            await auditing.builder().grow()
        result = await verify(auditing.log, auditing.store)
        assert (result.ok, result.checked) == (True, 2002)
        await auditing.store.close()


@on_files
async def test_nothing_waits_while_a_checkpoint_is_written(auditing: Auditing) -> None:
    """The store has a thread of its own: what else this process does goes on meanwhile."""
    await auditing.builder().grow()
    standing, turns = await auditing.standing(), 0

    def sign() -> bytes:
        time.sleep(0.3)
        return b"signed"

    extending = asyncio.create_task(auditing.store.extend(standing, Growth([], {}), sign))
    while not extending.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert turns > 10


@pytest.mark.parametrize(
    ("origin", "epoch"),
    [
        ("audit.example/caserelay/counters", 1),
        ("audit.example/caserelay/counters/2", 2),
        ("counters/caserelay/counters/17", 17),
        ("audit.example/caserelay/others/2", 0),
        ("audit.example/caserelay/counters/02", 0),
        ("audit.example/caserelay/counters/x", 0),
    ],
)
def test_an_origin_says_which_epoch_it_is_of(origin: str, epoch: int) -> None:
    """The first has no number."""
    assert epoch_of(origin, "counters") == epoch
