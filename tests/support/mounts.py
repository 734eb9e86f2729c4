"""File systems of a test's own, where this user may mount one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.engines import without_server


@contextmanager
def mounted(where: Path, size: str) -> Iterator[Path]:
    """A file system with so much room, such as `12m`, at a directory that is made for it."""
    where.mkdir()
    if not _done("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(where)):
        without_server("a file system of its own takes the right to mount one: run this test as root", "mount refused")
    try:
        yield where
    finally:
        assert _done("umount", "--lazy", str(where))


def remount_read_only(where: Path) -> None:
    """From now on nobody writes there."""
    assert _done("mount", "-o", "remount,ro", str(where))


def _done(command: str, *arguments: str) -> bool:
    found = shutil.which(command)
    return found is not None and subprocess.run([found, *arguments], capture_output=True, check=False).returncode == 0
