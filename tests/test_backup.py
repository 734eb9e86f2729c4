"""`caserelay backup` and `caserelay restore`: all of it or nothing, and a clear line either way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.faults.processes import PROGRAM, Program
from tests.support.backups import archive, caserelay, data, names, rows, store

__all__ = ["archive", "data"]

HELD: Final = {
    "access-audit.db",
    "access-log.db",
    "access-vault.db",
    "casefile-audit.db",
    "casefile-log.db",
    "casefile-vault.db",
    "issuer/ed25519.pem",
    "notifications-audit.db",
    "notifications-log.db",
    "notifications-vault.db",
    "referral-audit.db",
    "referral-log.db",
    "referral-vault.db",
    "sandbox-clock.json",
}
MADE_AGAIN: Final = {
    "access-index.db",
    "bus.db",
    "casefile-consumers.db",
    "casefile-index.db",
    "casefile-lease.db",
    "casefile-reports.db",
    "notifications-consumers.db",
    "notifications-index.db",
    "notifications-lease.db",
    "referral-consumers.db",
    "referral-index.db",
    "referral-lease.db",
}


MEMORY: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""In a small process of its own: a child begins with the memory of its parent."""


def test_what_is_restored_is_what_was_backed_up(data: Path, archive: Path, tmp_path: Path) -> None:
    """Row by row; what is made again is not there, and only the owner can read any of it."""
    fresh = tmp_path / "a" / "fresh"
    done = caserelay("restore", archive, data=fresh)
    done.is_done()
    assert "repeat the erasures made since" in done.out
    assert names(fresh) == {"referral-log.db", "referral-vault.db", "sandbox-clock.json", "issuer/ed25519.pem"}
    for name in ("referral-log.db", "referral-vault.db"):
        assert rows(fresh / name) == rows(data / name)
    for name in ("sandbox-clock.json", "issuer/ed25519.pem"):
        assert (fresh / name).read_bytes() == (data / name).read_bytes()
    modes = {one.stat().st_mode & 0o777 for one in (archive, *fresh.rglob("*.*"))}
    assert modes == {0o600}
    assert {one.stat().st_mode & 0o777 for one in (fresh, fresh / "issuer")} == {0o700}


def test_the_manifest_has_the_digest_of_every_file(archive: Path) -> None:
    """Anyone who has no Caserelay can still look through a backup."""
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("manifest.json"))
        found = {name: opened.read(name) for name in opened.namelist() if name != "manifest.json"}
    assert (manifest["format"], manifest["version"]) == ("caserelay-backup", 1)
    assert manifest["members"] == {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in found.items()
    }


@pytest.mark.slow
async def test_every_file_of_a_running_system_is_backed_up_or_made_again(tmp_path: Path) -> None:
    """Anyone who adds a store has to say which of the two it is."""
    sandbox = Program("sandbox", "--empty", data=tmp_path / "data")
    try:
        await sandbox.start()
        there = {name.removesuffix("-wal").removesuffix("-shm") for name in names(sandbox.data)}
        assert there == HELD | MADE_AGAIN
        done = caserelay("backup", tmp_path / "backup.zip", data=sandbox.data)
        done.is_done()
        assert "is skipped" not in done.out
        with zipfile.ZipFile(tmp_path / "backup.zip") as opened:
            assert set(opened.namelist()) == {*HELD, "manifest.json"}
    finally:
        sandbox.kill()


@pytest.mark.slow
async def test_nothing_is_restored_under_a_running_process(tmp_path: Path) -> None:
    """Neither beside its files, nor where they were deleted under it: it would go on with those."""
    sandbox = Program("sandbox", "--empty", data=tmp_path / "data")
    try:
        await sandbox.start()
        caserelay("backup", tmp_path / "backup.zip", data=sandbox.data).is_done()
        caserelay("restore", tmp_path / "backup.zip", data=sandbox.data).refuses(f"process {sandbox.pid}", "stop")
        shutil.rmtree(sandbox.data)
        caserelay("restore", tmp_path / "backup.zip", data=sandbox.data).refuses(f"process {sandbox.pid}", "stop")
        assert not sandbox.data.exists()
        sandbox.kill()
        caserelay("restore", tmp_path / "backup.zip", data=sandbox.data).is_done()
    finally:
        sandbox.kill()


def test_a_file_that_is_there_is_not_overwritten(data: Path, archive: Path) -> None:
    """Neither a backup nor anything else, not even a link to nowhere."""
    before = archive.read_bytes()
    caserelay("backup", archive, data=data).refuses(str(archive), "is left unchanged")
    assert archive.read_bytes() == before
    link = archive.with_name("link.zip")
    link.symlink_to("nowhere")
    caserelay("backup", link, data=data).refuses(str(link))
    assert not archive.with_name("nowhere").exists()


@pytest.mark.parametrize("there", ["referral-log.db", "notes.txt", ".hidden"])
def test_a_directory_that_is_not_empty_stays_as_it_is(archive: Path, tmp_path: Path, there: str) -> None:
    """Whatever is in it."""
    (tmp_path / "fresh").mkdir()
    (tmp_path / "fresh" / there).write_text("mine", encoding="utf-8")
    caserelay("restore", archive, data=tmp_path / "fresh").refuses("is not empty", there)
    assert names(tmp_path / "fresh") == {there}


