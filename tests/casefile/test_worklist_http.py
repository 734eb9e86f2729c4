"""Anyone who has to act finds it, and finds their own: by name, by the person's pseudonym, and as one of the pair."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from tests.casefile.cases import CASES, CaseContext, Told
from tests.support.people import AUDITOR, HANNE, INES, KARIM, LOTTE, PIETER, TOM, VOLUNTEER, Person
from tests.support.problems import assert_problem
from tests.support.requests import another_person

WORK: Final = "/v1/worklist"
ELS: Final = Person("els.peeters", "vdab-gent", "AGENCY_TEAM_LEAD")

WAITS_FOR: Final[dict[str, set[str]]] = {
    "FIRST_CONTACT": {"log-contact-attempt"},
    "INTAKE": {"conclude-intake"},
    "MATCHING": {"propose-match"},
    "MATCH_CONFIRMATION": {"confirm-match"},
    "AGREEMENT": {"sign-agreement"},
    "MENTORING": {"record-meeting", "decide-extension"},
    "CHECK_IN": {"record-check-in"},
    "PROGRESS_REPORT": {"report-progress"},
    "SUSPENSION_REVIEW": {"resume"},
    "HANDBACK_REPORT": {"request-handback"},
    "HANDBACK_ACKNOWLEDGEMENT": {"accept-handback"},
    "NEXT_SERVICE": {"close"},
    "OUTCOME_FOLLOW_UP": {"record-outcome"},
}
"""For what each step waits (domain reference 2 and 7.3), written down by hand."""

SITUATIONS: Final = (
    "OPENED",
    "INTAKE",
    "MATCHING",
    "MATCH_PROPOSED",
    "CONFIRMED",
    "MENTORING",
    "EXTENSION",
    "SUSPENDED",
    "HANDBACK_DUE",
    "HANDBACK_REQUESTED",
    "CLOSED",
)


async def work(context: CaseContext, person: Person, **asked: Any) -> list[dict[str, Any]]:
    """What somebody has to act on."""
    items: list[dict[str, Any]] = (await context.running.read(person, WORK, **{"limit": 200, **asked}))["items"]
    return items


async def brought_to(context: CaseContext, situation: str) -> Told:
    """A case in one of the situations."""
    if situation != "EXTENSION":
        return await context.brought_to(situation)
    case = await context.brought_to("MENTORING")
    await context.running.done(LOTTE, case.path, "extend-agreement", {"months": 1})
    return case


def actions(item: dict[str, Any]) -> set[str]:
    """What an item offers."""
    return {one["action"] for one in item["actions"]}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile worklist")
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_whoever_may_do_what_a_due_step_waits_for_finds_it_on_the_worklist(
    shared: CaseContext, situation: str
) -> None:
    """For both sides and both of the pair: an allowed action that an open step waits for is an item, with it."""
    case = await brought_to(shared, situation)
    steps = {step["step"] for step in (await shared.running.read(INES, f"{case.path}/responsibility"))["steps"]}
    found = 0
    for person in (INES, TOM, LOTTE, HANNE, VOLUNTEER, await shared.mentee_of(case)):
        read = await shared.running.get(person, case.path)
        if read.status_code == 404:
            assert person is VOLUNTEER
            continue
        allowed = {one["action"] for one in read.json()["allowedActions"]}
        offered = {one for item in await work(shared, person) if item["case"] == case.id for one in actions(item)}
        waited_for = {action for step in steps for action in WAITS_FOR[step]} & allowed
        assert waited_for <= offered, (person, waited_for - offered)
        found += len(waited_for)
    assert found


async def test_a_proposed_extension_waits_for_the_agency_and_mentoring_goes_on(context: CaseContext) -> None:
    """The agency's item has its action; the coordinator's work is not off the list meanwhile."""
    case = await brought_to(context, "EXTENSION")
    (item,) = await work(context, INES)
    assert (item["case"], item["step"]) == (case.id, "MENTORING")
    assert item["awaiting"]["action"] == "decide-extension"
    assert item["actions"] == [
        {"action": "decide-extension", "href": f"{case.path}/decide-extension", "method": "POST"}
    ]
    mentoring = next(item for item in await work(context, LOTTE) if item["step"] == "MENTORING")
    assert "record-meeting" in actions(mentoring)
    await context.running.done(INES, case.path, "decide-extension", {"approved": True})
    assert await work(context, INES) == []


async def test_a_reported_error_waits_for_another_person_who_may_confirm_it(context: CaseContext) -> None:
    """A team lead of the agency other than the reporter; nobody else has it on the list, and confirmed it is gone."""
    case = await context.referred()
    await context.follow(case, TOM, "mark-error", {"justification": "another person was meant"})
    await context.running.settle()
    for person in (TOM, INES, LOTTE, PIETER):
        assert "ERROR_CONFIRMATION" not in [item["step"] for item in await work(context, person)], person
    item = next(item for item in await work(context, ELS) if item["step"] == "ERROR_CONFIRMATION")
    (link,) = item["actions"]
    assert (link["action"], link["href"]) == ("confirm-error", f"{case.offer}/confirm-error")
    await context.follow(case, ELS, link["action"])
    assert "ERROR_CONFIRMATION" not in [item["step"] for item in await work(context, ELS)]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile worklist")
@pytest.mark.parametrize(
    ("asks", "asked", "action", "body"),
    [
        (INES, TOM, "reassign-counsellor", {"counsellor": "tom.maes"}),
        (LOTTE, HANNE, "reassign-coordinator", {"coordinator": "hanne.wouters"}),
    ],
)
async def test_who_is_asked_to_take_over_finds_it_on_the_worklist(
    shared: CaseContext, asks: Person, asked: Person, action: str, body: dict[str, str]
) -> None:
    """With the act that accepts it; by name too; and nobody else has it."""
    case = await shared.brought_to("INTAKE")
    await shared.running.done(asks, case.path, action, body)

    async def handovers(person: Person, mine: str) -> list[dict[str, Any]]:
        items = await work(shared, person, mine=mine)
        return [item for item in items if item["case"] == case.id and item["step"].endswith("_HANDOVER")]

    for mine in ("true", "false"):
        (item,) = await handovers(asked, mine)
        assert item["owner"]["sub"] == asks.sub
        assert actions(item) == {action}
        assert not await handovers(asks, mine)
    await shared.running.done(asked, case.path, action)
    assert not await handovers(asked, "false")


async def test_mine_shows_what_waits_for_the_caller_by_name(context: CaseContext) -> None:
    """The owner, or the contact of the side that is awaited; a colleague's work is the organisation's, and not mine."""
    case = await context.brought_to("INTAKE")
    assert {item["step"] for item in await work(context, LOTTE, mine="true")} == {"FIRST_CONTACT", "INTAKE"}
    assert await work(context, HANNE, mine="true") == []
    assert len(await work(context, HANNE)) == 2
    await context.running.done(HANNE, case.path, "reassign-coordinator")
    assert await work(context, LOTTE, mine="true") == []
    assert len(await work(context, HANNE, mine="true")) == 2
    done = await context.brought_to("HANDBACK_REQUESTED")
    assert [item["case"] for item in await work(context, INES, mine="true")] == [done.id]
    assert await work(context, TOM, mine="true") == []
    assert [item["case"] for item in await work(context, TOM)] == [done.id]


async def test_pages_of_mine_show_every_item_once(context: CaseContext) -> None:
    """As the whole list does."""
    for state in ("INTAKE", "CONFIRMED", "MENTORING"):
        await context.brought_to(state)
    whole, pages, cursor = await work(context, LOTTE, mine="true"), [], None
    while True:
        page = await context.running.read(LOTTE, WORK, mine="true", limit=1, **({"cursor": cursor} if cursor else {}))
        pages += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert pages == whole
    assert len(whole) == 6


async def test_mentor_and_mentee_find_their_own_case(context: CaseContext) -> None:
    """With what they may do there; the mentee at either side, the mentor while the match lasts, and nobody's else."""
    case, _other = await context.brought_to("MATCH_PROPOSED"), await context.brought_to("INTAKE")
    (item,) = await work(context, VOLUNTEER)
    assert (item["case"], item["step"]) == (case.id, "MATCH_CONFIRMATION")
    assert {"confirm-match", "reject-match"} <= actions(item)
    for side in ("vdab-gent", "brugwerk"):
        mentee = await context.mentee_of(case, side)
        (item,) = await work(context, mentee)
        assert item["case"] == case.id
        assert {"confirm-match", "reject-match", "withdraw"} <= actions(item)
        assert item.get("clientRef") is None
    assert await work(context, Person("M-42", "brugwerk", "VOLUNTEER_MENTOR")) == []
    assert await work(context, Person("M-41", "samenstap", "VOLUNTEER_MENTOR")) == []
    assert await work(context, Person((await context.mentee_of(case)).sub, "actiris-demo", "MENTEE")) == []
    await context.running.done(VOLUNTEER, case.path, "reject-match", {"reason": "AVAILABILITY"})
    assert await work(context, VOLUNTEER) == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile worklist")
