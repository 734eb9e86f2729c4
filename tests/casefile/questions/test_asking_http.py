"""Questions over HTTP and on the shell: who may ask, the same answer in both, events that are there, and no name."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from services.casefile.questions.catalogue import QUESTIONS
from services.casefile.questions.sampling import drawn
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.backups import caserelay
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
from tests.support.running import running

ASK = "/v1/audit/questions"
DPO_OF_BRUGWERK = Person("privacy.brugwerk", "brugwerk", "DPO")
DPO_ELSEWHERE = Person("privacy.actiris", "actiris-demo", "DPO")


async def test_there_are_sixteen_questions(context: CaseContext) -> None:
    """Q1 to Q16, each with what it asks and is answered from."""
    items = (await context.running.read(AUDITOR, ASK))["items"]
    assert [item["name"] for item in items] == [f"Q{number}" for number in range(1, 17)]
    assert all(item["asks"].endswith("?") and item["sources"] for item in items)


async def test_every_question_is_answered_with_events_of_the_logs(context: CaseContext) -> None:
    """A case from end to end: a sentence each, and each event stands where the answer says."""
    case = await context.brought_to("CLOSED")
    logs = {name: context.running.service(name).log for name in ("casefile", "referral")}
    for name in QUESTIONS:
        answer = await context.running.read(AUDITOR, f"{ASK}/{name}", case=case.id)
        assert (answer["question"], answer["case"]) == (name, case.id)
        assert answer["answer"].endswith("."), name
        assert answer["evidence"], name
        for proof in answer["evidence"]:
            (there,) = await logs[proof["log"]].read_all(proof["position"] - 1, 1)
            assert there.meta.event_id == proof["event"], (name, proof)
        for word in ("Samira", "@", "+32"):
            assert word not in json.dumps(answer), (name, word)


async def test_auditors_and_the_agencys_own_officer_ask_and_nobody_else(context: CaseContext) -> None:
    """The officer of the organisation, who sees a part of the case alone, may not; nor where there is no such case."""
    case = await context.brought_to("INTAKE")
    for person in (AUDITOR, DPO_OF_AGENCY):
        assert (await context.running.get(person, f"{ASK}/Q4", case=case.id)).status_code == 200, person
    assert_problem(await context.running.get(DPO_OF_BRUGWERK, f"{ASK}/Q4", case=case.id), 403, "PARTY_NOT_ALLOWED")
    assert_problem(await context.running.get(DPO_ELSEWHERE, f"{ASK}/Q4", case=case.id), 404, "NOT_FOUND")
    for person in (INES, TOM, LOTTE, AN, HANNE, KARIM, VOLUNTEER, MENTEE, OPERATOR, CONTROL):
        for path, query in ((ASK, {}), (f"{ASK}/Q4", {"case": case.id}), (f"{ASK}/Q99", {"case": "no-such"})):
            answer = await context.running.get(person, path, **query)
            assert answer.status_code == 403, (person, path, answer.text)
    for path, query in ((f"{ASK}/Q17", {"case": case.id}), (f"{ASK}/Q4", {"case": "no-such"})):
        assert_problem(await context.running.get(AUDITOR, path, **query), 404, "NOT_FOUND")
    assert (await context.running.get(AUDITOR, f"{ASK}/Q4")).status_code == 422
    unreadable = await context.running.get(AUDITOR, f"{ASK}/Q4", case=case.id, asOf="yesterday")
    assert_problem(unreadable, 422, "UNREADABLE_TOKEN")


async def three_cases(data: Path) -> tuple[list[str], dict[str, Any]]:
    """The ids of three cases, and the answers of the API about the first, as of a day."""
    async with running(data, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        cases = [(await context.brought_to(state)).id for state in ("CLOSED", "INTAKE", "REFERRED")]
        query = {"case": cases[0], "asOf": "2026-01-12"}
        return cases, {name: await services.read(AUDITOR, f"{ASK}/{name}", **query) for name in QUESTIONS}


@pytest.mark.on_files
def test_the_shell_answers_as_the_api_does(tmp_path: Path) -> None:
    """Every question, of a case as it was on a day; and over a programme, and a sample."""
    cases, answers = asyncio.run(three_cases(tmp_path))
    first = ("--case", cases[0], "--as-of", "2026-01-12")
    for name, answer in answers.items():
        told = caserelay("audit", "ask", name, *first, "--json", data=tmp_path)
        assert json.loads(told.out) == answer, name
        assert answer["answer"] in caserelay("audit", "ask", name, *first, data=tmp_path).out
    whole = json.loads(caserelay("audit", "ask", "Q5", "--programme", "mtw-be-2026", "--json", data=tmp_path).out)
    assert (whole["cases"], whole["clear"]) == (3, 3)
    assert whole["answer"] == "In 3 cases nothing wants a second look."
    assert [item["case"] for item in whole["items"]] == sorted(cases)
    some = json.loads(caserelay("audit", "ask", "Q5", "--sample", "2", "--seed", "7", "--json", data=tmp_path).out)
    assert [item["case"] for item in some["items"]] == drawn(cases, 2, 7)
    earlier = caserelay("audit", "ask", "Q5", "--sample", "2", "--as-of", "2025-12-31", "--json", data=tmp_path)
    assert json.loads(earlier.out)["cases"] == 0
    for arguments, status in (
        (("Q5",), 2),
        (("Q17", "--case", cases[0]), 2),
        (("Q5", "--case", cases[0], "--sample", "2"), 2),
        (("Q5", "--case", "no-such"), 1),
        (("Q5", "--programme", "no-such"), 2),
    ):
        assert caserelay("audit", "ask", *arguments, data=tmp_path).status == status, arguments
    assert caserelay("audit", "ask", data=tmp_path).out.startswith("Q1  Who decided this")


def test_a_sample_is_drawn_again_and_is_not_moved_by_cases_that_come_later() -> None:
    """The lots of `a`, `b` and `c` with seed 7 begin with 82, ec and 18, as `sha256sum` has it: c is drawn first."""
    cases = [f"case{number}" for number in range(200)]
    first = drawn(cases, 30, 7)
    assert len(first) == 30
    assert first == drawn(reversed(cases), 30, 7) == sorted(first)
    assert first != drawn(cases, 30, 8)
    assert drawn(cases, None, 7) == sorted(cases)
    later = drawn([*cases, "case200"], 30, 7)
    assert len({*first} - {*later}) <= 1
    assert [drawn("abc", many, 7) for many in (1, 2)] == [["c"], ["a", "c"]]
