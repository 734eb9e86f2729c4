"""An organisation that the operator suspends: its agency finds on the worklist what is with it, until that ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tests.casefile.cases import SERVICES, CaseContext, Told
from tests.support.people import HANNE, INES, KARIM, LOTTE, OPERATOR, PIETER, TOM, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person
from tests.support.running import running

WORK: Final = "/v1/worklist"
LIVE: Final = ("REFERRED", "INTAKE", "MATCHING", "CONFIRMED", "MENTORING", "SUSPENDED", "HANDBACK_DUE")
STEP: Final = {
    "REFERRED": "REFERRAL_ANSWER",
    "INTAKE": "FIRST_CONTACT",
    "MATCHING": "MATCHING",
    "CONFIRMED": "AGREEMENT",
    "MENTORING": "MENTORING",
    # A report to the counsellor that was to come before the pause stays due.
    "SUSPENDED": "PROGRESS_REPORT",
    "HANDBACK_DUE": "HANDBACK_REPORT",
    "HANDBACK_REQUESTED": "HANDBACK_ACKNOWLEDGEMENT",
}
"""The step that runs in each state (domain reference 7.3): what the agency is shown of the case."""


async def suspend(context: CaseContext, *, suspended: bool = True, organisation: str = "brugwerk") -> None:
    """The operator suspends an organisation, or ends that, and every service is told."""
    path = f"/v1/organisations/{organisation}"
    read = await context.running.get(OPERATOR, path)
    body = {**read.json(), "suspended": suspended}
    answer = await context.running.send(OPERATOR, "PUT", path, body, etag=read.headers["ETag"])
    assert answer.status_code == 200, answer.text
    await context.running.settle()


async def work(context: CaseContext, person: Person, **asked: Any) -> list[dict[str, Any]]:
    """Somebody's worklist."""
    items: list[dict[str, Any]] = (await context.running.read(person, WORK, **asked))["items"]
    return items


def steps(items: list[dict[str, Any]]) -> dict[str, str]:
    """The step of each case with a suspended organisation; each case is there once."""
    found = [(item["case"], item["step"]) for item in items if item["organisationSuspended"]]
    assert len(found) == len(dict(found))
    return dict(found)


async def cases(context: CaseContext) -> dict[str, Told]:
    """A live case in each state."""
    return {state: await context.brought_to(state) for state in (*LIVE, "HANDBACK_REQUESTED")}


async def test_the_agency_finds_what_is_with_a_suspended_organisation(context: CaseContext) -> None:
    """Every live case and open referral, of before the suspension, with the step that runs; and no case that ended."""
    live = await cases(context)
    for state in ("OPENED", "CLOSED"):
        await context.brought_to(state)
    before = await work(context, INES)
    assert not any(item["organisationSuspended"] for item in before)
    await suspend(context)
    expected = {live[state].id: step for state, step in STEP.items()}
    for person in (INES, TOM):
        assert steps(await work(context, person)) == expected
    # What the agency must do anyway is still there.
    mine = [(item["case"], item["step"]) for item in before]
    assert [pair for item in await work(context, INES) if (pair := (item["case"], item["step"])) in mine] == mine
    assert await work(context, PIETER) == []
    assert [item["case"] for item in await work(context, KARIM)] == []
    await suspend(context, suspended=False)
    assert await work(context, INES) == before


async def test_cases_that_come_or_move_during_a_suspension_are_found_too(context: CaseContext) -> None:
    """An open referral that is accepted meanwhile moves on in the list; one that ends, or is handed back, leaves it."""
    referred, other, started = (
        await context.referred(),
        await context.referred(),
        await context.brought_to("HANDBACK_REQUESTED"),
    )
    elsewhere = await context.referred(another_person("samenstap"))
    await suspend(context)
    assert steps(await work(context, INES)) == {
        referred.id: "REFERRAL_ANSWER",
        other.id: "REFERRAL_ANSWER",
        started.id: "HANDBACK_ACKNOWLEDGEMENT",
    }
    await context.follow(referred, LOTTE, "receive")
    await context.follow(referred, LOTTE, "accept", {"coordinator": LOTTE.sub})
    await context.follow(other, LOTTE, "receive")
    await context.follow(other, LOTTE, "decline", {"reason": "CAPACITY_FULL"})
    answer = {"decision": "CLOSE", "answers": {"DIPLOMA_EQUIVALENCE": "DIPLOMA_DESK"}}
    await context.running.done(INES, started.path, "accept-handback", answer)
    assert steps(await work(context, INES)) == {referred.id: "FIRST_CONTACT"}
    await context.running.done(LOTTE, referred.path, "log-contact-attempt")
    assert steps(await work(context, INES)) == {referred.id: "INTAKE"}
    await suspend(context, organisation="samenstap")
    assert steps(await work(context, INES)) == {referred.id: "INTAKE", elsewhere.id: "REFERRAL_ANSWER"}


