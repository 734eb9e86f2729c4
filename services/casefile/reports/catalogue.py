"""All reports, by name."""

from __future__ import annotations

from typing import Any, Final

from services.casefile.reports import (
    acceptance,
    balance,
    check_in_coverage,
    delay_attribution,
    evaluation,
    feedback,
    outcomes,
    reliance,
    responsibility_gaps,
    service_gaps,
    unmatched_mentors,
    unowned_time,
)
from services.casefile.reports.report import Report

_LISTED: Final[tuple[Report[Any], ...]] = (
    responsibility_gaps.REPORT,
    unowned_time.REPORT,
    delay_attribution.REPORT,
    reliance.REPORT,
    service_gaps.REPORT,
    feedback.REPORT,
    acceptance.REPORT,
    outcomes.REPORT,
    check_in_coverage.REPORT,
    unmatched_mentors.REPORT,
    balance.REPORT,
    evaluation.REPORT,
)

REPORTS: Final = {report.name: report for report in _LISTED}
"""In the order in which they are listed."""


def listed() -> list[dict[str, Any]]:
    """All reports in their JSON shape: what each says, and what it is made of."""
    return [
        {
            "name": report.name,
            "definition": report.definition,
            "sources": report.sources,
            "columns": report.columns,
            "statistic": report.statistic,
        }
        for report in REPORTS.values()
    ]
