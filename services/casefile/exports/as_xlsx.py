"""An export as a workbook of Office Open XML: a sheet for each table, and one that says what it is made of."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any, Final

import xlsxwriter

from services.casefile.exports.contents import Contents
from services.casefile.exports.pulse import Pulse
from services.casefile.exports.tables import TABLES, Column, Kind, Table, Value
from services.chassis.modelling.days import in_utc

_CREATED: Final = datetime(1980, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""The same for every workbook, so that the same contents are the same bytes."""
_LONGEST_CELL: Final = 32_767
"""Characters; what is longer the format does not have."""
_WIDTHS: Final = {"text": 80, "type": 26, "event": 38, "case": 38, "digest": 20}


def write(contents: Contents, _: Table, file: IO[bytes], pulse: Pulse) -> None:
    """One case, with all of its tables. Raises OSError where there is no room for what is written aside."""
    # What is given up halfway leaves nothing behind in a directory of its own.
    with tempfile.TemporaryDirectory() as aside:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": aside}
        book = xlsxwriter.Workbook(file, options)
        try:
            _fill(book, contents, pulse)
            book.close()
        except xlsxwriter.exceptions.FileCreateError as failure:
            # The library has the system's error in one of its own.
            raise OSError(*failure.args[0].args) from failure
        finally:
            _let_go(book)


def _let_go(book: Any) -> None:
    """Closes what the library would close at the end of a book alone, and what takes room until then."""
    for sheet in book.worksheets():
        if (rows := sheet.row_data_fh) is not None:
            with suppress(OSError):
                rows.close()


def _fill(book: Any, contents: Contents, pulse: Pulse) -> None:
    book.set_properties({"title": f"Case {contents.case}", "author": "Caserelay", "created": _CREATED})
    bold = book.add_format({"bold": True})
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
    _about(book.add_worksheet("About"), contents, bold)
    for table in TABLES.values():
        sheet = book.add_worksheet(table.title)
        sheet.freeze_panes(1, 0)
        for index, column in enumerate(table.columns):
            sheet.set_column(index, index, _width(column))
        for index, column in enumerate(table.columns):
            sheet.write_string(0, index, column.name, bold)
        last = 0
        for last, row in enumerate(contents.rows(table.name), 1):
            pulse()
            for index, value in enumerate(row):
                _put(sheet, last, index, value, time)
        sheet.autofilter(0, 0, last, len(table.columns) - 1)


def _about(sheet: Any, contents: Contents, bold: Any) -> None:
    after, basis = contents.after, contents.basis
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 90)
    lines = (
        ("Case", contents.case),
        ("State", after.state or ""),
        ("Agency", after.agency),
        ("Programme", after.programme),
        ("As of", in_utc(basis.at)),
        ("As known at", in_utc(basis.known_at) if basis.known_at is not None else "then and since"),
        ("As seen by", contents.seen_by or "all of it"),
        ("Events", str(len(contents.records))),
        ("Digest of the events", contents.digest),
        ("Checkpoint", basis.checkpoint or "nothing was signed yet"),
        ("Times", "UTC"),
    )
    for row, (name, text) in enumerate(lines):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, text)


def _put(sheet: Any, row: int, column: int, value: Value, time: Any) -> None:
    match value:
        case None:
            pass
        case datetime():
            # The format has no time zones: all are UTC, as the first sheet says.
            sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), time)
        case int():
            sheet.write_number(row, column, value)
        case _:
            # As a string it is never calculated, whatever it begins with.
            sheet.write_string(row, column, value if len(value) <= _LONGEST_CELL else f"{value[: _LONGEST_CELL - 1]}…")


def _width(column: Column) -> int:
    return 19 if column.kind is Kind.TIME else _WIDTHS.get(column.name, 16)
