"""How long cases were nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from services.casefile.reports.ownership import NOBODY, Lapse, lapses
from services.casefile.reports.report import Findings, History, Period, Report, Row
from services.casefile.reports.responsibility_gaps import SOURCES as MOVES

NAME: Final = "unowned-time"
DEFINITION: Final = (
    "For each case the hours, within the days asked for, in which it was open and nobody was responsible for any step "
    "of it. A case that always had an owner is not listed, so the report should be empty."
)
SOURCES: Final = MOVES


def facts(history: History) -> Iterator[Lapse]:
    """Every time in which a case was nobody's."""
    return (lapse for lapse in lapses(history) if lapse.kind == NOBODY)


def rows(findings: Iterable[Findings[Lapse]], period: Period) -> Iterator[Row]:
    """A row per case, and per organisation that it was with meanwhile."""
    for each in findings:
        for organisation in dict.fromkeys(lapse.organisation for lapse in each.facts):
            hours = [period.hours(lapse.begin, lapse.end) for lapse in each.facts if lapse.organisation == organisation]
            within = [spent for spent in hours if spent > 0]
            if within:
                yield {
                    "case": each.subject.case,
                    "agency": each.subject.agency,
                    "programme": each.subject.programme,
                    "organisation": organisation,
                    "times": len(within),
                    "hours": round(sum(within), 2),
                }


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=("case", "agency", "programme", "organisation", "times", "hours"),
    fact=Lapse,
    facts=facts,
    rows=rows,
)
