"""Who is responsible after an acceptance that names a colleague, and in which form a body names a person, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.casefile.cases import CaseContext, Told
from tests.support.identifiers import IDENTIFIERS, NO_IDENTIFIERS
from tests.support.people import HANNE, INES, LOTTE, TOM
from tests.support.problems import assert_problem

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile taking over")]


async def accepted_naming(context: CaseContext, coordinator: str) -> Told:
    """A case that Lotte accepted, naming a coordinator."""
    case = await context.referred()
    await context.follow(case, LOTTE, "receive")
    await context.follow(case, LOTTE, "accept", {"coordinator": coordinator})
    return case


async def owners(context: CaseContext, case: Told, **asked: Any) -> set[str]:
    """Who owns the open steps."""
    told = await context.running.read(INES, f"{case.path}/responsibility", **asked)
    return {step["owner"]["sub"] for step in told["steps"]}


async def test_the_colleague_takes_over_with_the_first_command(shared: CaseContext) -> None:
    """Until then the one who accepted holds every step; neither a dry run nor a refused command changes that."""
    case = await accepted_naming(shared, HANNE.sub)
    assert (await shared.running.read(LOTTE, case.offer))["coordinator"] == HANNE.sub
    read = await shared.running.read(HANNE, case.path)
    assert read["askedToCoordinate"]["sub"] == HANNE.sub
    assert read["trajectory"]["coordinator"]["sub"] == LOTTE.sub
    assert await owners(shared, case) == {LOTTE.sub}
    assert (await shared.kinds(case))[-1] == "CoordinatorProposed"

    dry = await shared.running.done(HANNE, case.path, "log-contact-attempt", dryRun="true")
    assert dry.json()["events"] == ["CoordinatorReassigned", "ContactAttempted"]
    assert {step["owner"]["sub"] for step in dry.json()["steps"]} == {HANNE.sub}
    assert_problem(await shared.running.command(HANNE, case.path, "conclude-intake", {"suitable": True}), 422)
    assert_problem(await shared.running.command(HANNE, case.path, "log-contact-attempt", etag='"1"'), 412)
    assert await owners(shared, case) == {LOTTE.sub}

    done = await shared.running.done(HANNE, case.path, "log-contact-attempt")
    assert {step["owner"]["sub"] for step in done.json()["steps"]} == {HANNE.sub}
    assert done.json()["askedToCoordinate"] is None
    assert (await shared.kinds(case))[-2:] == ["CoordinatorReassigned", "ContactAttempted"]
    items = (await shared.running.read(INES, f"{case.path}/timeline"))["items"]
    accepted = next(item for item in items if item["type"] == "ReferralAccepted")
    assert (accepted["responsible"]["sub"], items[-1]["responsible"]["sub"]) == (LOTTE.sub, HANNE.sub)
    work = (await shared.running.read(LOTTE, "/v1/worklist", limit=200))["items"]
    assert {item["owner"]["sub"] for item in work if item["case"] == case.id} == {HANNE.sub}


async def test_a_repeat_of_the_command_takes_over_once(shared: CaseContext) -> None:
    """Under the same key the same answer, and one reassignment."""
    case = await accepted_naming(shared, HANNE.sub)
    etag = (await shared.running.get(HANNE, case.path)).headers["ETag"]
    answers = [
        await shared.running.command(HANNE, case.path, "log-contact-attempt", etag=etag, key=f"take-{case.id}")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert (await shared.kinds(case)).count("CoordinatorReassigned") == 1


async def test_the_parties_are_told_in_the_feed(shared: CaseContext) -> None:
    """Of the proposal, and of the change when it happens."""
    case = await accepted_naming(shared, HANNE.sub)
    await shared.running.done(HANNE, case.path, "reassign-coordinator")
    await shared.running.settle()
    for person in (INES, LOTTE):
        told: list[str] = []
        after = None
        while True:
            page = await shared.running.read(person, "/v1/feed", limit=200, **({"after": after} if after else {}))
            told += [item["type"] for item in page["items"] if item["subject"] == case.id]
            if len(page["items"]) < 200:
                break
            after = page["next"]
        assert told[-2:] == [
            "org.caserelay.case.coordinator_proposed.v1",
            "org.caserelay.case.coordinator_reassigned.v1",
        ]


async def test_a_body_names_a_person_in_the_form_that_tokens_carry(shared: CaseContext) -> None:
    """One rule: what no token can carry, no body can name, in accept and in both reassignments; all else is taken."""
    case = await shared.referred()
    await shared.follow(case, LOTTE, "receive")
    begun = await shared.accepted()
    places = (
        (LOTTE, case.offer, "accept", "coordinator"),
        (INES, begun.path, "reassign-counsellor", "counsellor"),
        (TOM, begun.path, "reassign-counsellor", "counsellor"),
        (LOTTE, begun.path, "reassign-coordinator", "coordinator"),
    )
    for wrong in NO_IDENTIFIERS:
        with pytest.raises(ValueError, match="sub must be"):
            shared.running.issuer.issue(sub=wrong, org="brugwerk", role="NGO_LEAD", audience="caserelay")
        for person, path, action, field in places:
            answer = await shared.running.command(person, path, action, {field: wrong})
            problem = assert_problem(answer, 422)
            assert [fault["pointer"] for fault in problem["errors"]] == [f"/{field}"], wrong
    for right in IDENTIFIERS:
        shared.running.issuer.issue(sub=right, org="brugwerk", role="NGO_LEAD", audience="caserelay")
        for person, path, action, field in places:
            answer = await shared.running.command(person, path, action, {field: right}, dryRun="true")
            assert answer.status_code == 200, answer.text
