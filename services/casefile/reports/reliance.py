"""How much is left to citizens, quarter by quarter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.codes import MentorKind, Role
from services.casefile.domain.exceptions import RoleExceptionGranted
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.mentoring import MeetingRecorded
from services.casefile.domain.tasks import TaskRecorded
from services.casefile.reports.report import Findings, History, Moment, Period, Report, Row, quarter_of, quarters
from services.casefile.reports.suppression import ALL, published

NAME: Final = "reliance"
DEFINITION: Final = (
    "What rests on mentors, by quarter: meetings and tasks of volunteers and of professionals with the hours that were "
    "noted, tasks by kind, exceptions from the charter that were granted, by task or rule, and gaps in services that "
    "were reported, by service. `change` is the difference to the quarter before. Counts from 1 to 4 are hidden."
)
SOURCES: Final = (
    "MatchProposed",
    "MeetingRecorded",
    "TaskRecorded",
    "CorrectionRecorded",
    "RoleExceptionGranted",
    "ServiceGapReported",
)
MEETINGS: Final = "MEETINGS"
TASKS: Final = "TASKS"
EXCEPTIONS: Final = "EXCEPTIONS"
GAPS: Final = "GAPS"
_KEYS: Final = ("quarter", "agency", "programme", "organisation", "measure", "kind")
_ROLES: Final = {Role.VOLUNTEER_MENTOR.value: "VOLUNTEER", Role.PROFESSIONAL_MENTOR.value: "PROFESSIONAL"}


class Relied(Struct, frozen=True, array_like=True):
    """Something that counts: a meeting, a task, an exception or a gap, of a kind, with the minutes that were noted."""

    at: datetime
    organisation: str | None
    measure: str
    kind: str
    minutes: int = 0


def facts(history: History) -> Iterator[Relied]:
    """All that counts in a case, as it reads after its last correction."""
    mentor = MentorKind.VOLUNTEER.value
    for moment in history.standing:
        if moment.after.match is not None:
            mentor = moment.after.match.kind
        relied = _relied(moment, mentor)
        if relied is not None:
            yield relied


def _relied(moment: Moment, mentor: str) -> Relied | None:
    organisation = moment.before.organisation
    match moment.recorded.event:
        case MeetingRecorded() as meeting:
            return Relied(meeting.happened_at, organisation, f"{mentor}_{MEETINGS}", ALL, meeting.minutes or 0)
        case TaskRecorded() as task if task.role in _ROLES:
            return Relied(task.happened_at, task.org, f"{_ROLES[task.role]}_{TASKS}", task.task, task.minutes or 0)
        case RoleExceptionGranted() as granted:
            excepted = granted.task or granted.rule or ALL
            return Relied(moment.recorded.meta.occurred_at, granted.organisation, EXCEPTIONS, excepted)
        case ServiceGapReported() as gap:
            return Relied(gap.reported_at, gap.organisation, GAPS, gap.service_kind)
        case _:
            return None


def rows(findings: Iterable[Findings[Relied]], period: Period) -> list[Row]:
    """A row per quarter, organisation, measure and kind; from the first on also for quarters in which nothing counts.

    Of what has kinds there is a row for all kinds together as well.
    """
    cells: defaultdict[tuple[str | None, ...], defaultdict[str, list[Relied]]] = defaultdict(lambda: defaultdict(list))
    for each in findings:
        for relied in each.facts:
            key = (each.subject.agency, each.subject.programme, relied.organisation, relied.measure, relied.kind)
            cells[key][quarter_of(relied.at)].append(relied)
    last = max([quarter_of(period.now), *(quarter for of_key in cells.values() for quarter in of_key)])
    table = [
        {
            **dict(zip(_KEYS, (quarter, *key), strict=True)),
            "count": len(of_key[quarter]),
            "hours": round(sum(relied.minutes for relied in of_key[quarter]) / 60, 1),
        }
        for key, of_key in cells.items()
        for quarter in quarters(min(of_key), last)
    ]
    whole = [row for row in table if str(row["measure"]).endswith(MEETINGS)]
    gaps = [row for row in table if row["measure"] == GAPS]
    by_kind = [row for row in table if not str(row["measure"]).endswith((MEETINGS, GAPS))]
    shown = published(whole, counts=("count",), rests_on={"hours": "count"}) + published(
        by_kind,
        counts=("count",),
        over="kind",
        by=("quarter", "agency", "programme", "organisation", "measure"),
        rests_on={"hours": "count"},
    )
    shown += _gaps(gaps)
    return [row for row in _changes(shown) if period.touches(str(row["quarter"]))]


def _gaps(table: list[Row]) -> list[Row]:
    """The gaps as the report on them shows them, whose totals would otherwise tell what is hidden here.

    All kinds together are the sum of those that are shown, and hidden where one of them is.
    """
    by = ("quarter", "agency", "programme", "measure", "kind")
    hidden = published(table, counts=("count",), over="organisation", by=by, rests_on={"hours": "count"})
    shown = [row for row in hidden if row["organisation"] != ALL]
    together: defaultdict[tuple[str | None, ...], list[Row]] = defaultdict(list)
    for row in shown:
        together[tuple(row[column] for column in _KEYS[:-1])].append(row)
    for of_one in together.values():
        counts = [row["count"] for row in of_one]
        are_shown = None not in counts
        whole = {"kind": ALL, "count": sum(counts) if are_shown else None, "hours": 0.0 if are_shown else None}
        shown.append(of_one[0] | whole)
    return shown


def _changes(table: list[Row]) -> list[Row]:
    """The rows with the difference to the row of the quarter before, where both are shown."""
    before: dict[tuple[str | None, ...], int | None] = {}
    for row in sorted(table, key=lambda row: str(row["quarter"])):
        key = tuple(row[column] for column in _KEYS[1:])
        earlier, count = before.get(key), row["count"]
        row["change"] = count - earlier if count is not None and earlier is not None else None
        before[key] = count
    return table


REPORT: Final = Report(
    name=NAME,
    definition=DEFINITION,
    sources=SOURCES,
    columns=(*_KEYS, "count", "hours", "change"),
    fact=Relied,
    facts=facts,
    rows=rows,
    statistic=True,
)
