"""Many cases in formats that hold one case a file: an archive (ZIP) with a file for each, and their digests.

Files that are compressed already are stored as they are, all under one date, so that the same files are the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from services.casefile.exports.contents import Contents
from services.casefile.exports.pulse import Pulse
from services.casefile.exports.tables import Table

DIGESTS: Final = "SHA256SUMS"
"""As `sha256sum --check` reads them."""
CHUNK: Final = 1 << 20
MEMORY: Final = 8 << 20
"""Bytes of a file that are kept in memory, and not in a temporary file."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)

Write = Callable[[Contents, Table, IO[bytes], Pulse], None]


class Part:
    """The files of some cases."""

    def __init__(self, write: Write, suffix: str, table: Table, file: IO[bytes]) -> None:
        self._write = write
        self._suffix = suffix
        self._table = table
        self._archive = zipfile.ZipFile(file, "w")

    def add(self, contents: Contents, pulse: Pulse) -> None:
        """The file of a case."""
        entry = _entry(f"{quote(contents.case, safe='')}.{self._suffix}")
        # Those who write such files want to go back in them, which nobody can in an archive.
        with tempfile.SpooledTemporaryFile(MEMORY) as aside:
            self._write(contents, self._table, aside, pulse)
            aside.seek(0)
            with self._archive.open(entry, "w", force_zip64=True) as file:
                shutil.copyfileobj(aside, file)

    def close(self) -> None:
        """Writes the end of the archive."""
        self._archive.close()


def join(parts: Sequence[Path], file: IO[bytes], pulse: Pulse) -> None:
    """The files of all parts in one archive, with their digests at its end."""
    digests: list[str] = []
    with zipfile.ZipFile(file, "w") as archive:
        for part in parts:
            with zipfile.ZipFile(part) as some:
                for name in some.namelist():
                    pulse()
                    digests.append(f"{_copied(some, name, archive)}  {name}\n")
        with archive.open(_entry(DIGESTS), "w") as listed:
            listed.write("".join(digests).encode())


def _copied(source: zipfile.ZipFile, name: str, target: zipfile.ZipFile) -> str:
    digest = hashlib.sha256()
    with source.open(name) as read, target.open(_entry(name), "w", force_zip64=True) as written:
        while piece := read.read(CHUNK):
            digest.update(piece)
            written.write(piece)
    return digest.hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = 0o100600 << 16
    return entry
