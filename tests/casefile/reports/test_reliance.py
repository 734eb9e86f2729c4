"""What rests on mentors: meetings, tasks, exceptions and gaps of two quarters, counted by hand."""

from __future__ import annotations

from datetime import date, datetime

from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.exceptions import RoleExceptionGranted
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.matching import MatchProposed
from services.casefile.domain.mentoring import MeetingRecorded
from services.casefile.domain.opening import CaseReferred
from services.casefile.domain.organisation_part import ResponsibilityTransferred
from services.casefile.domain.report_facts import Fact, Reported
from services.casefile.domain.tasks import TaskRecorded
from services.casefile.reports.reliance import REPORT
from services.casefile.reports.report import History, Period, Row
from tests.casefile.reports.histories import EVER, INES, LOTTE, Entry, history, opened, rows_of
from tests.support import actors
from tests.support.dates import on


def matched(case: str, kind: str = "VOLUNTEER") -> tuple[Entry, ...]:
    """A case with brugwerk, and a mentor of that kind."""
    at = on(12, 1)
    referred = CaseReferred(
        referral="R-1",
        previous_referral=None,
        organisation="brugwerk",
        legal_basis="LB-1",
        programme_version=1,
        recommended_mentor_kind=None,
        deadlines=(),
    )
    passed = ResponsibilityTransferred(referral="R-1", giver=INES, receiver=LOTTE, step="INTAKE", at=at, deadlines=())
    proposed = MatchProposed(
        match="M-1",
        mentor="M-41",
        organisation="brugwerk",
        kind=kind,
        criteria=("SECTOR",),
        sector_absence_ref=None,
        proposed_at=at,
    )
    return (at, opened(case, at)), (at, referred), (at, passed), (at, proposed)


def met(at: datetime, minutes: int | None) -> Entry:
    """A meeting."""
    return at, MeetingRecorded(happened_at=at, minutes=minutes, mode=None, topics=()), actors.LOTTE


def did(task: str, at: datetime, minutes: int | None = None, role: str = "VOLUNTEER_MENTOR") -> Entry:
    """A task."""
    done = TaskRecorded(
        task=task,
        role=role,
        minutes=minutes,
        happened_at=at,
        charter_version="v1",
        verdict="L",
        org="brugwerk",
        match="M-1",
    )
    return at, done, actors.LOTTE


def lacks(service: str, at: datetime) -> Entry:
    """A gap in a service."""
    gap = ServiceGapReported(
        gap="g", service_kind=service, gap_type="ABSENT", reported_by=LOTTE, reported_at=at, organisation="brugwerk"
    )
    return at, gap, actors.LOTTE


def excepted(at: datetime, task: str | None, rule: str | None = None) -> Entry:
    """The lead grants an exception."""
    granted = RoleExceptionGranted(exception="x", task=task, rule=rule, organisation="brugwerk", reason_ref=None)
    return at, granted, actors.HANNE


def shown(told: list[History], measure: str, kind: str, period: Period = EVER) -> list[tuple[object, ...]]:
    """Quarter, count, hours and change of what is looked at."""
    rows: list[Row] = [row for row in rows_of(REPORT, *told, period=period) if row["measure"] == measure]
    return [(row["quarter"], row["count"], row["hours"], row["change"]) for row in rows if row["kind"] == kind]


def test_hours_of_volunteers_are_counted_by_quarter_and_the_dip_is_seen() -> None:
    """Ten meetings of an hour and a half in the first quarter, five of an hour in the second, none in the third."""
    spring = [met(on(n, 2), 90) for n in range(1, 11)]
    told = [history("c1", *matched("c1"), *spring, *(met(on(n, 5), 60) for n in range(1, 6)))]
    assert shown(told, "VOLUNTEER_MEETINGS", "ALL", Period(now=on(1, 8))) == [
        ("2026-Q1", 10, 15.0, None),
        ("2026-Q2", 5, 5.0, -5),
        ("2026-Q3", 0, 0.0, -5),
    ]
    assert shown(told, "VOLUNTEER_MEETINGS", "ALL", Period(date(2026, 5, 1), date(2026, 5, 2), on(1, 8))) == [
        ("2026-Q2", 5, 5.0, -5)
    ]


