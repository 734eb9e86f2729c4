"""Gaps in public services: which were reported, what was answered, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.gaps import GapActionCompleted, ServiceGapAnswered
from services.casefile.reports.report import Findings, History, Period, Report, Row, quarter_of
from services.casefile.reports.suppression import published

NAME: Final = "service-gaps"
DEFINITION: Final = (
    "Gaps in public services by the quarter in which they were reported, and by service: how many the agency has "
    "answered, in time or late, how many not yet, how many answers promise an action by a date and how many refuse "
    "one, how many actions are done, and when the next of the others is due. Counts from 1 to 4 are hidden."
)
SOURCES: Final = ("ServiceGapReported", "ServiceGapAnswered", "GapActionCompleted")
_KEYS: Final = ("quarter", "agency", "programme", "organisation", "serviceKind")
_COUNTS: Final = ("reported", "answered", "inTime", "late", "unanswered", "promised", "refused", "done", "open")


class GapFact(Struct, frozen=True, array_like=True):
    """A gap as it stands: `answered_at` and `action_due` are None before an answer, and where none is promised."""

    reported_at: datetime
    due_at: datetime
    organisation: str | None
    service_kind: str
    answered_at: datetime | None = None
    action_due: date | None = None
    action_done: bool = False


def facts(history: History) -> Iterator[GapFact]:
    """Every gap of a case, as it stands after all that was recorded."""
    found: dict[str, GapFact] = {}
    for recorded in history.records:
        match recorded.event:
            case ServiceGapReported() as gap:
                due_at = next((step.due_at for step in gap.opens if step.due_at is not None), gap.reported_at)
                found[gap.gap] = GapFact(gap.reported_at, due_at, gap.organisation, gap.service_kind)
            case ServiceGapAnswered() as answer if (known := found.get(answer.gap)) is not None:
                due = answer.due if answer.accepted else None
                found[answer.gap] = replace(known, answered_at=answer.answered_at, action_due=due)
            case GapActionCompleted() as done if (known := found.get(done.gap)) is not None:
                found[done.gap] = replace(known, action_done=True)
    yield from found.values()


def rows(findings: Iterable[Findings[GapFact]], period: Period) -> list[Row]:
    """A row per quarter, agency, programme, organisation and service, and one for all organisations together."""
    cells: defaultdict[tuple[str | None, ...], list[GapFact]] = defaultdict(list)
    for each in findings:
        for gap in each.facts:
            subject = each.subject
            key = (quarter_of(gap.reported_at), subject.agency, subject.programme, gap.organisation, gap.service_kind)
            cells[key].append(gap)
    table = [{**dict(zip(_KEYS, key, strict=True)), **_counted(gaps)} for key, gaps in cells.items()]
    shown = published(
        table,
        counts=_COUNTS,
        over="organisation",
        by=("quarter", "agency", "programme", "serviceKind"),
        sums=(
            ("reported", ("answered", "unanswered")),
            ("answered", ("inTime", "late")),
            ("answered", ("promised", "refused")),
            ("promised", ("done", "open")),
        ),
        earliest={"nextActionDue": "open"},
    )
    return [row for row in shown if period.touches(str(row["quarter"]))]


def _counted(gaps: list[GapFact]) -> Row:
    answered = [gap for gap in gaps if gap.answered_at is not None]
    in_time = [gap for gap in answered if gap.answered_at is not None and gap.answered_at <= gap.due_at]
    promised = [gap for gap in answered if gap.action_due is not None]
    still_open = [gap.action_due for gap in promised if gap.action_due is not None and not gap.action_done]
    return {
        "reported": len(gaps),
        "answered": len(answered),
        "inTime": len(in_time),
        "late": len(answered) - len(in_time),
        "unanswered": len(gaps) - len(answered),
        "promised": len(promised),
        "refused": len(answered) - len(promised),
        "done": len(promised) - len(still_open),
        "open": len(still_open),
        "nextActionDue": str(min(still_open)) if still_open else None,
    }


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(*_KEYS, *_COUNTS, "nextActionDue"),
    fact=GapFact,
    facts=facts,
    rows=rows,
    statistic=True,
)
