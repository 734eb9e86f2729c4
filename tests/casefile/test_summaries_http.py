"""A list shows summaries, made from the index, and with `expand=full` whole cases: both say what a single read says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.codes import CaseState
from tests.casefile.cases import CaseContext
from tests.support.people import AUDITOR, INES, LOTTE, TOM, Person
from tests.support.problems import assert_problem
from tests.support.requests import another_person

CASES = "/v1/cases"
SAME = ("id", "state", "version", "agency", "organisation", "clientRef", "caseLead", "dueAt", "overdue", "links")


async def assert_summaries_are_true(context: CaseContext, person: Person) -> None:
    """Each summary is what the case itself says, and its step and owner are among the case's open steps."""
    summaries = (await context.running.read(person, CASES))["items"]
    assert summaries
    for summary in summaries:
        whole = await context.running.read(person, summary["links"]["self"])
        assert {name: summary[name] for name in SAME} == {name: whole[name] for name in SAME}
        assert summary.keys() == {*SAME, "case", "step", "owner"}
        assert summary["case"] == summary["id"]
        steps = [(step["step"], step["owner"]) for step in whole["steps"]]
        assert (summary["step"], summary["owner"]) in steps or (not steps and summary["step"] is None)


@pytest.mark.parametrize("state", [state.value for state in CaseState if state is not CaseState.FINALISED])
async def test_a_summary_says_what_the_case_says(context: CaseContext, state: str) -> None:
    """In every state, to all who read the case, before its terms have passed and after."""
    await context.brought_to(state)
    for person in (INES, LOTTE, AUDITOR):
        await assert_summaries_are_true(context, person)
    await context.running.at(context.running.clock.now() + timedelta(days=20))
    for person in (INES, LOTTE, AUDITOR):
        await assert_summaries_are_true(context, person)


async def test_a_former_party_finds_the_summary_of_what_it_still_reads(context: CaseContext) -> None:
    """Brugwerk declined; the case went on with samenstap, of which its summary says nothing."""
    case = await context.opened()
    person = (await context.running.read(INES, case.offer))["client"]["ref"]
    body = another_person("samenstap", client={"ref": person}, previousReferral=case.offer.rsplit("/", 1)[1])
    await context.referred(body)
    await assert_summaries_are_true(context, LOTTE)
    (earlier,) = (await context.running.read(LOTTE, CASES))["items"]
    assert (earlier["state"], earlier["step"]) == ("OPENED", "NEXT_SERVICE")
    (now,) = (await context.running.read(INES, CASES, organisation="brugwerk"))["items"]
    assert (now["state"], now["step"]) == ("REFERRED", "REFERRAL_ANSWER")
    assert (await context.running.read(AUDITOR, CASES, clientRef=person))["items"] == [now]
    assert (await context.running.read(LOTTE, CASES, clientRef=person))["items"] == [earlier]


async def test_after_the_stop_an_organisation_finds_the_stop_only(context: CaseContext) -> None:
    """The person withdrew the legal basis: the list shows neither state nor term nor person."""
    case = await context.brought_to("MENTORING")
    basis = (await context.running.read(INES, case.offer))["legalBasis"]["id"]
    await context.running.done(TOM, f"/v1/legal-bases/{basis}", "withdraw")
    await context.running.settle()
    (stop,) = (await context.running.read(LOTTE, CASES))["items"]
    whole = await context.running.read(LOTTE, stop["links"]["self"])
    assert stop == {name: whole[name] for name in ("id", "version", "stopped", "dueAt", "links")}
    assert stop["stopped"] == "CONSENT_WITHDRAWN"


async def test_expand_full_answers_whole_cases_and_nothing_else_is_accepted(context: CaseContext) -> None:
    """Each as it is read by itself, with the actions that are possible."""
    case = await context.brought_to("INTAKE")
    whole = await context.running.read(LOTTE, f"{CASES}/{case.id}")
    assert (await context.running.read(LOTTE, CASES, expand="full"))["items"] == [whole]
    refused: Any = await context.running.get(LOTTE, CASES, expand="all")
    assert assert_problem(refused, 422)["errors"][0]["pointer"] == "/query/expand"
