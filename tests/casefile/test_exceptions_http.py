"""Requests for exceptions from beginning to end: when one is needed, that there is one at a time, what ends them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.casefile.cases import REPORT, CaseContext, Told
from tests.support.people import HANNE, INES, LOTTE, VOLUNTEER
from tests.support.problems import assert_problem

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile exceptions")]

MONEY = {"task": "MONEY", "justification": "the shop closes"}
CARRIED = "LANGUAGE_PRACTICE"
"""What both kinds of mentors carry by the charter, and a coordinator supports."""


async def listed(context: CaseContext, case: Told) -> list[dict[str, Any]]:
    """The exceptions of a case, as the organisation reads them."""
    told = await context.running.read(LOTTE, case.path)
    found: list[dict[str, Any]] = told["exceptions"]
    return found


@pytest.mark.parametrize("state", ["MATCHING", "MENTORING"])
async def test_what_the_charter_allows_needs_no_exception(shared: CaseContext, state: str) -> None:
    """Language practice is a mentor's to do, of either kind; the check-ins are the coordinator's, and no mentor's."""
    case = await shared.brought_to(state)
    for person in (LOTTE,) if state == "MATCHING" else (LOTTE, VOLUNTEER):
        asked = {"task": CARRIED, "justification": "she wants to talk"}
        refused = await shared.running.command(person, case.path, "request-exception", asked)
        assert_problem(refused, 409, "NO_EXCEPTION_NEEDED", says=CARRIED)
    assert await listed(shared, case) == []
    await shared.running.done(LOTTE, case.path, "request-exception", {"task": "CHECK_IN", "justification": "once"})


async def test_the_same_is_asked_for_once_at_a_time(shared: CaseContext) -> None:
    """Who asks again is told which one waits; once it is decided, another may be asked for."""
    case = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, case.path, "request-exception", MONEY)
    for person in (LOTTE, VOLUNTEER):
        refused = await shared.running.command(person, case.path, "request-exception", MONEY)
        problem = assert_problem(refused, 409, "EXCEPTION_OPEN", says="X1")
        assert "NGO_LEAD" in problem["whoCanUnblock"]
    await shared.running.done(LOTTE, case.path, "request-exception", {**MONEY, "task": "CHILDCARE_SEARCH"})
    no = {"exception": "X1", "granted": False, "reason": "never money"}
    await shared.running.done(HANNE, case.path, "decide-exception", no)
    await shared.running.done(LOTTE, case.path, "request-exception", MONEY)
    assert [(one["task"], one["state"]) for one in await listed(shared, case)] == [
        ("MONEY", "DENIED"),
        ("CHILDCARE_SEARCH", "REQUESTED"),
        ("MONEY", "REQUESTED"),
    ]


async def test_a_decision_on_an_exception_says_why(shared: CaseContext) -> None:
    """Yes as well as no: what is excepted has to be accounted for."""
    case = await shared.brought_to("EXCEPTION_REQUESTED")
    for granted in (True, False):
        sent = {"exception": "X1", "granted": granted}
        assert_problem(await shared.running.command(HANNE, case.path, "decide-exception", sent), 422, at="/reason")


async def test_an_exception_that_nobody_decided_on_ends_with_the_match(shared: CaseContext) -> None:
    """It is denied, and says by what; one that the lead decided on stays as it was."""
    case = await shared.brought_to("EXCEPTION_REQUESTED")
    await shared.running.done(LOTTE, case.path, "request-exception", {**MONEY, "task": "CHILDCARE_SEARCH"})
    no = {"exception": "X2", "granted": False, "reason": "the agency does it"}
    await shared.running.done(HANNE, case.path, "decide-exception", no)
    await shared.running.done(LOTTE, case.path, "request-handback", REPORT)
    assert [(one["id"], one["state"], one.get("reason")) for one in await listed(shared, case)] == [
        ("X1", "DENIED", "PART_ENDED"),
        ("X2", "DENIED", None),
    ]
    late = {"exception": "X1", "granted": True, "reason": "after all"}
    refused = await shared.running.command(HANNE, case.path, "decide-exception", late)
    assert_problem(refused, 409, "STATE_DOES_NOT_ALLOW")


async def test_an_exception_ends_with_the_consent(shared: CaseContext) -> None:
    """What is left of it is read by the agency in the record only."""
    case = await shared.brought_to("EXCEPTION_REQUESTED")
    basis = (await shared.running.read(INES, case.offer))["legalBasis"]["id"]
    await shared.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw", {})
    await shared.running.settle()
    told = await shared.running.read(INES, case.path)
    assert told["state"] == "OPENED"
    assert {one["state"] for one in told["exceptions"]} == {"DENIED"}


async def test_another_task_under_the_key_of_a_refused_one_is_no_repeat(shared: CaseContext) -> None:
    """The refusal stands in the record, and the key is that of the task that was refused (422); it may come again."""
    case = await shared.brought_to("MENTORING")
    for _ in range(2):
        refused = await shared.running.command(LOTTE, case.path, "record-task", {"task": "MONEY"}, key="a-task")
        assert_problem(refused, 403, "TASK_REFUSED_BY_CHARTER")
    for task in ("LEGAL_ADVICE", CARRIED):
        other = await shared.running.command(LOTTE, case.path, "record-task", {"task": task}, key="a-task")
        assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    await shared.running.done(LOTTE, case.path, "request-exception", MONEY)
    yes = {"exception": "X1", "granted": True, "reason": "once"}
    await shared.running.done(HANNE, case.path, "decide-exception", yes)
    await shared.running.done(LOTTE, case.path, "record-task", {"task": "MONEY"}, key="a-task")
