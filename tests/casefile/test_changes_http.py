"""Changes that both sides agree on, over HTTP: proposed, read, decided, and let expire."""

from __future__ import annotations

from tests.casefile.cases import CaseContext
from tests.support.people import AN, AUDITOR, INES, LOTTE, VOLUNTEER
from tests.support.problems import assert_problem

END = {"change": "END", "reason": "GOAL_REACHED"}
COLLEAGUE = {"change": "COORDINATOR", "coordinator": AN.sub}


async def test_a_proposal_is_read_by_both_sides_with_its_maker_and_its_term(context: CaseContext) -> None:
    """Open until the tenth working day: Monday 26 January."""
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "propose-change", END)
    for person in (INES, LOTTE, AUDITOR):
        (shown,) = (await context.running.read(person, case.path))["proposals"]
        assert (shown["id"], shown["change"], shown["state"]) == (f"{case.id}.p1", "END", "OPEN")
        assert (shown["by"]["sub"], shown["dueAt"]) == (LOTTE.sub, "2026-01-26T22:59:59Z")
    assert "proposals" not in await context.running.read(VOLUNTEER, case.path)


async def test_the_agency_finds_the_decision_on_its_worklist_and_takes_it(context: CaseContext) -> None:
    """With the command that does it; the words of the decision stand in the vault."""
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "propose-change", COLLEAGUE)
    items = (await context.running.read(INES, "/v1/worklist", mine="true"))["items"]
    (found,) = [item for item in items if item["case"] == case.id]
    assert (found["step"], found["about"]) == ("CHANGE_DECISION", f"{case.id}.p1")
    assert [one["action"] for one in found["actions"]] == ["decide-change"]
    decision = {"proposal": found["about"], "approved": True, "reason": "An knows the sector"}
    await context.running.done(INES, case.path, "decide-change", decision)
    read = await context.running.read(LOTTE, case.path)
    assert read["trajectory"]["coordinator"]["sub"] == AN.sub
    assert read["proposals"][0]["state"] == "APPROVED"
    assert (await context.kinds(case))[-3:] == ["ChangeProposed", "ChangeApproved", "CoordinatorReassigned"]
    assert "knows the sector" not in (await context.running.get(AUDITOR, f"{case.path}/events")).text
    texts = (await context.running.read(INES, f"{case.path}/texts"))["items"]
    assert "An knows the sector" in [text["text"] for text in texts]


async def test_a_proposal_that_nobody_decides_on_expires_at_its_own_time(context: CaseContext) -> None:
    """After a reminder; what the organisation takes back does not."""
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "propose-change", END)
    await context.running.done(LOTTE, case.path, "propose-change", COLLEAGUE)
    await context.running.done(LOTTE, case.path, "withdraw-change", {"proposal": f"{case.id}.p2"})
    await context.running.at(context.running.clock.now().replace(day=28))
    read = await context.running.read(INES, case.path)
    assert [held["state"] for held in read["proposals"]] == ["EXPIRED", "WITHDRAWN"]
    items = (await context.running.read(INES, f"{case.path}/timeline"))["items"]
    (expired,) = [item for item in items if item["type"] == "ChangeExpired"]
    assert expired["recordedAt"].startswith("2026-01-26T22:59:59")
    late = await context.running.command(
        INES, case.path, "decide-change", {"proposal": f"{case.id}.p1", "approved": True}
    )
    assert_problem(late, 409, "PROPOSAL_DECIDED")


async def test_what_goes_with_another_kind_of_change_is_refused_at_its_field(context: CaseContext) -> None:
    """And nothing is written."""
    case = await context.brought_to("MENTORING")
    before = await context.snapshot()
    for body, pointer, code in (
        ({"change": "END"}, "/reason", "REQUIRED"),
        ({"change": "END", "reason": "BORED"}, "/reason", "UNKNOWN_CODE"),
        ({**END, "months": 2}, "/months", "NOT_EXPECTED"),
        ({"change": "COORDINATOR"}, "/coordinator", "REQUIRED"),
        ({**COLLEAGUE, "reason": "MISMATCH"}, "/reason", "NOT_EXPECTED"),
    ):
        answer = await context.running.command(LOTTE, case.path, "propose-change", body)
        assert_problem(answer, 422, code, at=pointer)
    assert await context.snapshot() == before