def test_a_restore_that_was_killed_is_told_from_other_files(archive: Path, tmp_path: Path) -> None:
    """What it left is no data of anybody's."""
    (tmp_path / "fresh" / ".restoring-x").mkdir(parents=True)
    caserelay("restore", archive, data=tmp_path / "fresh").refuses("was interrupted", "restore again")


def test_an_empty_directory_may_be_there_already(archive: Path, tmp_path: Path) -> None:
    """A volume is mounted before anything is restored into it."""
    (tmp_path / "fresh").mkdir()
    caserelay("restore", archive, data=tmp_path / "fresh").is_done()


def test_with_a_database_both_name_the_tool_that_is_for_it(tmp_path: Path) -> None:
    """Files are not what to back up then."""
    for command in ("backup", "restore"):
        said = caserelay(
            command, tmp_path / "x.zip", data=tmp_path, database_url="postgresql://caserelay:secret@127.0.0.1:1/none"
        )
        said.refuses("pg_dump", "docs/operating.md")
        assert "secret" not in said.err
    assert not names(tmp_path)


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_where_there_is_no_log_there_is_nothing_to_back_up(tmp_path: Path, kind: str) -> None:
    """A wrong CASERELAY_DATA must not pass for a backup."""
    data = tmp_path / "data"
    if kind == "empty":
        data.mkdir()
    if kind == "file":
        data.write_text("no directory", encoding="utf-8")
    caserelay("backup", tmp_path / "x.zip", data=data).refuses("nothing to back up", "CASERELAY_DATA")
    assert not (tmp_path / "x.zip").exists()


def test_where_it_cannot_be_written_it_says_so(data: Path, tmp_path: Path) -> None:
    """A directory that is not there, and the one that is backed up."""
    caserelay("backup", tmp_path / "no" / "x.zip", data=data).refuses("could not be written", "No such file")
    caserelay("backup", data / "x.zip", data=data).refuses("inside")
    caserelay("backup", data / "issuer" / "x.zip", data=data).refuses("inside")


def test_what_is_not_caserelays_is_named_and_left_out(data: Path, tmp_path: Path) -> None:
    """Nobody believes to have backed up what was not."""
    (data / "notes.txt").write_text("mine", encoding="utf-8")
    done = caserelay("backup", tmp_path / "x.zip", data=data)
    done.is_done()
    assert "notes.txt is not a Caserelay file and is skipped" in done.out
    assert done.out.count("is skipped") == 1


def test_a_damaged_store_is_named_and_not_backed_up(data: Path, tmp_path: Path) -> None:
    """A copy of it would be found out when it is needed."""
    (data / "referral-vault.db").write_bytes(b"no database" * 1000)
    caserelay("backup", tmp_path / "x.zip", data=data).refuses("referral-vault.db", "not a database")
    assert names(tmp_path) == {f"data/{name}" for name in names(data)}


@pytest.mark.parametrize(
    ("largest", "what"),
    [(4096, "cannot be read"), (65_536, "x.zip could not be written"), (130_000, "x.zip could not be written")],
)
def test_a_full_disk_leaves_no_half_backup(data: Path, tmp_path: Path, largest: int, what: str) -> None:
    """Whether it fills up where a store is opened, in the copy of one, or in the archive."""
    caserelay("backup", tmp_path / "x.zip", data=data, largest=largest).refuses(what)
    assert {one.name for one in tmp_path.iterdir()} == {"data"}
    caserelay("backup", tmp_path / "x.zip", data=data).is_done()


@pytest.mark.parametrize("largest", [4096, 65_536])
@pytest.mark.parametrize("made", [True, False])
def test_a_full_disk_leaves_no_half_restore(archive: Path, tmp_path: Path, largest: int, made: bool) -> None:  # noqa: FBT001
    """The directory is as empty as before, or as absent."""
    fresh = tmp_path / "fresh"
    if made:
        fresh.mkdir()
    caserelay("restore", archive, data=fresh, largest=largest).refuses("could not be restored")
    assert fresh.exists() == made
    assert not made or not list(fresh.iterdir())
    caserelay("restore", archive, data=fresh).is_done()


@pytest.mark.slow
def test_whoever_stops_a_backup_finds_nothing_of_it(tmp_path: Path) -> None:
    """Neither a half archive nor a copy of a store, after Ctrl-C and after SIGTERM."""
    store(tmp_path / "data" / "referral-log.db", 200_000)
    environment = {**os.environ, "CASERELAY_DATA": str(tmp_path / "data")}
    for sent in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(
            [PROGRAM, "backup", tmp_path / "x.zip"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as backup:
            until = time.monotonic() + 30
            while not list(tmp_path.glob(".x.zip.*/x.zip")):
                assert time.monotonic() < until
                time.sleep(0.005)
            backup.send_signal(sent)
            _, said = backup.communicate(timeout=30)
        assert backup.returncode == 1
        assert "Traceback" not in said
        assert {one.name for one in tmp_path.iterdir()} == {"data"}


@pytest.mark.slow
def test_a_large_store_is_not_held_in_memory(tmp_path: Path) -> None:
    """Of a log of 100 MB, hardly more than a few portions at a time, out and in."""
    store(tmp_path / "data" / "referral-log.db", 200_000)
    assert (tmp_path / "data" / "referral-log.db").stat().st_size > 100_000_000
    for command, directory in (("backup", "data"), ("restore", "fresh")):
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, PROGRAM, command, tmp_path / "x.zip"],
            env={**os.environ, "CASERELAY_DATA": str(tmp_path / directory)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) < 80_000, command
