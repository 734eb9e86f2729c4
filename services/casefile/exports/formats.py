"""The formats of exports, and what writes them. Libraries are imported when a file in their format is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final, Protocol

from services.casefile.exports import archives, as_csv, as_ndjson
from services.casefile.exports.archives import Write
from services.casefile.exports.contents import Basis, Contents
from services.casefile.exports.pulse import Pulse
from services.casefile.exports.tables import Table
from services.chassis.refused_start import RefusedStart

ARCHIVE: Final = "zip"


class NotInstalled(RefusedStart):
    """A format needs libraries that are not there; the message says how to get them."""


class Part(Protocol):
    """A piece of a file of many cases: some of them, one after another."""

    def add(self, contents: Contents, pulse: Pulse) -> None:
        """A case."""

    def close(self) -> None:
        """Nothing follows. The file under it stays open."""


@dataclass(frozen=True)
class Format:
    """A format by its name, which is also the suffix of its files.

    `tabular`: a file holds one table of many cases; otherwise it holds one case, and many are an archive of them.
    `needs` are what it imports of the extra `export`.
    """

    name: str
    media_type: str
    tabular: bool
    needs: tuple[str, ...] = ()

    @property
    def suffix_of_many(self) -> str:
        """That of a file of many cases."""
        return self.name if self.tabular else ARCHIVE

    def require(self) -> None:
        """Raises NotInstalled."""
        if any(find_spec(name) is None for name in self.needs):
            raise NotInstalled(
                f"exports as {self.name} need libraries that are not installed: `make exports` installs them, and where"
                " Caserelay was installed with pip, `pip install 'caserelay[export]'`; csv and ndjson need none"
            )

    def write(self, contents: Contents, table: Table, file: IO[bytes], pulse: Pulse) -> None:
        """Writes one case. Raises NotInstalled, and what `pulse` raises."""
        self._writes()(contents, table, file, pulse)

    def part(self, table: Table, basis: Basis, file: IO[bytes]) -> Part:
        """A piece of a file of many cases. Raises NotInstalled."""
        match self.name:
            case "csv":
                return as_csv.Part(table, basis, file)
            case "ndjson":
                return as_ndjson.Part(table, basis, file)
            case "parquet":
                self.require()
                from services.casefile.exports import as_parquet

                return as_parquet.Part(table, basis, file)
            case _:
                return archives.Part(self._writes(), self.name, table, file)

    def join(self, table: Table, basis: Basis, parts: Sequence[Path], file: IO[bytes], pulse: Pulse) -> None:
        """Puts the pieces together in one file, which depends on the cases alone. Raises NotInstalled."""
        match self.name:
            case "csv":
                as_csv.join(table, basis, parts, file, pulse)
            case "ndjson":
                as_ndjson.join(table, basis, parts, file, pulse)
            case "parquet":
                self.require()
                from services.casefile.exports import as_parquet

                as_parquet.join(table, basis, parts, file, pulse)
            case _:
                archives.join(parts, file, pulse)

    def _writes(self) -> Write:
        self.require()
        match self.name:
            case "pdf":
                from services.casefile.exports import as_pdf

                return as_pdf.write
            case "xlsx":
                from services.casefile.exports import as_xlsx

                return as_xlsx.write
            case "parquet":
                from services.casefile.exports import as_parquet

                return as_parquet.write
            case "csv":
                return as_csv.write
            case _:
                return as_ndjson.write


NDJSON: Final = "ndjson"
FORMATS: Final = {
    each.name: each
    for each in (
        Format("pdf", "application/pdf", tabular=False, needs=("reportlab", "pymupdf_fonts")),
        Format(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            tabular=False,
            needs=("xlsxwriter",),
        ),
        Format("csv", "text/csv", tabular=True),
        Format(NDJSON, "application/x-ndjson", tabular=True),
        Format("parquet", "application/vnd.apache.parquet", tabular=True, needs=("pyarrow",)),
    )
}