def test_what_professionals_do_is_counted_apart() -> None:
    """Six meetings of volunteers, five of professionals; one that nobody timed has no hours."""
    told = [
        history("c1", *matched("c1"), *(met(on(n, 2), 60) for n in range(1, 7))),
        history("c2", *matched("c2", "PROFESSIONAL"), *(met(on(n, 2), 60 if n else None) for n in (1, 2, 3, 4, 5))),
    ]
    assert shown(told, "VOLUNTEER_MEETINGS", "ALL") == [("2026-Q1", 6, 6.0, None)]
    assert shown(told, "PROFESSIONAL_MEETINGS", "ALL") == [("2026-Q1", 5, 5.0, None)]


def test_tasks_exceptions_and_gaps_are_counted_by_kind_and_together() -> None:
    """Seven CV talks and five interviews, six exceptions for money, five gaps in child care and six in courses."""
    told = [
        history(
            "c1",
            *matched("c1"),
            *(did("CV_FEEDBACK", on(n, 2), 30) for n in range(1, 8)),
            *(did("INTERVIEW_PRACTICE", on(n, 3), 60) for n in range(1, 6)),
            did("CV_FEEDBACK", on(9, 3), role="NGO_COORDINATOR"),
            *(excepted(on(n, 3), "MONEY") for n in range(1, 7)),
            *(excepted(on(n, 3), None, "MENTOR_KIND") for n in range(1, 6)),
            *(lacks("CHILDCARE", on(n, 3)) for n in range(1, 6)),
            *(lacks("LANGUAGE_COURSE", on(n, 3)) for n in range(1, 7)),
        )
    ]
    assert shown(told, "VOLUNTEER_TASKS", "CV_FEEDBACK") == [("2026-Q1", 7, 3.5, None)]
    assert shown(told, "VOLUNTEER_TASKS", "ALL") == [("2026-Q1", 12, 8.5, None)]
    assert shown(told, "EXCEPTIONS", "MONEY") == [("2026-Q1", 6, 0.0, None)]
    assert shown(told, "EXCEPTIONS", "MENTOR_KIND") == [("2026-Q1", 5, 0.0, None)]
    assert shown(told, "GAPS", "CHILDCARE") == [("2026-Q1", 5, 0.0, None)]
    assert shown(told, "GAPS", "ALL") == [("2026-Q1", 11, 0.0, None)]


def test_a_change_from_a_hidden_count_is_hidden() -> None:
    """Three meetings, then eight: 5 more would tell the three."""
    told = [
        history(
            "c1", *matched("c1"), *(met(on(n, 2), 60) for n in (1, 2, 3)), *(met(on(n, 5), 60) for n in range(1, 9))
        )
    ]
    assert shown(told, "VOLUNTEER_MEETINGS", "ALL") == [("2026-Q1", None, None, None), ("2026-Q2", 8, 8.0, None)]


def test_what_was_corrected_counts_as_it_reads_now() -> None:
    """One of five meetings of an hour took six minutes, and was in May."""
    entries = [*matched("c1"), *(met(on(n, 2), 60) for n in range(1, 11))]
    first = len(matched("c1")) + 1
    facts: dict[str, Fact] = {"minutes": 6, "mode": None, "topics": []}
    wrong = CorrectionRecorded(
        corrects=f"case-c1-{first}",
        corrected="MeetingRecorded",
        reason_ref=None,
        was=Reported(kind="MeetingRecorded", happened_at=on(1, 2), facts={**facts, "minutes": 60}),
        holds=Reported(kind="MeetingRecorded", happened_at=on(3, 2), facts=facts),
    )
    told = [history("c1", *entries, (on(1, 6), wrong))]
    assert shown(told, "VOLUNTEER_MEETINGS", "ALL") == [("2026-Q1", 10, 9.1, None)]
