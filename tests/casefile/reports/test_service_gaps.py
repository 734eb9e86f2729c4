"""Gaps in services: counted by hand over three organisations and two quarters."""

from __future__ import annotations

from datetime import date, datetime

from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.gaps import GapActionCompleted, ServiceGapAnswered
from services.casefile.domain.steps import OpenStep
from services.casefile.reports.report import History, Period
from services.casefile.reports.service_gaps import REPORT
from services.chassis.modelling.deadline import Deadline
from tests.casefile.reports.histories import INES, LOTTE, Entry, history, opened, rows_of
from tests.support.dates import end_of, on

DUE = end_of(9, 2)


def reported(gap: str, at: datetime, organisation: str, service: str = "CHILDCARE") -> Entry:
    """A gap that the agency answers until 9 February."""
    due = Deadline(name=f"SERVICE_GAP_ANSWER:{gap}", remind_at=on(4, 2), due_at=DUE)
    waits = OpenStep(step="SERVICE_GAP_ANSWER", owner=INES, since=at, deadlines=(due,), about=gap)
    return at, ServiceGapReported(
        gap=gap,
        service_kind=service,
        gap_type="ABSENT",
        reported_by=LOTTE,
        reported_at=at,
        organisation=organisation,
        opens=(waits,),
    )


def answered(gap: str, at: datetime, due: date | None, service: str = "CHILDCARE") -> Entry:
    """An answer; with a day, one that promises something."""
    return at, ServiceGapAnswered(
        gap=gap,
        service_kind=service,
        gap_type="ABSENT",
        accepted=due is not None,
        due=due,
        answered_by=INES,
        answered_at=at,
        closes=(f"SERVICE_GAP_ANSWER:{gap}",),
    )


def done(gap: str, at: datetime) -> Entry:
    """What was promised is done."""
    return at, GapActionCompleted(gap=gap, service_kind="CHILDCARE", gap_type="ABSENT", completed_at=at)


def cases(organisation: str, many: int, first: int, *more: tuple[int, Entry]) -> list[History]:
    """So many cases of an organisation, each with a gap in January; `more` by the number of the case."""
    told = []
    for number in range(first, first + many):
        case = f"c{number}"
        later = [entry for which, entry in more if which == number]
        told.append(
            history(case, (on(12, 1), opened(case, on(12, 1))), reported(f"{case}.g1", on(13, 1), organisation), *later)
        )
    return told


def test_what_became_of_gaps_is_hidden_where_few_would_follow_from_it() -> None:
    """Of twelve gaps of brugwerk seven are answered, of which one was late, and two promise nothing.

    These are so few that nobody learns them, nor what they would follow from. A language course that two lack in April
    is too few itself.
    """
    told = cases(
        "brugwerk",
        12,
        1,
        *((n, answered(f"c{n}.g1", on(2, 2), date(2026, 3, n))) for n in range(2, 7)),
        (7, answered("c7.g1", on(3, 2), None)),
        (8, answered("c8.g1", on(10, 2), None)),
    )
    for n in (1, 2):
        gap = reported(f"l{n}.g1", on(2, 4), "brugwerk", "LANGUAGE_COURSE")
        told.append(history(f"l{n}", (on(1, 4), opened(f"l{n}", on(1, 4))), gap))
    where = {"agency": "vdab-gent", "programme": "mtw-be-2026"}
    hidden = dict.fromkeys(("inTime", "late", "promised", "refused", "done", "open", "nextActionDue"))
    childcare = {
        "quarter": "2026-Q1",
        **where,
        "serviceKind": "CHILDCARE",
        "reported": 12,
        "answered": 7,
        "unanswered": 5,
        **hidden,
    }
    courses = {"quarter": "2026-Q2", **where, "serviceKind": "LANGUAGE_COURSE", "reported": None, **hidden}
    courses |= {"answered": None, "unanswered": None}
    assert rows_of(REPORT, *told) == [
        {**childcare, "organisation": "ALL"},
        {**childcare, "organisation": "brugwerk"},
        {**courses, "organisation": "ALL"},
        {**courses, "organisation": "brugwerk"},
    ]


def test_gaps_are_counted_by_quarter_service_and_what_became_of_them() -> None:
    """Of 26 gaps 20 are answered, 15 of them in time; ten promise something, of which five are done.

    The next of the others is for 3 March.
    """
    promises = [(n, answered(f"c{n}.g1", on(2, 2), date(2026, 3, n))) for n in range(1, 11)]
    refusals = [(n, answered(f"c{n}.g1", on(3, 2) if n < 16 else on(10, 2), None)) for n in range(11, 21)]
    kept = [(n, done(f"c{n}.g1", on(1, 3))) for n in (1, 2, 4, 5, 6)]
    (total, own) = rows_of(REPORT, *cases("brugwerk", 26, 1, *promises, *refusals, *kept))
    assert own == {
        "quarter": "2026-Q1",
        "agency": "vdab-gent",
        "programme": "mtw-be-2026",
        "organisation": "brugwerk",
        "serviceKind": "CHILDCARE",
        "reported": 26,
        "answered": 20,
        "inTime": 15,
        "late": 5,
        "unanswered": 6,
        "promised": 10,
        "refused": 10,
        "done": 5,
        "open": 5,
        "nextActionDue": "2026-03-03",
    }
    assert total == {**own, "organisation": "ALL"}


def test_only_quarters_that_the_days_touch_are_shown() -> None:
    """A question for January shows the whole first quarter, as any other question about it does."""
    told = cases("brugwerk", 6, 1)
    assert len(rows_of(REPORT, *told, period=Period(date(2026, 1, 20), date(2026, 1, 21)))) == 2
    assert rows_of(REPORT, *told, period=Period(date(2026, 4, 1), None)) == []
