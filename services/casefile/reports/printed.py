"""A report as the shell prints it, made from the log alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic_core import to_json

from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.replayed import replay_report
from services.casefile.reports.report import Period, Row, Wanted
from services.casefile.reports.spreadsheet import as_csv
from services.chassis.refused_start import RefusedStart
from services.chassis.settings import Settings
from services.progress import Say

Shape = Literal["csv", "json", "table"]


class UnknownReport(RefusedStart):
    """There is no such report; the message names those that there are."""


async def printed(settings: Settings, name: str, period: Period, wanted: Wanted, shape: Shape, say: Say) -> str:
    """A report as text, with a line end at its end. Raises UnknownReport, NoLog and UnknownFilter."""
    report = REPORTS.get(name)
    if report is None:
        raise UnknownReport(f"there is no report {name}; there are {', '.join(REPORTS)}")
    rows = await replay_report(settings, report, period, wanted, say)
    match shape:
        case "csv":
            return as_csv(report.columns, rows)
        case "json":
            return to_json(report.document(period, rows)).decode() + "\n"
        case "table":
            return f"{report.definition}\n\n{_table(report.columns, rows)}\n"


def _table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    if not rows:
        return "no rows"
    lines = [list(columns), *([_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(columns))]
    return "\n".join("  ".join(text.ljust(widths[n]) for n, text in enumerate(line)).rstrip() for line in lines)


def _text(value: Any) -> str:
    if value is None:
        return "."
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
