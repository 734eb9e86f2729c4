"""The vault keeps what may have to be forgotten, and forgets it to the last byte."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import stat
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from services.chassis.engines.migrations import vault_of
from services.chassis.vault.memory import MemoryVault, MemoryVaultContents
from services.chassis.vault.postgres import PostgresVault
from services.chassis.vault.sqlite import SQLiteVault
from services.chassis.vault.vault import (
    ORPHAN_AFTER_SECONDS,
    SWEPT_AT_ONCE,
    AlreadyKept,
    Deposit,
    StillInTheLog,
    Vault,
)
from tests.chassis.conftest import MEMORY, address_in, needs_processes
from tests.chassis.processes import end_of, line_of, start, tell

OpenVault = Callable[..., Vault]


class Machine:
    """The machine's clock, moved by hand, in seconds."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.time


@pytest.fixture
def machine() -> Machine:
    """A clock that stands still."""
    return Machine()


@pytest.fixture
async def open_vault(engine: str, tmp_path: Path, machine: Machine) -> AsyncIterator[OpenVault]:
    """Opens a service's vault, as often as asked."""
    opened, in_memory = list[Vault](), defaultdict[str, MemoryVaultContents](MemoryVaultContents)

    def opening(service: str = "counters") -> Vault:
        if engine == MEMORY:
            opened.append(MemoryVault(in_memory[service], machine))
        elif engine == "postgres":
            opened.append(PostgresVault(vault_of(address_in(tmp_path), service), machine))
        else:
            opened.append(SQLiteVault(tmp_path / f"{service}-vault.db", machine))
        return opened[-1]

    yield opening
    for vault in opened:
        await vault.close()


@pytest.fixture
def vault(open_vault: OpenVault) -> Vault:
    """An empty vault."""
    return open_vault()


@pytest.fixture
async def file_vault(tmp_path: Path, machine: Machine) -> AsyncIterator[SQLiteVault]:
    """An empty vault in a file."""
    vault = SQLiteVault(tmp_path / "test-vault.db", machine)
    yield vault
    await vault.close()


def bytes_on_disk(directory: Path) -> bytes:
    """Everything that lies in the vault's files, its write-ahead log included."""
    return b"".join(file.read_bytes() for file in sorted(directory.glob("test-vault.db*")))


def keys_of(vault: SQLiteVault) -> dict[str, bytes]:
    """The key of every record."""
    return dict(vault._db.execute("SELECT ref, key FROM records JOIN keys USING (slot)"))


async def no_event(_stream: str, _ref: str) -> bool:
    """Nothing is referred to."""
    return False


async def test_a_record_is_read_as_it_was_kept(vault: Vault) -> None:
    """Any JSON object; an unknown reference has none."""
    record = {"name": "Ameline Ferrûn", "phone": None, "more": [1, {"x": True}], "odd": "\x00\u2028"}
    await vault.keep("r-1", "referral-1", record)
    assert await vault.read("r-1") == record
    assert await vault.read("r-2") is None


async def test_what_was_kept_survives_a_restart(open_vault: OpenVault) -> None:
    """An acknowledged record is on the disk."""
    await open_vault().keep("r-1", "referral-1", {"name": "A"})
    assert await open_vault().read("r-1") == {"name": "A"}


async def test_every_commit_waits_for_the_disk_and_deletes_overwrite(file_vault: SQLiteVault) -> None:
    """synchronous=FULL (2) and secure_delete (1) on the connection that writes."""
    asked = [file_vault._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "secure_delete")]
    assert asked == [2, 1]


async def test_a_reference_is_written_once(vault: Vault) -> None:
    """Anyone who keeps something else under it is refused, and what was kept stays; also when both come at once."""
    await vault.keep("r-1", "s-1", {"name": "first"})
    with pytest.raises(AlreadyKept):
        await vault.keep("r-1", "s-1", {"name": "second"})
    with pytest.raises(AlreadyKept):
        await vault.keep("r-1", "s-1", {"name": "first"})
    tries = await asyncio.gather(
        *(vault.keep("r-2" if n < 5 else f"r-{n}", "s-1", {"n": n}) for n in range(10)), return_exceptions=True
    )
    assert [type(one) for one in tries] == [type(None)] + [AlreadyKept] * 4 + [type(None)] * 5
    assert [await vault.read(ref) for ref in ("r-1", "r-2", "r-9")] == [{"name": "first"}, {"n": 0}, {"n": 9}]


