"""Reports over HTTP: what there are, who reads which rows, as JSON and as CSV, and what is refused."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from services.casefile.reports.spreadsheet import as_csv
from tests.casefile.cases import CaseContext
from tests.support.people import (
    AN,
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    OPERATOR,
    TOM,
    VOLUNTEER,
    Person,
)
from tests.support.problems import assert_problem

REPORTS = "/v1/reports"
GAPS = f"{REPORTS}/service-gaps"


async def gaps_reported(context: CaseContext, many: int) -> None:
    """So many cases, each with a gap."""
    for _ in range(many):
        case = await context.brought_to("INTAKE")
        await context.running.done(LOTTE, case.path, "report-gap", {"serviceKind": "CHILDCARE", "gapType": "ABSENT"})


async def test_the_list_says_what_each_report_is_and_is_made_of(shared: CaseContext) -> None:
    """Its name, a sentence, and the names of events."""
    items = (await shared.running.read(AUDITOR, REPORTS))["items"]
    told = {item["name"]: item for item in items}
    assert "quarter in which they were reported" in told["service-gaps"]["definition"]
    assert told["service-gaps"]["sources"] == ["ServiceGapReported", "ServiceGapAnswered", "GapActionCompleted"]


async def test_a_report_shows_what_was_written_before_it_was_asked_for(context: CaseContext) -> None:
    """Five gaps, each reported a moment ago, and a sixth that comes between two questions."""
    await gaps_reported(context, 5)
    told = await context.running.read(AUDITOR, GAPS)
    assert (told["report"], told["from"], told["to"]) == ("service-gaps", None, None)
    assert [row["reported"] for row in told["items"]] == [5, 5]
    await gaps_reported(context, 1)
    assert [row["reported"] for row in (await context.running.read(AUDITOR, GAPS))["items"]] == [6, 6]


async def test_each_reads_its_own_rows(context: CaseContext) -> None:
    """Auditors all, the lead of the agency those of its cases, the lead of an organisation its own and no total."""
    await gaps_reported(context, 5)
    elsewhere = Person("the.lead", "actiris-demo", "AGENCY_TEAM_LEAD")
    other = Person("other.lead", "samenstap", "NGO_LEAD")
    for person, expected in (
        (AUDITOR, ["ALL", "brugwerk"]),
        (TOM, ["ALL", "brugwerk"]),
        (HANNE, ["brugwerk"]),
        (elsewhere, []),
        (other, []),
    ):
        items = (await context.running.read(person, GAPS))["items"]
        assert [row["organisation"] for row in items] == expected, person


@pytest.mark.parametrize("person", [INES, LOTTE, AN, KARIM, VOLUNTEER, MENTEE, DPO_OF_AGENCY, CONTROL, OPERATOR])
async def test_nobody_else_reads_reports(shared: CaseContext, person: Person) -> None:
    """Neither the list nor a report, nor whether there is one of that name."""
    for path in (REPORTS, GAPS, f"{REPORTS}/no-such"):
        answer = await shared.running.get(person, path)
        assert answer.status_code == 403, (path, answer.text)


async def test_a_report_is_a_table_for_who_asks_for_one(context: CaseContext) -> None:
    """A header and a line per row; an answer in another kind than the two is refused."""
    await gaps_reported(context, 5)
    answer = await context.running.send(AUDITOR, "GET", GAPS, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    header, total, own = csv.reader(StringIO(answer.text))
    assert header[:6] == ["quarter", "agency", "programme", "organisation", "serviceKind", "reported"]
    assert own[:6] == ["2026-Q1", "vdab-gent", "mtw-be-2026", "brugwerk", "CHILDCARE", "5"]
    assert total[3] == "ALL"
    refused = await context.running.send(AUDITOR, "GET", GAPS, headers={"Accept": "application/pdf"})
    assert_problem(refused, 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ({"from": "2026-02-30"}, "/query/from"),
        ({"to": "yesterday"}, "/query/to"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "/query/to"),
        ({"programme": "nothing-of-this-name"}, "/query/programme"),
        ({"organisation": "nobody"}, "/query/organisation"),
        ({"since": "2026-01-01"}, "/query/since"),
    ],
)
async def test_what_cannot_be_asked_is_refused_at_its_name(
    shared: CaseContext, query: dict[str, str], member: str
) -> None:
    """Days that are none, in the wrong order, and what nobody knows."""
    answer = await shared.running.get(AUDITOR, GAPS, **query)
    assert answer.status_code in (400, 422), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [member]


async def test_a_report_that_there_is_not_is_not_found(shared: CaseContext) -> None:
    """Whatever its name."""
    for name in ("no-such", "service_gaps", "Service-Gaps"):
        answer = await shared.running.get(AUDITOR, f"{REPORTS}/{name}")
        assert answer.status_code == 404, answer.text


def test_a_cell_that_a_spreadsheet_would_calculate_is_text() -> None:
    """Whatever begins a formula has an apostrophe before it; numbers stay numbers."""
    row = {"text": "=1+1", "more": "@SUM(A1)", "less": -5, "list": ["+", "-"], "no": False, "none": None}
    assert as_csv(list(row), [row]).splitlines()[1] == "'=1+1,'@SUM(A1),-5,'+ -,false,"
