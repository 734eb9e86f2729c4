"""Times in which nobody was responsible for a case, or two parties for one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from services.casefile.reports.ownership import Lapse, lapses
from services.casefile.reports.report import Findings, History, Period, Report, Row, written

NAME: Final = "responsibility-gaps"
DEFINITION: Final = (
    "Every time in which nobody was responsible for an open case, or two parties were for one step of it. It is read "
    "from what each event says that it begins and ends, and should be empty."
)
SOURCES: Final = (
    "CaseOpened",
    "CaseReferred",
    "ReferralEntryTaken",
    "ReferralReturned",
    "ResponsibilityTransferred",
    "CounsellorReassigned",
    "CoordinatorReassigned",
    "HandbackAccepted",
    "CaseReturned",
    "CaseClosed",
    "CaseReopened",
)
"""Those by which responsibility moves from one to another; every other event that begins or ends a step counts too."""


def facts(history: History) -> Iterator[Lapse]:
    """Every such time in a case."""
    return lapses(history)


def rows(findings: Iterable[Findings[Lapse]], period: Period) -> Iterator[Row]:
    """A row for each; one that goes on has no `to`."""
    for each in findings:
        for lapse in each.facts:
            if period.overlaps(lapse.begin, lapse.end):
                yield {
                    "case": each.subject.case,
                    "agency": each.subject.agency,
                    "programme": each.subject.programme,
                    "organisation": lapse.organisation,
                    "kind": lapse.kind,
                    "step": lapse.step,
                    "parties": list(lapse.parties),
                    "from": written(lapse.begin),
                    "to": written(lapse.end),
                }


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=("case", "agency", "programme", "organisation", "kind", "step", "parties", "from", "to"),
    fact=Lapse,
    facts=facts,
    rows=rows,
)
