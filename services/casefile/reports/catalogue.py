"""All reports, by name."""

from __future__ import annotations

from typing import Any, Final

from services.casefile.reports import service_gaps
from services.casefile.reports.report import Report

REPORTS: Final[dict[str, Report[Any]]] = {report.name: report for report in (service_gaps.REPORT,)}
"""In the order in which they are listed."""