async def test_a_reference_that_was_forgotten_or_swept_is_never_used_again(vault: Vault, machine: Machine) -> None:
    """The event that refers to it stays for ever, and nothing is found there any more."""
    await vault.keep("r-1", "s-1", {"name": "A"})
    await vault.keep("r-2", "s-2", {"name": "A"})
    assert await vault.forget("s-1") == 1
    with pytest.raises(AlreadyKept):
        await vault.keep("r-1", "s-2", {"name": "B"})
    machine.time += ORPHAN_AFTER_SECONDS + 1
    assert [await vault.sweep(no_event), await vault.sweep(no_event)] == [1, 0]
    for ref in ("r-1", "r-2"):
        with pytest.raises(AlreadyKept):
            await vault.keep(ref, "s-1", {"name": "C"})
        assert await vault.read(ref) is None


CHANGES = {
    "the record": "UPDATE records SET record = (SELECT record FROM records WHERE ref = 'r-2') WHERE ref = 'r-1'",
    "the reference": "UPDATE records SET ref = 'r-3' WHERE ref = 'r-1'",
    "the stream": "UPDATE records SET stream = 's-2' WHERE ref = 'r-1'",
    "the slot of its key": "UPDATE records SET slot = (SELECT max(slot) FROM keys) WHERE ref = 'r-1'",
    "the moment": "UPDATE records SET kept_at = kept_at + 1 WHERE ref = 'r-1'",
    "the key": "UPDATE keys SET key = (SELECT key FROM keys ORDER BY slot DESC LIMIT 1) WHERE slot = 1",
    "by inserting": "INSERT INTO records SELECT 'r-1', stream, kept_at, settled, slot, record FROM records "
    "WHERE ref = 'r-2'",
    "by deleting what is referred to": "DELETE FROM records WHERE ref = 'r-1'",
    "by deleting what is not known to be referred to": "DELETE FROM records WHERE ref = 'young'",
    "that it is referred to": "UPDATE records SET settled = NOT settled WHERE ref = 'r-1'",
}
IN_SQLITE_ALONE = {
    "by replacing": "REPLACE INTO records SELECT 'r-1', stream, kept_at, settled, slot, record FROM records "
    "WHERE ref = 'r-2'",
    "the key by replacing": "REPLACE INTO keys SELECT 1, key FROM keys WHERE slot = 2",
    "the key by deleting": "DELETE FROM keys WHERE slot = 1",
}


@needs_processes
async def test_the_database_itself_refuses_to_change_a_record(
    vault: Vault, engine: str, machine: Machine, tmp_path: Path
) -> None:
    """Past the vault and its callers, no statement puts anything else under a reference; the same on both engines."""
    for n in (1, 2):
        await vault.keep(f"r-{n}", "s-1", {"n": n})
    machine.time += ORPHAN_AFTER_SECONDS + 1

    async def refers(_stream: str, _ref: str) -> bool:
        return True

    await vault.sweep(refers)
    await vault.keep("young", "s-1", {"n": 3})
    statements = {**CHANGES, **(IN_SQLITE_ALONE if engine == "sqlite" else {"all": "TRUNCATE records"})}
    assert [what for what, statement in statements.items() if not _refused(engine, tmp_path, statement)] == []
    assert [await vault.read(ref) for ref in ("r-1", "r-2", "r-3", "young")] == [{"n": 1}, {"n": 2}, None, {"n": 3}]


def _refused(engine: str, directory: Path, statement: str) -> bool:
    try:
        if engine == "postgres":
            with psycopg.connect(vault_of(address_in(directory), "counters").conninfo) as database:
                database.execute(statement.encode())
        else:
            with closing(sqlite3.connect(directory / "counters-vault.db")) as file, file:
                file.execute(statement)
    except (sqlite3.IntegrityError, psycopg.errors.IntegrityError):
        return True
    return False


