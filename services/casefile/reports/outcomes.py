"""What became of people, point by point: by what code, on whose word, and whether a job suits the person's level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.casefile_codes import OutcomeSource
from services.casefile.domain.closing import CaseReopened
from services.casefile.domain.outcomes import OutcomeRecorded, OutcomeWaived
from services.casefile.domain.state import Case
from services.casefile.reports.report import Findings, History, Period, Report, Row, events, quarter_of
from services.casefile.reports.suppression import published

NAME: Final = "outcomes"
DEFINITION: Final = (
    "Outcomes at the exit, and 4 weeks, 6 and 12 months after it, by the quarter in which they were found and by code: "
    "how many there are, from which source each is known, and of how many it is known that the job suits the person's "
    "level (levelMatch), or does not (noLevelMatch). Who records an outcome need not say it: levelUnknown are all "
    "others, those without a job among them. A person whose case was opened again counts by what was found after its "
    "last closing. A follow-up that was not taken has the code WAIVED. Counts from 1 to 4 are hidden."
)
SOURCES: Final = ("OutcomeRecorded", "OutcomeWaived", "CorrectionRecorded", "CaseReopened")
WAIVED: Final = "WAIVED"
_KEYS: Final = ("quarter", "agency", "programme", "organisation", "point", "code")
_SOURCES: Final = {
    OutcomeSource.REGISTER.value: "fromRegister",
    OutcomeSource.DECLARED.value: "declared",
    OutcomeSource.EMPLOYER_DOC.value: "fromEmployer",
}
_LEVELS: Final = {True: "levelMatch", False: "noLevelMatch", None: "levelUnknown"}
_COUNTS: Final = ("people", *_SOURCES.values(), "noSource", *_LEVELS.values())


class OutcomeFact(Struct, frozen=True, array_like=True):
    """What was found of a person at a point; `organisation` is that which had the case last."""

    found_at: datetime
    organisation: str | None
    point: str
    code: str
    source: str | None = None
    level_match: bool | None = None


def facts(history: History) -> Iterator[OutcomeFact]:
    """The outcomes of a case since it was closed last, as they read after their corrections."""
    found: dict[str, OutcomeFact] = {}
    for moment in events(history, OutcomeRecorded, OutcomeWaived, CaseReopened):
        event, organisation = moment.recorded.event, _organisation(moment.before)
        match event:
            case OutcomeRecorded():
                found[event.point] = OutcomeFact(
                    event.happened_at, organisation, event.point, event.code, event.source, event.level_match
                )
            case OutcomeWaived():
                found[event.point] = OutcomeFact(moment.recorded.meta.occurred_at, organisation, event.point, WAIVED)
            case _:
                found.clear()
    yield from found.values()


def _organisation(case: Case) -> str | None:
    return next((part.organisation for part in reversed(case.earlier) if part.trajectory is not None), None)


def rows(findings: Iterable[Findings[OutcomeFact]], period: Period) -> list[Row]:
    """A row per quarter, agency, programme, organisation, point and code, and one for all organisations together."""
    cells: defaultdict[tuple[str | None, ...], list[OutcomeFact]] = defaultdict(list)
    for each in findings:
        subject = each.subject
        for outcome in each.facts:
            of = (outcome.organisation, outcome.point, outcome.code)
            cells[quarter_of(outcome.found_at), subject.agency, subject.programme, *of].append(outcome)
    shown = published(
        [{**dict(zip(_KEYS, key, strict=True)), **_counted(some)} for key, some in cells.items()],
        counts=_COUNTS,
        over="organisation",
        by=("quarter", "agency", "programme", "point", "code"),
        sums=(("people", (*_SOURCES.values(), "noSource")), ("people", tuple(_LEVELS.values()))),
    )
    return [row for row in shown if period.touches(str(row["quarter"]))]


def _counted(some: list[OutcomeFact]) -> Row:
    return {
        "people": len(some),
        **{column: sum(outcome.source == source for outcome in some) for source, column in _SOURCES.items()},
        "noSource": sum(outcome.source is None for outcome in some),
        **{column: sum(outcome.level_match is known for outcome in some) for known, column in _LEVELS.items()},
    }


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(*_KEYS, *_COUNTS),
    fact=OutcomeFact,
    facts=facts,
    rows=rows,
    statistic=True,
)
