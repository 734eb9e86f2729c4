"""Corrections over HTTP: what is sent as holding instead, who reads why, and what the case answers then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.people import AUDITOR, DPO_OF_AGENCY, HANNE, INES, KARIM, LOTTE, TOM, Person
from tests.support.problems import assert_problem, pointers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile corrections")]

NATIONAL_NUMBER = "85073003328"
"""Valid by its check digits, and nobody's: the example of the register's own documentation."""


async def event_of(shared: CaseContext, case: Told, kind: str) -> str:
    """The id of the latest event of a type on the timeline."""
    items = (await shared.running.read(INES, f"{case.path}/timeline"))["items"]
    return str(next(item["event"] for item in reversed(items) if item["type"] == kind))


async def with_outcome(shared: CaseContext) -> tuple[Told, str]:
    """A closed case with a result at the exit, and the id of that."""
    case = await shared.brought_to("CLOSED")
    outcome = {"point": "EXIT", "code": "EMPLOYED_STABLE", "source": "DECLARED", "levelMatch": True}
    await shared.running.done(INES, case.path, "record-outcome", outcome)
    return case, await event_of(shared, case, "OutcomeRecorded")


async def test_a_corrected_outcome_is_what_the_case_answers(shared: CaseContext) -> None:
    """Only the field that was wrong is sent; all others read as before, and the timeline has both."""
    case, event = await with_outcome(shared)
    body = {"event": event, "reason": "the job was for two months", "holds": {"code": "EMPLOYED_SHORT"}}
    done = await shared.running.done(INES, case.path, "correct", body)
    assert done.json()["outcomes"] == [
        {"point": "EXIT", "code": "EMPLOYED_SHORT", "source": "DECLARED", "levelMatch": True}
    ]
    items = (await shared.running.read(AUDITOR, f"{case.path}/timeline"))["items"]
    original = next(item for item in items if item["event"] == event)
    beside = items[-1]
    assert original["correctedBy"] == [beside["event"]]
    assert beside["corrects"] == event
    assert {name: beside["holds"][name] for name in ("point", "code", "source", "levelMatch")} == {
        "point": "EXIT",
        "code": "EMPLOYED_SHORT",
        "source": "DECLARED",
        "levelMatch": True,
    }
    assert "correctedBy" not in beside
    before = await shared.snapshot()
    await shared.running.done(INES, case.path, "correct", body)
    assert (await shared.snapshot())[0] == before[0]


async def test_a_waiver_becomes_the_result_that_turned_up(shared: CaseContext) -> None:
    """Under the names of `record-outcome`; and what that needs is asked for."""
    case = await shared.brought_to("CLOSED")
    await shared.running.done(INES, case.path, "waive-outcome", {"point": "EXIT", "reason": "LOST_CONTACT"})
    body: dict[str, Any] = {"event": await event_of(shared, case, "OutcomeWaived"), "reason": "the register knows"}
    lacking = await shared.running.command(INES, case.path, "correct", {**body, "holds": {"code": "TRAINING"}})
    assert pointers(lacking) == {"/holds/source": "REQUIRED"}
    holds = {"code": "TRAINING", "source": "REGISTER"}
    done = await shared.running.done(INES, case.path, "correct", {**body, "holds": holds})
    assert done.json()["outcomes"] == [{"point": "EXIT", "code": "TRAINING", "source": "REGISTER", "levelMatch": None}]


async def test_why_something_was_corrected_is_read_by_the_parties_who_read_the_case(shared: CaseContext) -> None:
    """Privacy officers too, who read no other text; auditors read none at all, and strangers find nothing."""
    case = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, case.path, "record-meeting", {"minutes": 600})
    body = {"event": await event_of(shared, case, "MeetingRecorded"), "reason": "a nought too many"}
    await shared.running.done(LOTTE, case.path, "correct", {**body, "holds": {"minutes": 60}})
    path = f"{case.path}/texts"
    items = (await shared.running.read(DPO_OF_AGENCY, path))["items"]
    assert [(item["type"], item["field"], item["text"]) for item in items] == [
        ("CorrectionRecorded", "reason", "a nought too many")
    ]
    assert_problem(await shared.running.get(AUDITOR, path), 403, "PARTY_NOT_ALLOWED")
    for person in (INES, TOM, LOTTE, HANNE):
        texts = [item["text"] for item in (await shared.running.read(person, path))["items"]]
        assert {"a nought too many", "honest feedback"} <= set(texts)
    assert_problem(await shared.running.get(KARIM, path), 404)


async def test_a_former_organisation_reads_why_its_own_report_was_corrected(shared: CaseContext) -> None:
    """After the handback it reads on for twelve weeks what happened in its time, and no other text."""
    case = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, case.path, "record-meeting", {"minutes": 600})
    event = await event_of(shared, case, "MeetingRecorded")
    await shared.running.done(LOTTE, case.path, "correct", {"event": event, "reason": "once", "holds": {"minutes": 50}})
    await shared.lead_on(case, "MENTORING", "CLOSED")
    items = (await shared.running.read(LOTTE, f"{case.path}/texts"))["items"]
    assert [item["text"] for item in items] == ["once"]


HOLDS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"code": "HAPPY"}, "/holds/code", "INVALID_VALUE"),
    ({"point": "M24"}, "/holds/point", "INVALID_VALUE"),
    ({"levelMatch": "yes"}, "/holds/levelMatch", "INVALID_VALUE"),
    ({"nationality": "SY"}, "/holds/nationality", "UNKNOWN_FIELD"),
    ({"occurredAt": "2126-01-01T00:00:00Z"}, "/holds/occurredAt", "IN_THE_FUTURE"),
    ({"occurredAt": "2026-01-12T09:00:00"}, "/holds/occurredAt", "INVALID_VALUE"),
    ({"code": None}, "/holds/code", "INVALID_VALUE"),
    ({}, "/holds", "INVALID_VALUE"),
)


@pytest.mark.parametrize(("holds", "pointer", "code"), HOLDS, ids=str)
async def test_what_holds_is_as_strict_as_the_report(
    shared: CaseContext, holds: dict[str, Any], pointer: str, code: str
) -> None:
    """422 with a pointer into `holds`, and nothing is written."""
    case, event = await with_outcome(shared)
    before = await shared.snapshot()
    answer = await shared.running.command(
        INES, case.path, "correct", {"event": event, "reason": "wrong", "holds": holds}
    )
    assert_problem(answer, 422)
    assert pointers(answer).get(pointer) == code, answer.text
    assert "SY" not in answer.text
    assert await shared.snapshot() == before


async def test_an_outcome_is_not_corrected_into_one_that_is_not_due(shared: CaseContext) -> None:
    """409 as for the command, naming the day."""
    case, event = await with_outcome(shared)
    answer = await shared.running.command(
        INES, case.path, "correct", {"event": event, "reason": "wrong", "holds": {"point": "W4"}}
    )
    problem = assert_problem(answer, 409, "OUTCOME_NOT_DUE")
    assert "2026-02-09" in problem["detail"]


@pytest.mark.parametrize("kind", ["ReferralAccepted", "ResponsibilityTransferred", "AgreementSigned"])
async def test_what_was_not_reported_takes_no_other_reading(shared: CaseContext, kind: str) -> None:
    """422 that names what can be put right; an unknown event is named before that."""
    case = await shared.brought_to("MENTORING")
    body: dict[str, Any] = {"event": await event_of(shared, case, kind), "reason": "no", "holds": {"norm": 3}}
    answer = await shared.running.command(INES, case.path, "correct", body)
    assert pointers(answer) == {"/holds": "NOT_REPORTED"}
    assert "OutcomeRecorded" in answer.json()["detail"]
    answer = await shared.running.command(INES, case.path, "correct", {**body, "event": "nothing"})
    assert pointers(answer) == {"/event": "UNKNOWN_EVENT"}


async def test_a_dry_run_of_a_correction_writes_nothing_and_shows_what_would_hold(shared: CaseContext) -> None:
    """200 with the case as it would answer."""
    case, event = await with_outcome(shared)
    before = await shared.snapshot()
    body = {"event": event, "reason": "no", "holds": {"code": "NO_CHANGE"}}
    answer = await shared.running.command(INES, case.path, "correct", body, dryRun="true")
    assert answer.json()["outcomes"][0]["code"] == "NO_CHANGE"
    assert answer.json()["events"] == ["CorrectionRecorded"]
    assert await shared.snapshot() == before


@pytest.mark.parametrize("person", [INES, KARIM], ids=lambda person: person.org)
async def test_the_other_side_does_not_say_what_holds(shared: CaseContext, person: Person) -> None:
    """The agency may call a meeting wrong, and its organisation says what was instead; strangers find nothing."""
    case = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, case.path, "record-meeting", {"minutes": 600})
    event = await event_of(shared, case, "MeetingRecorded")
    body = {"event": event, "reason": "no", "holds": {"minutes": 60}}
    etag = (await shared.running.get(INES, case.path)).headers["ETag"]
    answer = await shared.running.command(person, case.path, "correct", body, etag=etag)
    assert answer.status_code == (403 if person is INES else 404)


async def test_no_national_number_comes_in_by_what_holds(shared: CaseContext) -> None:
    """Neither as a value nor as a name, and it is not repeated."""
    case, event = await with_outcome(shared)
    for holds in ({"code": NATIONAL_NUMBER}, {NATIONAL_NUMBER: 1}):
        body = {"event": event, "reason": "no", "holds": holds}
        answer = await shared.running.command(INES, case.path, "correct", body)
        assert_problem(answer, 422)
        assert NATIONAL_NUMBER not in answer.text
