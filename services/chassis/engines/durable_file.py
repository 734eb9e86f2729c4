"""A small file that is replaced as a whole, and is on the disk when the call returns."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(file: Path, content: bytes) -> None:
    """Killed at any moment, the file holds this content or the one before. Raises OSError."""
    aside = file.with_suffix(".new")
    try:
        with aside.open("wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(writing.fileno())
        aside.replace(file)
    except OSError:
        # On a full disk half of it would take the room that others need.
        aside.unlink(missing_ok=True)
        raise
    sync_directory(file.parent)


def sync_directory(directory: Path) -> None:
    """Returns once the names of its files are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
