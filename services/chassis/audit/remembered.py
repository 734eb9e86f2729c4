"""What was signed last, kept outside the database and its backups: who puts these back does not put this back.

A directory with a file for each log, which holds the signed checkpoint as it was made. Where a log has more than one
epoch, another file lists the origins of those that are known here, a line each: who can write to the database can begin
an epoch in it, and not here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.chassis.audit.refusals import Unremembered
from services.chassis.engines.durable_file import write_durably
from services.chassis.refused_start import RefusedStart


class RefusedState(RefusedStart):
    """What CASERELAY_AUDIT_STATE names cannot be used; the message says why."""


class RememberedCheckpoint:
    """The checkpoint of one log that was signed last. Raises Unremembered where its file cannot be read or written."""

    def __init__(self, directory: Path, log: str) -> None:
        """Makes the directory, for its owner alone. Raises RefusedState."""
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as failure:
            raise RefusedState(
                f"CASERELAY_AUDIT_STATE: {directory} cannot be used ({failure.strerror}); name a directory that this"
                " user may write, outside the database and CASERELAY_DATA"
            ) from None
        self.path = directory / f"{log}.checkpoint"
        self._epochs = directory / f"{log}-epochs.txt"

    @property
    def exists(self) -> bool:
        """Whether anything was remembered; also where it cannot be read now."""
        return os.path.lexists(self.path)

    def read(self) -> bytes:
        """The note, empty where none was remembered."""
        with _usable(self.path):
            try:
                return self.path.read_bytes()
            except FileNotFoundError:
                return b""

    @property
    def epochs(self) -> tuple[str, ...] | None:
        """The origins of the epochs behind the first that are known here; None where nothing was remembered yet."""
        if not self.read():
            return None
        with _usable(self._epochs):
            return self._known()

    def knows(self, *origins: str) -> None:
        """Knows these epochs from now on, too."""
        with _usable(self._epochs):
            known = dict.fromkeys((*self._known(), *origins))
            write_durably(self._epochs, "".join(f"{origin}\n" for origin in known).encode())

    def _known(self) -> tuple[str, ...]:
        try:
            return tuple(self._epochs.read_text("utf-8", "replace").split())
        except FileNotFoundError:
            return ()

    def write(self, note: bytes) -> None:
        """Returns once the note is on the disk. Killed at any moment, the file holds this note or the one before."""
        with _usable(self.path):
            write_durably(self.path, note)


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise Unremembered(
            f"CASERELAY_AUDIT_STATE: {path} cannot be read or written ({failure.strerror}); have this user write it"
        ) from None
