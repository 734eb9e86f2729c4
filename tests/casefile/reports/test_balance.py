"""Who did what in a case and in a programme: counted by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from services.casefile.domain.exceptions import RoleExceptionDenied, RoleExceptionGranted, RoleExceptionRequested
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.mentoring import PulseRecorded
from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.domain.tasks import TaskRecorded
from services.casefile.reports.balance import REPORT
from services.casefile.reports.report import History, Period, Row, Wanted
from services.casefile.reports.service_gaps import REPORT as SERVICE_GAPS
from tests.casefile.reports.entries import with_brugwerk
from tests.casefile.reports.histories import LOTTE, Entry, history, opened, rows_of
from tests.support import actors
from tests.support.dates import on

MARCH = on(2, 3)
ADDRESSED = frozenset({"ADDRESSED_ORGANISATION"})


def task(role: str, at: datetime = MARCH) -> Entry:
    """A task that was done."""
    return at, TaskRecorded(
        task="CV_FEEDBACK",
        role=role,
        minutes=60,
        happened_at=at,
        charter_version="v1",
        verdict="L",
        org="brugwerk",
        match="match-1",
    )


def refused(at: datetime) -> Entry:
    """A task that the charter refused to Lotte's mentor."""
    event = TaskRefusedByCharter(
        task="MONEY", role="VOLUNTEER_MENTOR", verdict="X", charter_version="v1", allowed_roles=()
    )
    return at, event, actors.LOTTE


def exception(kind: Any, number: int) -> Entry:
    """An exception that is asked for, granted or denied."""
    about: dict[str, Any] = {"exception": f"X{number}", "task": "MONEY", "rule": None, "organisation": "brugwerk"}
    why = {"justification_ref": "vault-1"} if kind is RoleExceptionRequested else {"reason_ref": "vault-1"}
    return MARCH, kind(**about, **why)


def pulse(side: str, score: int, *reasons: str, at: datetime = MARCH) -> Entry:
    """A pulse with reasons."""
    return at, PulseRecorded(happened_at=at, side=side, score=score, reasons=reasons)


def gap(service: str) -> Entry:
    """A gap in services."""
    return MARCH, ServiceGapReported(
        gap=f"g-{service}",
        service_kind=service,
        gap_type="ABSENT",
        reported_by=LOTTE,
        reported_at=MARCH,
        organisation="brugwerk",
    )


def case(name: str, *entries: Entry) -> History:
    """A case with brugwerk."""
    return history(name, (on(12, 1), opened(name, on(12, 1))), *with_brugwerk(on(16, 1), f"R-{name}"), *entries)


FIRST = case(
    "c1",
    *(task("VOLUNTEER_MENTOR") for _ in range(5)),
    *(task("NGO_COORDINATOR") for _ in range(2)),
    task("AGENCY_COUNSELLOR"),
    exception(RoleExceptionRequested, 1),
    exception(RoleExceptionGranted, 1),
    exception(RoleExceptionRequested, 2),
    exception(RoleExceptionDenied, 2),
    gap("CHILDCARE"),
    gap("LANGUAGE_COURSE"),
    pulse("MENTOR", 4, "GOOD_CLICK", "PROGRESS_SEEN"),
    pulse("MENTEE", 2, "NO_CONTACT", "GOOD_CLICK"),
    refused(on(3, 3, hour=9)),
    refused(on(3, 3, hour=9, minute=30)),
    refused(on(3, 3, hour=11)),
)
SECOND = case("c2", task("PROFESSIONAL_MENTOR"), task("VOLUNTEER_MENTOR"), pulse("MENTEE", 1, "SAFETY"))


def of(rows: list[Row], name: str) -> Row:
    """The row of a case, or of all."""
    (row,) = [row for row in rows if row["case"] == name]
    return row


def test_a_case_is_weighed_by_role_exception_gap_and_pulse() -> None:
    """Of eight tasks the volunteer did five, 62.5 %; the refusal at half past nine is that of nine o'clock again."""
    assert of(rows_of(REPORT, FIRST, SECOND), "c1") == {
        "agency": "vdab-gent",
        "programme": "mtw-be-2026",
        "organisation": "brugwerk",
        "case": "c1",
        "tasks": 8,
        "volunteerPercent": 62.5,
        "professionalPercent": 0.0,
        "coordinatorPercent": 25.0,
        "counsellorPercent": 12.5,
        "refused": 2,
        "exceptionsRequested": 2,
        "exceptionsGranted": 1,
        "exceptionsDenied": 1,
        "gaps": 2,
        "positive": 3,
        "negative": 1,
        "positiveCodes": ["GOOD_CLICK:2", "PROGRESS_SEEN:1"],
        "negativeCodes": ["NO_CONTACT:1"],
        "gapServices": ["CHILDCARE:1", "LANGUAGE_COURSE:1"],
    }


def test_a_programme_is_weighed_over_all_its_cases() -> None:
    """Ten tasks: six of volunteers, one of a professional, two of coordinators, one of a counsellor."""
    row = of(rows_of(REPORT, FIRST, SECOND), "ALL")
    shares = [row[name] for name in ("volunteerPercent", "professionalPercent", "coordinatorPercent")]
    assert (row["tasks"], shares, row["counsellorPercent"]) == (10, [60.0, 10.0, 20.0], 10.0)
    assert (row["positive"], row["negative"]) == (3, 2)
    assert row["organisation"] == "ALL"


def test_a_total_names_nothing_that_a_few_cases_had() -> None:
    """Neither what `service-gaps` hides of two gaps, nor, from one day more, what happened on that day."""
    assert [row["reported"] for row in rows_of(SERVICE_GAPS, FIRST, SECOND)] == [None] * 4
    for period in (Period(), Period(None, date(2026, 3, 1)), Period(None, date(2026, 3, 2))):
        for row in rows_of(REPORT, FIRST, SECOND, period=period):
            codes = [row["positiveCodes"], row["negativeCodes"], row["gapServices"]]
            assert (codes == [None, None, None]) == (row["case"] == "ALL")


def test_only_what_happened_on_the_days_is_weighed() -> None:
    """In February there was nothing, and on 3 March only the refusals."""
    assert rows_of(REPORT, FIRST, period=Period(None, date(2026, 2, 28))) == []
    row = of(rows_of(REPORT, FIRST, period=Period(date(2026, 3, 3), None)), "c1")
    assert (row["tasks"], row["volunteerPercent"], row["refused"]) == (0, None, 2)


def test_an_organisation_reads_its_cases_and_no_total() -> None:
    """What others do is none of its business."""
    told = rows_of(REPORT, FIRST, SECOND, wanted=Wanted(of_organisation="brugwerk", standings=ADDRESSED))
    assert [row["case"] for row in told] == ["c1", "c2"]
    assert rows_of(REPORT, FIRST, SECOND, wanted=Wanted(of_organisation="samenstap", standings=ADDRESSED)) == []
