"""What a witness keeps on its disk: of each log the checkpoint that it cosigned last, and what proves a log wrong.

Files that other programs read as well: a checkpoint is a signed note, a finding two of them behind a sentence.
"""

from __future__ import annotations

import fcntl
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from services.chassis.engines.durable_file import write_durably
from services.chassis.refused_start import RefusedStart
from services.chassis.transparency.add_checkpoint import origin_hash
from services.chassis.transparency.checkpoints import Checkpoint
from services.chassis.transparency.notes import Note
from services.witness.refusals import NotKept

MOST_FINDINGS: Final = 100
"""Files of findings of one log: who has its key cannot fill the disk."""


class RefusedRecords(RefusedStart):
    """The directory of a witness cannot be used; the message says why."""


class Records:
    """In a directory, for one process at a time. Raises RefusedRecords."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (directory / "lock").open("w")
        except OSError as failure:
            raise RefusedRecords(f"{directory} cannot be used ({failure.strerror})") from None
        if not _locked(self._lock):
            self._lock.close()
            raise RefusedRecords(f"{directory} is in use by another witness; two would cosign two histories")

    def newest(self, origin: str) -> Note | None:
        """The checkpoint of a log that was cosigned last, with the signatures of log and witness. Raises NotKept."""
        try:
            content = self._place(origin).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as failure:
            raise NotKept(f"what was cosigned last cannot be read ({failure.strerror})") from None
        try:
            note = Note.read(content)
            if Checkpoint.read(note.text).origin == origin:
                return note
        except ValueError:
            pass
        raise NotKept("what was cosigned last is not there as it was written")

    def keep(self, origin: str, note: Note) -> None:
        """Returns once it is on the disk. Killed at any moment, the file holds it or the one before. Raises NotKept."""
        try:
            write_durably(self._place(origin), note.content)
        except OSError as failure:
            raise NotKept(f"nothing can be written down ({failure.strerror})") from None

    def report(self, origin: str, why: str, known: Note, shown: Note, proof: str = "") -> Path | None:
        """Writes down that a log contradicts itself, with both checkpoints; the file, or None where that was known.

        Raises NotKept.
        """
        place = self.directory / "findings" / origin_hash(origin)[:16]
        content = f"{why}\n\n{known.content.decode()}\n{shown.content.decode()}"
        if proof:
            content += f"\n{proof}"
        file = place / f"{sha256(known.text.encode() + shown.text.encode()).hexdigest()[:16]}.txt"
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if file.exists() or len([*place.iterdir()]) >= MOST_FINDINGS:
                return None
            write_durably(file, content.encode())
        except OSError as failure:
            raise NotKept(f"a finding cannot be written down ({failure.strerror})") from None
        return file

    def findings(self, origin: str) -> list[Path]:
        """The files that prove a log wrong; who has looked into one moves it away."""
        return sorted((self.directory / "findings" / origin_hash(origin)[:16]).glob("*.txt"))

    def close(self) -> None:
        """Lets another process use the directory."""
        self._lock.close()

    def _place(self, origin: str) -> Path:
        return self.directory / f"{origin_hash(origin)}.checkpoint"


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