async def test_each_attempt_of_a_command_has_references_of_its_own(vault: Vault) -> None:
    """Two that are sent the same write two records; one that meets a conflict and is decided again writes once."""
    first, second = Deposit(vault, "referral-1"), Deposit(vault, "referral-1")
    refs = [deposit.put("decline", {"text": name}) for deposit, name in ((first, "A"), (second, "B"))]
    await asyncio.gather(first.keep(), second.keep())
    await first.keep()
    assert len(set(refs)) == 2
    assert [await vault.read(ref) for ref in refs] == [{"text": "A"}, {"text": "B"}]
    assert await vault.forget("referral-1") == 2


async def test_records_kept_at_once_share_a_commit(file_vault: SQLiteVault) -> None:
    """Hundreds of commands fill the vault together."""
    commits: list[str] = []
    file_vault._db.set_trace_callback(commits.append)
    await asyncio.gather(*(file_vault.keep(f"r-{n}", "referral-1", {"n": n}) for n in range(100)))
    file_vault._db.set_trace_callback(None)
    assert commits.count("COMMIT") == 1
    assert [await file_vault.read(f"r-{n}") for n in (0, 99)] == [{"n": 0}, {"n": 99}]


async def test_forgetting_takes_all_records_of_a_stream_and_no_other(vault: Vault) -> None:
    """It says how many there were, and finds none the second time."""
    for n in range(5):
        await vault.keep(f"r-{n}", f"referral-{n % 2}", {"n": n})
    assert [await vault.forget("referral-0"), await vault.forget("referral-0")] == [3, 0]
    assert [await vault.read(f"r-{n}") for n in range(5)] == [None, {"n": 1}, None, {"n": 3}, None]


async def test_no_record_can_be_read_from_the_file_alone(file_vault: SQLiteVault, tmp_path: Path) -> None:
    """Records lie there encrypted, so whatever copies of their pages the engine leaves behind say nothing."""
    await file_vault.keep("r-1", "referral-1", {"name": "nobody-sees-this"})
    assert b"nobody-sees-this" not in bytes_on_disk(tmp_path)


async def test_the_keys_of_what_is_forgotten_are_in_no_file_any_more(file_vault: SQLiteVault, tmp_path: Path) -> None:
    """Among thousands of records of all sizes, no key of a forgotten one is left; the others are whole."""
    chance = random.Random(3)
    texts = {n: f"secret-{n:04d}-" * chance.choice([1, 3, 40, 200]) for n in range(1200)}
    for some in ((shuffled := chance.sample(sorted(texts), len(texts)))[:600], shuffled[600:]):
        await asyncio.gather(*(file_vault.keep(f"ref-{n}", f"stream-{n % 40}", {"text": texts[n]}) for n in some))
    gone = set(chance.sample(range(40), 15))
    known = keys_of(file_vault)
    for stream in gone:
        assert await file_vault.forget(f"stream-{stream}") == 30
    forgotten = {key for ref, key in known.items() if int(ref[4:]) % 40 in gone}
    remains = bytes_on_disk(tmp_path)
    assert len(forgotten) == 450
    assert [key for key in forgotten if key in remains] == []
    assert all(key in remains for key in set(known.values()) - forgotten)
    kept = [await file_vault.read(f"ref-{n}") == {"text": text} for n, text in texts.items() if n % 40 not in gone]
    assert kept == [True] * 750


async def test_forgetting_with_a_reader_in_the_way_says_so_and_is_finished_later(
    file_vault: SQLiteVault, tmp_path: Path
) -> None:
    """While another process reads an older state, bytes stay in the log, and the caller is told."""
    await file_vault.keep("r-1", "referral-1", {"name": "A"})
    key = keys_of(file_vault)["r-1"]
    process = start("open_vault", tmp_path / "test-vault.db")
    assert await line_of(process) == "ready"
    with pytest.raises(StillInTheLog):
        await file_vault.forget("referral-1")
    assert await file_vault.read("r-1") is None
    tell(process)
    await end_of(process)
    assert key in bytes_on_disk(tmp_path)
    assert await file_vault.forget("referral-1") == 0
    assert key not in bytes_on_disk(tmp_path)