async def test_a_case_that_went_to_two_suspended_organisations_is_there_once(context: CaseContext) -> None:
    """With the one that has it: where it was before, it is over."""
    client = {"ref": "CL-TWICE"}
    case = await context.opened(another_person(client=client))
    again = await context.referred(another_person("samenstap", client=client))
    assert again.id == case.id
    for organisation in ("brugwerk", "samenstap"):
        await suspend(context, organisation=organisation)
    items = await work(context, INES)
    assert [(item["case"], item["step"]) for item in items] == [(case.id, "REFERRAL_ANSWER")]
    assert items[0]["actions"][0]["href"] == f"{again.offer}/withdraw"
    await suspend(context, organisation="samenstap", suspended=False)
    assert await work(context, INES) == []


async def test_the_agency_is_offered_what_it_can_do_itself(context: CaseContext) -> None:
    """An open referral it withdraws, by the link of the list; a case it may reassign, correct and so on."""
    referred, intake = await context.referred(), await context.brought_to("INTAKE")
    await suspend(context)
    items = {item["case"]: item for item in await work(context, INES)}
    withdraw = items[referred.id]["actions"][0]
    assert withdraw == {"action": "withdraw", "href": f"{referred.offer}/withdraw", "method": "POST"}
    allowed = (await context.running.read(INES, intake.path))["allowedActions"]
    assert items[intake.id]["actions"] == allowed
    assert "reassign-counsellor" in [one["action"] for one in allowed]
    etag = (await context.running.get(INES, referred.offer)).headers["ETag"]
    answer = await context.running.send(
        INES, "POST", withdraw["href"], {"reason": "OTHER_ORGANISATION_CHOSEN"}, etag=etag, key="withdrawn"
    )
    assert answer.status_code == 200, answer.text
    await context.running.settle()
    assert steps(await work(context, INES)) == {intake.id: "FIRST_CONTACT"}


async def test_what_is_under_way_goes_on(context: CaseContext) -> None:
    """The organisation works on its cases as before, and sees on its own list that it is suspended."""
    intake = await context.brought_to("INTAKE")
    await suspend(context)
    items = await work(context, HANNE)
    assert {(item["case"], item["organisationSuspended"]) for item in items} == {(intake.id, True)}
    await context.lead_on(intake, "INTAKE", "CLOSED")
    answer = await context.running.create(INES, "/v1/referrals", another_person())
    assert_problem(answer, 422)
    assert pointers(answer) == {"/to": "ORGANISATION_SUSPENDED"}


async def test_pages_show_every_item_once_and_in_order(context: CaseContext) -> None:
    """The most urgent first, also where cases of a suspended organisation stand between one's own."""
    await cases(context)
    for _ in range(3):
        await context.brought_to("OPENED")
    await suspend(context)
    whole = await work(context, INES)
    for limit in (1, 2, 3):
        pages, cursor = [], None
        while True:
            page = await context.running.read(INES, WORK, limit=limit, **({"cursor": cursor} if cursor else {}))
            pages += page["items"]
            if (cursor := page["next"]) is None:
                break
        assert pages == whole


def lose_the_index(directory: Path) -> None:
    """Deletes what can be made again from the log."""
    files = list(directory.glob("casefile-index.db*"))
    assert files
    for file in files:
        file.unlink()


async def test_the_list_is_the_same_after_the_index_was_made_again(tmp_path: Path) -> None:
    """It follows from the log alone: which organisations are suspended, and what is with them."""
    async with running(tmp_path, SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        await context.describe_mentor()
        await cases(context)
        await suspend(context)
        before = await work(context, INES)
    assert len(steps(before)) == len(STEP)
    lose_the_index(tmp_path)
    async with running(tmp_path, SERVICES) as services:
        await services.settle()
        assert await work(CaseContext(services), INES) == before
