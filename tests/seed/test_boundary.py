"""Where the agency's part stops and the mentor's begins: scope, argued choice, one owner, one story, support.

Rows T1, Q1, Q2, A1, A5, A6 and D5 of the seed, over HTTP.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.sandbox.demo import PROGRAMME, PROGRAMME_VERSION
from tests.casefile.cases import ROAD, CaseContext, Told
from tests.support.people import AN, HANNE, INES, KARIM, LOTTE, OPERATOR, TOM, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import INTAKE, another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("seed boundary")]


async def refer(context: CaseContext, body: dict[str, Any]) -> httpx.Response:
    """Submits a referral, whatever comes of it."""
    return await context.running.create(INES, "/v1/referrals", body)


async def steps(context: CaseContext, case: Told, at: datetime | None = None) -> list[dict[str, Any]]:
    """The open steps of a case, now or as of an instant."""
    asked = {} if at is None else {"asOf": at.isoformat()}
    told: list[dict[str, Any]] = (await context.running.read(INES, f"{case.path}/responsibility", **asked))["steps"]
    return told


async def lead(context: CaseContext, case: Told, at: datetime) -> dict[str, Any]:
    """The case lead as of an instant."""
    told = await context.running.read(INES, f"{case.path}/responsibility", asOf=at.isoformat())
    found: dict[str, Any] = told["caseLead"]
    return found


async def test_t1_only_mentoring_to_work_is_referred_to(shared: CaseContext) -> None:
    """A programme of every other kind is refused at its field, and one of that kind is not."""
    kinds = ("BUDDY", "JOB_COACHING", "COUNSELLING", "MENTORING_AT_WORK")
    for kind in kinds:
        other = {**PROGRAMME_VERSION, "kind": kind}
        put = await shared.running.send(OPERATOR, "PUT", f"/v1/programmes/other-{kind.lower()}/versions/1", other)
        assert put.status_code == 200, put.text
    await shared.running.settle()
    for kind in kinds:
        refused = await refer(shared, another_person(programme=f"other-{kind.lower()}"))
        assert refused.status_code == 422, refused.text
        assert "/programme" in pointers(refused)
    assert (await refer(shared, another_person(programme=PROGRAMME))).status_code == 201


async def test_q1_every_open_step_has_one_owner_at_any_instant(fresh: CaseContext) -> None:
    """From the referral to the closing, at each event and just before it; and never is there none."""
    services = fresh.running
    case = await fresh.referred()
    for hours, action, body in ((1, "receive", {}), (2, "accept", {"coordinator": LOTTE.sub})):
        await services.at(services.clock.now() + timedelta(hours=hours))
        await fresh.follow(case, LOTTE, action, body)
    for before, state in itertools.pairwise(ROAD):
        if state == "FINALISED":
            break
        await services.at(services.clock.now() + timedelta(days=1))
        if state == "CONFIRMED":
            await services.done(LOTTE, case.path, "reassign-coordinator", {"coordinator": AN.sub})
            await services.done(AN, case.path, "reassign-coordinator")
        if state == "HANDBACK_DUE":
            await services.done(TOM, case.path, "reassign-counsellor")
        await fresh.lead_on(case, before, state)
    items = (await services.read(INES, f"{case.path}/timeline", limit=200))["items"]
    events = sorted({datetime.fromisoformat(item["occurredAt"]) for item in items})
    instants = [*events, *(at - timedelta(microseconds=1) for at in events[1:]), services.clock.now()]
    owners = set()
    for at in instants:
        open_now = await steps(fresh, case, at)
        assert open_now, at
        assert (await lead(fresh, case, at))["org"] == "vdab-gent"
        keys = [(step["step"], step.get("about")) for step in open_now]
        assert len(set(keys)) == len(keys), (at, keys)
        for step in open_now:
            assert step["owner"].keys() == {"role", "org", "sub"}, at
            owners.add(step["owner"]["sub"])
    assert owners == {INES.sub, LOTTE.sub, AN.sub, TOM.sub}


@pytest.mark.parametrize("missing", ["whyMentoring", "alternativeConsidered"])
async def test_q2_the_choice_of_mentoring_is_argued(shared: CaseContext, missing: str) -> None:
    """Why mentoring, and what else was considered, are codes that no referral is without."""
    body = another_person()
    del body[missing]
    assert pointers(await refer(shared, body)) == {f"/{missing}": "REQUIRED"}
    unknown = another_person(**{missing: "BECAUSE_IT_IS_CHEAP"})
    assert pointers(await refer(shared, unknown)).keys() == {f"/{missing}"}


async def test_q2_what_is_no_task_of_mentors_is_declined_and_the_choice_is_open_again(shared: CaseContext) -> None:
    """OUT_OF_CHARTER: the case is back with its lead, who owes the next service, which is a public one."""
    case = await shared.referred()
    await shared.follow(case, LOTTE, "receive")
    await shared.follow(case, LOTTE, "decline", {"reason": "OUT_OF_CHARTER"})
    assert await shared.state(case) == "OPENED"
    (step,) = await steps(shared, case)
    assert (step["step"], step["owner"]["sub"]) == ("NEXT_SERVICE", INES.sub)
    declined = await shared.running.read(INES, case.offer)
    assert (declined["state"], declined["reason"]) == ("DECLINED", "OUT_OF_CHARTER")
    assert (declined["reReferable"], declined["proposedAction"]) == (False, "PROVIDE_PUBLIC_SERVICE")


async def test_a1_needs_are_goals_typed_by_capital(shared: CaseContext) -> None:
    """An intake, and a referral, has at least one goal of the five capitals; what is none of them is refused."""
    case = await shared.accepted()
    for goals in ([], ["FINANCIAL"]):
        refused = await shared.running.command(LOTTE, case.path, "conclude-intake", {**INTAKE, "goals": goals})
        assert refused.status_code == 422, refused.text
        assert any(pointer.startswith("/goals") for pointer in pointers(refused)), refused.text
        offer = await refer(shared, another_person(goals=goals))
        assert any(pointer.startswith("/goals") for pointer in pointers(offer)), offer.text
    for goal in ("SOCIAL", "CULTURAL", "INFORMATIONAL", "LINGUISTIC", "PSYCHOLOGICAL"):
        body = {**INTAKE, "goals": [goal]}
        assert (await shared.running.command(LOTTE, case.path, "conclude-intake", body, dryRun="true")).is_success


async def test_a5_the_agency_leads_on_and_is_told_of_progress_in_the_third_month(fresh: CaseContext) -> None:
    """A counsellor is the lead all the while; the report is owed to the agency by April, and it is told when not."""
    case = await fresh.brought_to("MENTORING")
    signed = datetime(2026, 1, 12, tzinfo=UTC)
    report = next(step for step in await steps(fresh, case) if step["step"] == "PROGRESS_REPORT")
    due = datetime.fromisoformat(report["dueAt"])
    assert timedelta(days=85) < due - signed < timedelta(days=93)
    assert report["owner"]["org"] == "brugwerk"
    await fresh.running.at(due + timedelta(seconds=1))
    told = (await fresh.running.read(INES, f"{case.path}/timeline", limit=200))["items"]
    missed = [item for item in told if item["type"] == "DeadlineMissed" and item["step"] == "PROGRESS_REPORT"]
    assert [item["dueAt"] for item in missed] == [report["dueAt"]]
    for at in (signed + timedelta(hours=12), due):
        found = await lead(fresh, case, at)
        assert (found["role"], found["org"], found["sub"]) == ("AGENCY_COUNSELLOR", "vdab-gent", INES.sub)


async def test_a5_nobody_is_parked(shared: CaseContext) -> None:
    """In every state before the closing somebody has a step with a day; in a pause as well, and it is reviewed."""
    for state in ("OPENED", "REFERRED", *[name for name in ROAD if name not in ("CLOSED", "FINALISED")], "SUSPENDED"):
        case = await shared.brought_to(state)
        assert any(step["dueAt"] for step in await steps(shared, case)), state
    paused = await shared.brought_to("MENTORING")
    await shared.running.done(LOTTE, paused.path, "suspend", {"reason": "MENTEE_UNAVAILABLE"})
    (review,) = (step for step in await steps(shared, paused) if step["step"] == "SUSPENSION_REVIEW")
    now = shared.running.clock.now()
    assert datetime.fromisoformat(review["dueAt"]) - now < timedelta(days=31)


async def test_a6_agency_and_organisation_read_one_story(shared: CaseContext) -> None:
    """The same events in the same order, item by item, with the same words; nobody else reads any."""
    case = await shared.brought_to("CLOSED")
    stories = [
        (await shared.running.read(person, f"{case.path}/timeline", limit=200))["items"] for person in (INES, LOTTE)
    ]
    assert len(stories[0]) > 15
    assert stories[0] == stories[1]
    assert (await shared.running.get(KARIM, f"{case.path}/timeline")).status_code == 404


async def test_d5_no_pair_is_without_a_named_coordinator(fresh: CaseContext) -> None:
    """Not when it is bound, nor while one coordinator follows another: until the second says yes it is the first."""
    case = await fresh.brought_to("MENTORING")

    async def coordinator() -> tuple[str, set[str]]:
        read = await fresh.running.read(INES, case.path)
        own = {step["owner"]["sub"] for step in read["steps"] if step["owner"]["org"] == "brugwerk"}
        return read["trajectory"]["coordinator"]["sub"], own

    assert await coordinator() == (LOTTE.sub, {LOTTE.sub})
    start = fresh.running.clock.now()
    for hours, person, body in ((1, LOTTE, {"coordinator": HANNE.sub}), (2, HANNE, {})):
        await fresh.running.at(start + timedelta(hours=hours))
        await fresh.running.done(person, case.path, "reassign-coordinator", body)
        named = LOTTE.sub if person is LOTTE else HANNE.sub
        assert await coordinator() == (named, {named})
    for minutes, owner in ((0, LOTTE), (60, LOTTE), (119, LOTTE), (120, HANNE)):
        at = start + timedelta(minutes=minutes)
        owners = {step["owner"]["sub"] for step in await steps(fresh, case, at) if step["owner"]["org"] == "brugwerk"}
        assert owners == {owner.sub}, at
    nobody = Person("", "brugwerk", "NGO_COORDINATOR")
    refused = await fresh.running.command(HANNE, case.path, "reassign-coordinator", {"coordinator": nobody.sub})
    assert_problem(refused, 422, at="/coordinator")
