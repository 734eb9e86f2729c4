"""Where `caserelay restore` puts a backup: nowhere that a process works, and anywhere that is empty to an operator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.backups import archive, caserelay, data, rows

__all__ = ["archive", "data"]

BUSY: Final = """
import os, sys
held = open(sys.argv[1], "w")
os.remove(sys.argv[1])
print("ready", flush=True)
while True:
    for one in [os.dup(0) for _ in range(200)]:
        os.close(one)
"""


def test_a_process_is_noticed_however_busy_it_is(archive: Path, tmp_path: Path) -> None:
    """A server closes a connection at any moment, also while somebody looks at what it has open."""
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    command = [sys.executable, "-c", BUSY, str(fresh / "referral-log.db")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as busy:
        try:
            assert busy.stdout is not None
            assert busy.stdout.readline() == b"ready\n"
            for _ in range(20):
                caserelay("restore", archive, data=fresh).refuses(f"process {busy.pid}", "stop")
        finally:
            busy.kill()
    caserelay("restore", archive, data=fresh).is_done()


def test_a_new_volume_is_empty(data: Path, archive: Path, tmp_path: Path) -> None:
    """A file system has a `lost+found` of its own from the beginning; it stays, and nothing else may be there."""
    fresh = tmp_path / "fresh"
    (fresh / "lost+found").mkdir(parents=True)
    caserelay("restore", archive, data=fresh).is_done()
    assert rows(fresh / "referral-log.db") == rows(data / "referral-log.db")
    assert (fresh / "lost+found").is_dir()


@pytest.mark.parametrize("there", ["lost", "lost+found.db", "found"])
def test_what_is_only_called_alike_is_in_the_way(archive: Path, tmp_path: Path, there: str) -> None:
    """Whatever it is, somebody put it there."""
    (tmp_path / "fresh" / "lost+found").mkdir(parents=True)
    (tmp_path / "fresh" / there).touch()
    caserelay("restore", archive, data=tmp_path / "fresh").refuses("is not empty", there)
