"""A closed case is opened again only while the person is in no other one: one programme at a time holds here too."""

from __future__ import annotations

from typing import Any, Final

from tests.casefile.cases import CaseContext, Told
from tests.support.people import INES
from tests.support.problems import assert_problem
from tests.support.programmes import offer_also
from tests.support.requests import another_person

SECOND: Final = "mtw-be-second"


async def closed_and_in_another(context: CaseContext, **changes: Any) -> tuple[Told, Told]:
    """A closed case, and a later one of the same person that is open."""
    first = await context.brought_to("CLOSED")
    ref = (await context.running.read(INES, first.path))["clientRef"]
    await context.running.settle()
    return first, await context.referred(another_person(client={"ref": ref}, **changes))


async def reopening(context: CaseContext, case: Told) -> dict[str, Any] | None:
    """Why reopen is not possible; None where it is allowed."""
    await context.running.settle()
    read = await context.running.read(INES, case.path)
    if "reopen" in {one["action"] for one in read["allowedActions"]}:
        return None
    why: dict[str, Any] = next(one for one in read["blockedActions"] if one["action"] == "reopen")
    return why


async def test_a_case_is_not_opened_again_while_the_person_is_in_another_programme(context: CaseContext) -> None:
    """409 that names the case that holds, told beforehand as well; once that one is closed, it is possible."""
    await offer_also(context.running, SECOND)
    first, other = await closed_and_in_another(context, programme=SECOND)
    blocked = await reopening(context, first)
    assert blocked is not None
    assert blocked["code"] == "CONCURRENT_PROGRAMME"
    problem = assert_problem(await context.running.command(INES, first.path, "reopen"), 409, "CONCURRENT_PROGRAMME")
    assert other.id in problem["detail"]
    await context.follow(other, INES, "withdraw", {"reason": "CLIENT_MOVED"})
    await context.running.done(INES, other.path, "close", {"reason": "MOVED"})
    assert await reopening(context, first) is None
    await context.running.done(INES, first.path, "reopen")


async def test_nor_while_a_later_case_of_the_same_programme_is_open(context: CaseContext) -> None:
    """One open case per person, so a closed one does not come back beside its successor."""
    first, other = await closed_and_in_another(context)
    await context.running.settle()
    assert other.id != first.id
    assert_problem(await context.running.command(INES, first.path, "reopen"), 409, "CONCURRENT_PROGRAMME")


async def test_other_peoples_cases_hold_nobody(context: CaseContext) -> None:
    """A closed case of somebody who is nowhere else may be opened again."""
    first = await context.brought_to("CLOSED")
    await context.referred()
    assert await reopening(context, first) is None
