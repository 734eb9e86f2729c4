"""What the lead of an organisation reads in reports once a case is not theirs to read: nothing of it, in any report."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any, Final

import pytest

from services.casefile.domain.consent_withdrawal import CaseReturned, NgoAccessRevoked
from services.casefile.domain.deadlines import NgoAccessExpired
from services.casefile.domain.steps import Party
from services.casefile.reports.catalogue import REPORTS
from services.casefile.reports.report import History, Wanted
from services.chassis.log.event_log import Write
from tests.casefile.cases import ANSWER, REPORT, CaseContext, Told
from tests.casefile.reports.entries import with_brugwerk
from tests.casefile.reports.histories import INES as COUNSELLOR
from tests.casefile.reports.histories import LOTTE as COORDINATOR
from tests.casefile.reports.histories import Entry, history, opened, rows_of, step
from tests.casefile.reports.test_responsibility_gaps import reviewed
from tests.casefile.test_disclosure_refused import withdrawn
from tests.support.dates import on
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE, TOM, VOLUNTEER, Person
from tests.support.requests import another_person

OF_ORGANISATIONS: Final = frozenset({"unmatched-mentors"})
"""Reports on people of an organisation, which no case has a part in."""
OF_CASES: Final = frozenset({"feedback", "check-in-coverage", "balance"})
"""Reports that name every case that was mentored."""
LATER: Final = timedelta(weeks=13)
LEAD_OF_SAMENSTAP: Final = Person("other.lead", "samenstap", "NGO_LEAD")
RETURNED: Final = CaseReturned(referral="R-1", reason="CONSENT_WITHDRAWN", deadlines=())
REVOKED: Final = NgoAccessRevoked(referral="R-1", organisation="brugwerk", reason="CONSENT_WITHDRAWN")
EXPIRED: Final = NgoAccessExpired(referral="R-1", organisation="brugwerk")

Reads = dict[str, list[dict[str, Any]]]


async def read(context: CaseContext, person: Person) -> Reads:
    """The rows of every report as somebody reads them. Those of the table are the same."""
    found: Reads = {}
    for name, report in REPORTS.items():
        path = f"/v1/reports/{name}"
        found[name] = (await context.running.read(person, path))["items"]
        table = await context.running.send(person, "GET", path, headers={"Accept": "text/csv"})
        header, *lines = csv.reader(StringIO(table.text))
        assert header == list(report.columns)
        assert len(lines) == len(found[name])
        if not found[name]:
            assert table.text.strip() == ",".join(report.columns)
    return found


def naming(reads: Reads, case: str) -> set[str]:
    """The reports that name a case."""
    return {name for name, items in reads.items() if any(row.get("case") == case for row in items)}


def nothing_is_read(reads: Reads, *words: str) -> None:
    """No row of any report but those on mentors, and in those no word of the case."""
    assert {name for name, items in reads.items() if items} <= OF_ORGANISATIONS
    assert [word for word in words if word in json.dumps(reads)] == []


async def mentored(context: CaseContext, body: dict[str, Any]) -> Told:
    """A case with brugwerk in which everything happened that a report counts."""
    case = await context.accepted(body)
    await context.lead_on(case, "INTAKE", "MENTORING")
    for person, action, sent in (
        (VOLUNTEER, "record-meeting", {"minutes": 90}),
        (VOLUNTEER, "record-task", {"task": "CV_FEEDBACK", "minutes": 30}),
        (LOTTE, "record-check-in", {}),
        (LOTTE, "record-pulse", {"by": "MENTOR", "score": 4, "reasons": ["GOOD_CLICK", "NO_SHOWS"]}),
        (LOTTE, "report-gap", {"serviceKind": "CHILDCARE", "gapType": "ABSENT"}),
        (LOTTE, "request-exception", {"task": "MONEY", "justification": "the card was lost, and the shop closes"}),
    ):
        await context.running.done(person, case.path, action, sent)
    return case


async def handed_back(context: CaseContext, case: Told, decision: str) -> None:
    """The agency has the person back, and does something with the case."""
    ended = {"reason": "EMPLOYMENT", "closureTalk": True}
    await context.running.done(LOTTE, case.path, "complete-trajectory", ended)
    await context.running.done(LOTTE, case.path, "request-handback", REPORT)
    await context.running.done(INES, case.path, "accept-handback", {**ANSWER, "decision": decision})
    await context.running.settle()


async def later(context: CaseContext) -> None:
    """Thirteen weeks on: the access of who had the case has ended."""
    await context.running.at(context.running.clock.now() + LATER)


@pytest.mark.parametrize("end", ["withdrawn", "expired"])
async def test_a_lead_reads_nothing_of_a_case_that_the_organisation_may_not_read(
    context: CaseContext, end: str
) -> None:
    """In twelve reports, as JSON and as CSV; before, three of them name it. Auditor and agency go on reading it."""
    case = await mentored(context, another_person())
    before = await read(context, HANNE)
    assert naming(before, case.id) == OF_CASES
    if end == "withdrawn":
        await withdrawn(context, case)
        await context.running.settle()
    else:
        await handed_back(context, case, "CLOSE")
        outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "REGISTER"}
        await context.running.done(INES, case.path, "record-outcome", outcome)
        assert naming(await read(context, HANNE), case.id) == OF_CASES
        await later(context)
    told = await read(context, AUDITOR)
    (researched,) = told["evaluation"]
    codes = ("EMPLOYED_STABLE", "CV_FEEDBACK", "CHILDCARE", "GOOD_CLICK", "NO_SHOWS", "MONEY")
    nothing_is_read(await read(context, HANNE), case.id, case.offer.rpartition("/")[2], researched["pseudonym"], *codes)
    for person in (AUDITOR, TOM):
        reads = await read(context, person)
        assert naming(reads, case.id) == OF_CASES, person
        assert reads["evaluation"] == [researched]


async def test_of_a_case_that_went_to_another_organisation_each_reads_its_own_time(context: CaseContext) -> None:
    """The first one what it read before, until its access ends; the second one nothing of the first one's."""
    body = another_person()
    case = await mentored(context, body)
    await handed_back(context, case, "RE_REFER")
    before = await read(context, HANNE)
    assert naming(before, case.id) == OF_CASES
    second = await context.accepted(another_person("samenstap", client=body["client"]), by=KARIM)
    assert second.id == case.id
    await context.running.done(KARIM, case.path, "report-gap", {"serviceKind": "LANGUAGE_COURSE", "gapType": "ABSENT"})
    assert await read(context, HANNE) == before
    theirs = await read(context, LEAD_OF_SAMENSTAP)
    assert naming(theirs, case.id) == {"feedback", "balance"}
    assert "brugwerk" not in json.dumps(theirs)
    assert [row["gapServices"] for row in theirs["balance"]] == [["LANGUAGE_COURSE:1"]]
    assert [row["goodPulses"] for row in theirs["feedback"]] == [0]
    assert theirs["evaluation"] == []
    (researched,) = (await read(context, AUDITOR))["evaluation"]
    await later(context)
    nothing_is_read(await read(context, HANNE), case.id, researched["pseudonym"], "samenstap", "LANGUAGE_COURSE")
    assert {row["organisation"] for row in (await read(context, AUDITOR))["feedback"]} == {"brugwerk", "samenstap"}