async def test_the_mentee_finds_the_way_to_withdraw_the_consent(shared: CaseContext) -> None:
    """From the worklist to the case, to the legal basis, to its withdrawal; then there is nothing left to withdraw."""
    case = await shared.brought_to("MENTORING")
    mentee = await shared.mentee_of(case)
    (item,) = await work(shared, mentee)
    link = next(one for one in item["actions"] if one["action"] == "withdraw")
    read = await shared.running.read(mentee, item["case"] and case.path)
    assert link in read["allowedActions"]
    basis = read["links"]["legalBasis"]
    assert link["href"] == f"{basis}/withdraw"
    etag = (await shared.running.get(mentee, basis)).headers["ETag"]
    withdrawn = await shared.running.send(mentee, link["method"], link["href"], {}, etag=etag)
    assert withdrawn.status_code == 200, withdrawn.text
    await shared.running.settle()
    assert await shared.state(case) == "OPENED"
    assert "stopped" in await shared.running.read(LOTTE, case.path)
    after = await shared.running.read(mentee, case.path)
    assert "withdraw" not in {one["action"] for one in after["allowedActions"]}
    assert "legalBasis" not in after["links"]


async def test_a_consent_is_withdrawn_as_long_as_an_organisation_reads_by_it(context: CaseContext) -> None:
    """Of an ended referral too, the latest first; each stops its own organisation; twelve weeks on, none is left."""
    body = another_person("samenstap")
    first = await context.referred(body)
    await context.follow(first, KARIM, "receive")
    await context.follow(first, KARIM, "decline", {"reason": "CAPACITY_FULL"})
    again = {**body, "to": "brugwerk", "legalBasis": {**body["legalBasis"], "recipient": "brugwerk"}}
    case = await context.referred(again)
    mentee = await context.mentee_of(case)
    bases = [(await context.running.read(INES, offer))["legalBasis"]["id"] for offer in (case.offer, first.offer)]

    async def offered(person: Person) -> list[str]:
        assert "withdraw" not in (await context.running.get(person, case.path)).text
        (item,) = await work(context, person)
        return [one["href"] for one in item["actions"] if one["action"] == "withdraw"]

    hrefs = [f"/v1/legal-bases/{basis}/withdraw" for basis in bases]
    assert await offered(mentee) == hrefs
    assert await offered(Person(mentee.sub, "brugwerk", "MENTEE")) == hrefs[:1]
    await context.running.done(mentee, f"/v1/legal-bases/{bases[1]}", "withdraw")
    await context.running.settle()
    assert await offered(mentee) == hrefs[:1]
    assert "stopped" in await context.running.read(KARIM, case.path)
    assert await context.state(case) == "REFERRED"
    await context.follow(case, LOTTE, "receive")
    await context.follow(case, LOTTE, "decline", {"reason": "CAPACITY_FULL"})
    assert await offered(mentee) == hrefs[:1]
    await context.running.at(context.running.clock.now() + timedelta(days=85))
    assert await offered(mentee) == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile worklist")
