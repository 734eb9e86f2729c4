"""An export as CSV (RFC 4180): one table, with a header; times as RFC 3339 has them, in UTC."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from services.casefile.exports.contents import Basis, Contents
from services.casefile.exports.pulse import Pulse
from services.casefile.exports.tables import Table, Value
from services.casefile.reports.spreadsheet import cell
from services.chassis.modelling.days import in_utc


class Part:
    """Rows of one case after another, without the header."""

    def __init__(self, table: Table, _: Basis, file: IO[bytes]) -> None:
        self._table = table
        self._writer = _writer(file)

    def add(self, contents: Contents, pulse: Pulse) -> None:
        """The rows of a case."""
        for row in contents.rows(self._table.name):
            pulse()
            self._writer.writerow([_cell(value) for value in row])

    def close(self) -> None:
        """Nothing follows."""


def write(contents: Contents, table: Table, file: IO[bytes], pulse: Pulse) -> None:
    """One case."""
    _writer(file).writerow(table.header)
    Part(table, contents.basis, file).add(contents, pulse)


def join(table: Table, _: Basis, parts: Sequence[Path], file: IO[bytes], pulse: Pulse) -> None:
    """The parts in one file, below one header."""
    _writer(file).writerow(table.header)
    for part in parts:
        pulse()
        with part.open("rb") as source:
            shutil.copyfileobj(source, file)


def _cell(value: Value) -> str | int | float:
    return in_utc(value) if isinstance(value, datetime) else cell(value)


def _writer(file: IO[bytes]) -> Any:
    return csv.writer(_Encoding(file))


class _Encoding:
    """Takes text, and writes it in UTF-8."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """As the writer of the standard library needs it."""
        return self._file.write(text.encode())
