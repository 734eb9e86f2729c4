"""An export as Apache Parquet: one table, with times in UTC to the microsecond."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from services.casefile.exports.contents import Basis, Contents
from services.casefile.exports.pulse import Pulse
from services.casefile.exports.tables import Kind, Row, Table
from services.chassis.modelling.days import in_utc

ROWS_AT_ONCE: Final = 20_000
"""How many rows of a part are in memory, and in a group of the file."""
_TYPES: Final = {Kind.TEXT: pa.string(), Kind.TIME: pa.timestamp("us", tz="UTC"), Kind.NUMBER: pa.int64()}


class Part:
    """Rows of one case after another."""

    def __init__(self, table: Table, basis: Basis, file: IO[bytes]) -> None:
        self._table = table
        self._schema = _schema(table, basis)
        self._writer = pq.ParquetWriter(file, self._schema)
        self._rows: list[Row] = []

    def add(self, contents: Contents, pulse: Pulse) -> None:
        """The rows of a case."""
        for row in contents.rows(self._table.name):
            pulse()
            self._rows.append(row)
            if len(self._rows) == ROWS_AT_ONCE:
                self._flush()

    def close(self) -> None:
        """Writes what is left, and the end of the file."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        values = zip(*self._rows, strict=True)
        columns = [pa.array(each, type=field.type) for each, field in zip(values, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema), row_group_size=ROWS_AT_ONCE)
        self._rows = []


def write(contents: Contents, table: Table, file: IO[bytes], pulse: Pulse) -> None:
    """One case."""
    part = Part(table, contents.basis, file)
    part.add(contents, pulse)
    part.close()


def join(table: Table, basis: Basis, parts: Sequence[Path], file: IO[bytes], pulse: Pulse) -> None:
    """The parts in one file, group by group."""
    with pq.ParquetWriter(file, _schema(table, basis)) as writer:
        for part in parts:
            with pq.ParquetFile(part) as source:
                for group in range(source.num_row_groups):
                    pulse()
                    writer.write_table(source.read_row_group(group), row_group_size=ROWS_AT_ONCE)


def _schema(table: Table, basis: Basis) -> pa.Schema:
    """The columns of a table, and beside them what the export is made of."""
    about = {"caserelay.asOf": in_utc(basis.at), "caserelay.checkpoint": basis.checkpoint}
    return pa.schema([(column.name, _TYPES[column.kind]) for column in table.columns], metadata=about)