async def test_a_part_that_is_closed_stays_closed_when_the_case_comes_back(context: CaseContext) -> None:
    """The person withdrew, and a new consent sends them to the same organisation: only the second part is read."""
    body = another_person()
    case = await mentored(context, body)
    await withdrawn(context, case)
    await context.running.settle()
    again = await context.accepted(another_person(client=body["client"]))
    assert again.id == case.id
    reads = await read(context, HANNE)
    (loop,) = reads["feedback"]
    assert (loop["referral"], loop["goodPulses"]) == (again.offer.rpartition("/")[2], 0)
    assert naming(reads, case.id) == {"feedback"}
    assert len((await read(context, AUDITOR))["feedback"]) == 2


def lapsed(case: str, *ends: Entry) -> History:
    """A case with brugwerk that was nobody's for a day, and two parties' for another."""
    return history(
        case,
        (on(12, 1), opened(case, on(12, 1), step("NEXT_SERVICE", COUNSELLOR, on(12, 1)))),
        *with_brugwerk(on(13, 1)),
        (on(14, 1), reviewed(on(14, 1), closes=("NEXT_SERVICE",))),
        (on(15, 1), reviewed(on(15, 1), opens=(step("INTAKE", COUNSELLOR, on(15, 1)),))),
        (on(16, 1), reviewed(on(16, 1), opens=(step("INTAKE", COORDINATOR, on(16, 1)),))),
        (on(17, 1), reviewed(on(17, 1), closes=("INTAKE",), opens=(step("INTAKE", COORDINATOR, on(17, 1)),))),
        *ends,
    )


async def test_times_without_an_owner_are_shown_to_who_may_read_the_case(context: CaseContext) -> None:
    """Written straight into the log, for no decision leaves one: of three cases the lead reads the one that is open."""
    at: datetime = on(20, 1)
    broken = (
        lapsed("is-open"),
        lapsed("revoked", (at, REVOKED), (at, RETURNED)),
        lapsed("expired", (at, RETURNED), (at, EXPIRED)),
    )
    log = context.running.service("casefile").log
    for told in broken:
        await log.append([Write(told.stream, 0, [(each.event, each.meta) for each in told.records])])
    for person, cases in ((AUDITOR, {"is-open", "revoked", "expired"}), (HANNE, {"is-open"})):
        reads = await read(context, person)
        for name, many in (("responsibility-gaps", 2), ("unowned-time", 1)):
            assert sorted(row["case"] for row in reads[name]) == sorted([*cases] * many), (person, name)


def test_a_time_that_outlasts_an_organisations_part_or_names_another_one_is_not_its_own() -> None:
    """A void in which the case went back, and a step that somebody of samenstap had as well; the auditor reads both."""
    karim = Party(role=KARIM.role, org=KARIM.org, sub=KARIM.sub)
    begun = (on(12, 1), opened("c1", on(12, 1), step("NEXT_SERVICE", COUNSELLOR, on(12, 1)))), *with_brugwerk(on(13, 1))
    left = on(14, 1), reviewed(on(14, 1), closes=("NEXT_SERVICE",))
    taken = on(16, 1), reviewed(on(16, 1), opens=(step("NEXT_SERVICE", COUNSELLOR, on(16, 1)),))
    intruding = on(14, 1), reviewed(on(14, 1), opens=(step("NEXT_SERVICE", karim, on(14, 1)),))
    own = Wanted(of_organisation="brugwerk", standings=frozenset({"ADDRESSED_ORGANISATION"}))
    gaps = REPORTS["responsibility-gaps"]
    for lasting, theirs in (([left, taken], 1), ([left, (on(15, 1), RETURNED), taken], 0), ([intruding], 0)):
        told = history("c1", *begun, *lasting)
        assert [len(rows_of(gaps, told)), len(rows_of(gaps, told, wanted=own))] == [1, theirs], lasting
