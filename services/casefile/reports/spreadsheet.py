"""A report as CSV (RFC 4180), which people open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any, Final

_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the first ones in full width, which spreadsheets for East Asian languages take for them."""


def as_csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """A header and a line per row; a value that is hidden or unknown is an empty cell."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(row[column]) for column in columns])
    return text.getvalue()


def cell(value: Any) -> str | int | float:
    """A value as a spreadsheet takes it for what it is, and calculates nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case list() | tuple():
            value = " ".join(map(str, value))
    written = str(value)
    # A spreadsheet would calculate it: with an apostrophe before it, it is a text.
    return f"'{written}" if written.startswith(_BEGINS_A_FORMULA) else written
