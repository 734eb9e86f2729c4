"""An export as NDJSON: one event a line, as the raw record shows it, each with its case and without the chain."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pydantic_core import to_json

from services.casefile.exports.contents import Basis, Contents
from services.casefile.exports.pulse import Pulse
from services.casefile.exports.tables import Table


class Part:
    """The events of one case after another."""

    def __init__(self, _table: Table, _basis: Basis, file: IO[bytes]) -> None:
        self._file = file

    def add(self, contents: Contents, pulse: Pulse) -> None:
        """The events of a case."""
        for event in contents.raw():
            pulse()
            self._file.write(to_json(event) + b"\n")

    def close(self) -> None:
        """Nothing follows."""


def write(contents: Contents, table: Table, file: IO[bytes], pulse: Pulse) -> None:
    """One case."""
    Part(table, contents.basis, file).add(contents, pulse)


def join(_table: Table, _basis: Basis, parts: Sequence[Path], file: IO[bytes], pulse: Pulse) -> None:
    """The parts in one file."""
    for part in parts:
        pulse()
        with part.open("rb") as source:
            shutil.copyfileobj(source, file)