async def test_only_its_owner_may_read_the_files(tmp_path: Path) -> None:
    """Whatever the process's umask is, and also where a careless copy had made them readable for all."""
    before = os.umask(0)
    try:
        for n in range(2):
            vault = SQLiteVault(tmp_path / "deep" / "test-vault.db")
            await vault.keep(f"r-{n}", "referral-1", {"name": "A"})
            files = list((tmp_path / "deep").iterdir())
            assert len(files) == 3
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            await vault.close()
            (tmp_path / "deep" / "test-vault.db").chmod(0o644)
    finally:
        os.umask(before)


async def test_a_fingerprint_is_stable_here_and_means_nothing_elsewhere(open_vault: OpenVault) -> None:
    """The same over restarts and openings; different in every vault, for every body; no plain hash of it."""
    first, again, elsewhere = open_vault(), open_vault(), open_vault("referral")
    mark = first.fingerprint(b"body")
    assert mark == again.fingerprint(b"body")
    assert len({mark, first.fingerprint(b"body2"), elsewhere.fingerprint(b"body")}) == 3


async def test_a_sweep_takes_old_records_that_nobody_refers_to(vault: Vault, machine: Machine) -> None:
    """Young ones may yet be referred to; referred ones stay, and are not asked about again."""
    await vault.keep("old-orphan", "s-1", {"n": 1})
    await vault.keep("old-referred", "s-1", {"n": 2})
    machine.time += ORPHAN_AFTER_SECONDS + 1
    await vault.keep("young-orphan", "s-1", {"n": 3})
    asked: list[tuple[str, str]] = []

    async def refers(stream: str, ref: str) -> bool:
        asked.append((stream, ref))
        return ref == "old-referred"

    assert [await vault.sweep(refers), await vault.sweep(refers)] == [1, 0]
    assert sorted(asked) == [("s-1", "old-orphan"), ("s-1", "old-referred")]
    kept = [await vault.read(ref) for ref in ("old-orphan", "old-referred", "young-orphan")]
    assert kept == [None, {"n": 2}, {"n": 3}]


async def test_swept_records_leave_no_keys(file_vault: SQLiteVault, machine: Machine, tmp_path: Path) -> None:
    """An orphan is as personal as any other record; if a reader is in the way, the next sweep sees to it."""
    await file_vault.keep("r-1", "s-1", {"name": "A"})
    key = keys_of(file_vault)["r-1"]
    machine.time += ORPHAN_AFTER_SECONDS + 1
    process = start("open_vault", tmp_path / "test-vault.db")
    assert await line_of(process) == "ready"
    with pytest.raises(StillInTheLog):
        await file_vault.sweep(no_event)
    tell(process)
    await end_of(process)
    assert key in bytes_on_disk(tmp_path)
    assert await file_vault.sweep(no_event) == 0
    assert key not in bytes_on_disk(tmp_path)


async def test_a_sweep_reaches_every_orphan(vault: Vault, machine: Machine) -> None:
    """However many records are older: one sweep looks at all of them."""
    many = SWEPT_AT_ONCE * 2 + 10
    await asyncio.gather(*(vault.keep(f"r-{n}", "s-1", {"n": n}) for n in range(many)))
    machine.time += ORPHAN_AFTER_SECONDS + 1

    async def refers(_stream: str, ref: str) -> bool:
        return int(ref[2:]) % 2 == 0

    assert await vault.sweep(refers) == many // 2


async def test_the_name_of_the_secret_is_all_that_a_stranger_learns(file_vault: SQLiteVault, tmp_path: Path) -> None:
    """The fingerprint's key is in the vault's file, and has all of its 32 random bytes."""
    with closing(sqlite3.connect(tmp_path / "test-vault.db")) as file:
        ((name, key),) = file.execute("SELECT name, secret FROM secrets").fetchall()
    assert (name, len(key), len(set(key)) > 8) == ("fingerprint", 32, True)
    assert key.hex() not in file_vault.fingerprint(b"body")
