"""Pseudonyms that differ in case only name one person: where cases are found, and for the person who signs in."""

from __future__ import annotations

import pytest

from tests.casefile.cases import CASES, CaseContext
from tests.support.people import AUDITOR, INES, LOTTE, Person
from tests.support.problems import assert_problem
from tests.support.requests import another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile one person")]


async def test_a_person_is_found_by_the_pseudonym_in_any_case(shared: CaseContext) -> None:
    """By everybody who finds the person by it, with the other filters, and shown as it was sent."""
    case = await shared.accepted(another_person(client={"ref": "Cl-Ärger-1"}))
    for ref in ("Cl-Ärger-1", "CL-ÄRGER-1", "cl-ärger-1"):
        for person in (INES, LOTTE, AUDITOR):
            for filters in ({}, {"overdue": "false"}, {"state": "INTAKE"}, {"organisation": "brugwerk"}):
                found = await shared.running.read(person, CASES, clientRef=ref, **filters)
                assert [(one["id"], one["clientRef"]) for one in found["items"]] == [(case.id, "Cl-Ärger-1")]
    assert (await shared.running.read(INES, CASES, clientRef="cl-arger-1"))["items"] == []


async def test_who_signs_in_as_the_person_in_any_case_is_the_person(shared: CaseContext) -> None:
    """Reads the case, finds it on the worklist, and speaks for themselves; of another pseudonym, nothing."""
    case = await shared.accepted(another_person(client={"ref": "CL-MixeD-2"}))
    await shared.running.settle()
    for ref in ("CL-MixeD-2", "cl-mixed-2", "CL-MIXED-2"):
        mentee = Person(ref, "vdab-gent", "MENTEE")
        assert (await shared.running.read(mentee, case.path))["id"] == case.id
        for asked in ({}, {"mine": "true"}):
            items = (await shared.running.read(mentee, "/v1/worklist", **asked))["items"]
            assert [one["case"] for one in items] == [case.id]
    stranger = Person("CL-MIXED-3", "vdab-gent", "MENTEE")
    assert_problem(await shared.running.get(stranger, case.path), 404)


async def test_a_closed_case_is_not_opened_beside_another_of_the_person(shared: CaseContext) -> None:
    """However the pseudonym is written in the other one."""
    first = await shared.opened(another_person(client={"ref": "CL-TWICE-3"}))
    await shared.running.done(INES, first.path, "close", {"reason": "NO_ORGANISATION_FOUND"})
    await shared.running.settle()
    second = await shared.referred(another_person(client={"ref": "cl-twice-3"}))
    await shared.running.settle()
    assert second.id != first.id
    answer = await shared.running.command(INES, first.path, "reopen")
    assert second.id in assert_problem(answer, 409)["detail"]