async def test_a_basis_that_is_no_consent_is_not_offered_to_be_withdrawn(shared: CaseContext) -> None:
    """Against a public task the person may object; there is nothing to withdraw."""
    body = another_person()
    case = await shared.referred({**body, "legalBasis": {**body["legalBasis"], "kind": "PUBLIC_TASK"}})
    (item,) = await work(shared, await shared.mentee_of(case))
    assert actions(item) == set()


@pytest.mark.parametrize("bound", [False, True])
async def test_a_consent_is_withdrawn_also_when_nothing_of_the_case_is_left_to_do(
    context: CaseContext, *, bound: bool
) -> None:
    """FINALISED while an organisation still reads: the person finds it, and nothing more once it is withdrawn."""
    case = await (context.brought_to("CLOSED") if bound else context.referred())
    if not bound:
        await context.follow(case, LOTTE, "receive")
        await context.follow(case, LOTTE, "decline", {"reason": "CAPACITY_FULL"})
        await context.running.done(INES, case.path, "close", {"reason": "NO_ORGANISATION_FOUND"})
    for point in ("EXIT", "W4", "M6", "M12"):
        await context.running.done(INES, case.path, "waive-outcome", {"point": point, "reason": "MOVED"})
    await context.running.at(context.running.clock.now() + timedelta(minutes=5))
    assert await context.state(case) == "FINALISED"
    mentee = await context.mentee_of(case)
    (item,) = await work(context, mentee)
    assert (item["case"], item["step"]) == (case.id, "LEGAL_BASIS" if bound else None)
    (link,) = item["actions"]
    offered = (await context.running.read(mentee, case.path))["allowedActions"]
    assert offered == ([link] if bound else [])
    await context.running.done(mentee, link["href"].removesuffix("/withdraw"), "withdraw")
    await context.running.settle()
    assert await work(context, mentee) == []


