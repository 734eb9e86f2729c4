"""Questions over HTTP and on the shell: who may ask, the same answer in both, events that are there, and no name."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.codes import Role
from services.casefile.actions import decide
from services.casefile.context import CaseContexts, acting
from services.casefile.domain.context import Context
from services.casefile.queries import Found, Moment, Queries
from services.casefile.questions.answers import Questions
from services.casefile.questions.catalogue import QUESTIONS
from services.casefile.questions.of_many import ManyQuestions
from services.casefile.questions.sampling import Which, drawn
from services.chassis.access.identity import Caller
from services.chassis.deciding.handler import Handler
from services.chassis.modelling.decider import Command
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
CALLER = Caller("demo.auditor", "rekenhof-demo", Role.AUDITOR)
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


async def no_moment(_: Found) -> Moment:
    """As of now, as known now."""
    return Moment()


MANY: tuple[dict[str, str], ...] = (
    {"programme": "mtw-be-2026"},
    {"sample": "2", "seed": "7"},
    {"sample": "2", "seed": "8", "programme": "mtw-be-2026"},
    {"sample": "3", "asOf": "2025-12-31"},
    {"sample": "200", "knownAt": "2026-01-12T09:30:00Z"},
)


async def test_many_cases_are_asked_page_by_page(context: CaseContext) -> None:
    """In the order of their ids, each once; of a programme that there is not, 422."""
    cases = sorted([(await context.brought_to("INTAKE")).id for _ in range(5)])
    service = context.running.service("casefile")
    contexts = CaseContexts(service.index)
    handler = Handler[Command, Context](service.streams, contexts, decide, acting)
    queries = Queries(service.streams, contexts, handler, service.clock)
    many = ManyQuestions(Questions(queries), queries, service.index, service.caught_up, most=2)
    seen, after, sizes = list[str](), None, list[int]()
    while True:
        page = await many.answer(CALLER, "Q4", Which("mtw-be-2026"), no_moment, after)
        seen += [item["case"] for item in page["items"]]
        sizes.append(page["cases"])
        if (after := page["next"]) is None:
            break
    assert (seen, sizes) == (cases, [2, 2, 1])
    behind = await context.running.read(AUDITOR, f"{ASK}/Q4", programme="mtw-be-2026", after=cases[2])
    assert [item["case"] for item in behind["items"]] == cases[3:]
    unknown = await context.running.get(AUDITOR, f"{ASK}/Q4", programme="no-such")
    assert_problem(unknown, 422, "UNKNOWN_FILTER_VALUE")


async def test_who_asks_of_many_asks_of_those_that_they_may_ask_of(context: CaseContext) -> None:
    """The agency's officer of its own cases, one elsewhere of none, and nobody else of any."""
    case = await context.brought_to("INTAKE")
    for person, found in ((AUDITOR, [case.id]), (DPO_OF_AGENCY, [case.id]), (DPO_ELSEWHERE, []), (DPO_OF_BRUGWERK, [])):
        for of in ({"sample": "30"}, {"programme": "mtw-be-2026"}):
            answer = await context.running.read(person, f"{ASK}/Q4", **of)
            assert [item["case"] for item in answer["items"]] == found, (person, of)
            assert (answer["answer"] == "There is no such case.") == (found == [])
    for person in (INES, TOM, LOTTE, AN, HANNE, KARIM, VOLUNTEER, MENTEE, OPERATOR, CONTROL):
        assert (await context.running.get(person, f"{ASK}/Q4", sample="2")).status_code == 403, person


@pytest.mark.parametrize(
    "of",
    [
        {},
        {"seed": "7"},
        {"case": "a-case", "sample": "2"},
        {"case": "a-case", "programme": "mtw-be-2026"},
        {"case": "a-case", "after": "b"},
        {"sample": "2", "after": "b"},
        {"sample": "0"},
        {"sample": "201"},
        {"sample": "2", "seed": "1.5"},
    ],
)
async def test_what_cannot_be_asked_of_at_once_is_refused(shared: CaseContext, of: dict[str, str]) -> None:
    """With 422, and what to give."""
    assert (await shared.running.get(AUDITOR, f"{ASK}/Q4", **of)).status_code == 422


async def three_cases(data: Path) -> tuple[list[str], dict[str, Any], list[dict[str, Any]]]:
    """The ids of three cases, the answers of the API about the first, as of a day, and those about many."""
    async with running(data, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        cases = [(await context.brought_to(state)).id for state in ("CLOSED", "INTAKE", "REFERRED")]
        query = {"case": cases[0], "asOf": "2026-01-12"}
        answers = {name: await services.read(AUDITOR, f"{ASK}/{name}", **query) for name in QUESTIONS}
        return cases, answers, [await services.read(AUDITOR, f"{ASK}/Q5", **of) for of in MANY]


@pytest.mark.on_files
def test_the_shell_answers_as_the_api_does(tmp_path: Path) -> None:
    """Every question, of a case as it was on a day; and over a programme, and a sample."""
    cases, answers, of_many = asyncio.run(three_cases(tmp_path))
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
    options = {"asOf": "--as-of", "knownAt": "--known-at"}
    for of, answer in zip(MANY, of_many, strict=True):
        given = [part for name, value in of.items() for part in (options.get(name, f"--{name}"), value)]
        assert answer.pop("next") is None
        assert json.loads(caserelay("audit", "ask", "Q5", *given, "--json", data=tmp_path).out) == answer, of
    assert [answer["cases"] for answer in of_many] == [3, 2, 2, 0, 3]
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