async def test_staff_read_on_the_worklist_whom_it_is_about(context: CaseContext) -> None:
    """By the agency's pseudonym; a mentor does not."""
    case = await context.brought_to("MENTORING")
    ref = (await context.running.read(INES, case.path))["clientRef"]
    assert {item["clientRef"] for item in await work(context, LOTTE)} == {ref}
    assert ref not in str(await work(context, VOLUNTEER))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile worklist")
async def test_a_person_is_found_by_the_agencys_pseudonym(shared: CaseContext) -> None:
    """By the agency, by an organisation with a part, and by auditors; exactly, and with the other filters."""
    case, _other = await shared.brought_to("INTAKE"), await shared.brought_to("INTAKE")
    ref = (await shared.running.read(INES, case.path))["clientRef"]

    async def found(person: Person, **asked: str) -> list[str]:
        listed = await shared.running.read(person, CASES, clientRef=ref, **asked)
        return [one["id"] for one in listed["items"]]

    for person in (INES, TOM, LOTTE, AUDITOR):
        assert await found(person) == [case.id], person
        assert await found(person, state="INTAKE") == [case.id]
        assert await found(person, state="MATCHING") == []
        assert await found(person, overdue="false", organisation="brugwerk") == [case.id]
        assert (await shared.running.read(person, CASES, clientRef=ref[:-1]))["items"] == []
    for person in (KARIM, PIETER):
        assert await found(person) == []
    assert await found(INES, organisation="samenstap") == []
    assert_problem(await shared.running.get(VOLUNTEER, CASES, clientRef=ref), 403)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.xdist_group("casefile worklist")
async def test_after_the_stop_nobody_is_found_by_it(shared: CaseContext) -> None:
    """A filter tells an organisation nothing that the view keeps from it."""
    case = await shared.brought_to("INTAKE")
    ref = (await shared.running.read(INES, case.path))["clientRef"]
    basis = (await shared.running.read(INES, case.offer))["legalBasis"]["id"]
    await shared.running.done(INES, f"/v1/legal-bases/{basis}", "withdraw")
    await shared.running.settle()
    assert (await shared.running.read(LOTTE, CASES, clientRef=ref))["items"] == []
    assert len((await shared.running.read(INES, CASES, clientRef=ref))["items"]) == 1


async def test_all_cases_of_a_person_come_in_pages(context: CaseContext) -> None:
    """Two cases, one after the other, and each once, in both orders."""
    first = await context.brought_to("CLOSED")
    ref = (await context.running.read(INES, first.path))["clientRef"]
    await context.running.settle()
    second = await context.referred(another_person(client={"ref": ref}))
    assert second.id != first.id
    await context.running.at(context.running.clock.now() + timedelta(hours=1))
    for order in ({}, {"overdue": "false"}):
        seen, cursor = [], None
        while True:
            asked = {"clientRef": ref, "limit": 1, **order, **({"cursor": cursor} if cursor else {})}
            page = await context.running.read(INES, CASES, **asked)
            seen += [one["id"] for one in page["items"]]
            if (cursor := page["next"]) is None:
                break
        assert sorted(seen) == sorted([first.id, second.id])
