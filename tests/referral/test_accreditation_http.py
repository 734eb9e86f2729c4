"""Who may register whom, over HTTP: what of an organisation is the operator's, what its own; what suspension does."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest

from services.sandbox.demo import PROGRAMME_VERSION
from tests.referral.context import ACCEPT, REFERRALS, ReferralContext
from tests.support.people import DPO_OF_AGENCY, HANNE, INES, KARIM, LOTTE, OPERATOR, PROGRAMME, TOM, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person

BRUGWERK: Final = "/v1/organisations/brugwerk"
VDAB: Final = "/v1/organisations/vdab-gent"
OTHER_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "kind": ("AGENCY", "AUDIT_BODY", "PLATFORM_OPERATOR", None),
    "programmes": ([], [PROGRAMME, "another-programme"], ["another-programme"]),
    "suspended": (True,),
}
"""For each field of the operator, values that brugwerk does not have."""
OWN: Final[dict[str, Any]] = {
    "name": "Brugwerk",
    "languages": ["nl"],
    "sectors": ["N"],
    "capacity": 7,
    "contactPoint": "the context",
}


async def put(context: ReferralContext, person: Person, path: str, **changes: Any) -> Any:
    """GET, change, PUT: the whole body that was read, with the changes in it; None takes a member out."""
    read = await context.running.get(person, path)
    body = {**read.json(), **changes}
    return await context.running.send(person, "PUT", path, body, etag=read.headers["ETag"])


async def suspend(context: ReferralContext, path: str, *, suspended: bool = True) -> None:
    """The operator suspends an organisation, or ends that."""
    assert (await put(context, OPERATOR, path, suspended=suspended)).status_code == 200


async def test_what_was_read_may_be_sent_back(context: ReferralContext) -> None:
    """By the organisation and by the operator: the whole answer of GET is a body that changes nothing."""
    before = await context.running.read(LOTTE, BRUGWERK)
    for person in (LOTTE, HANNE, OPERATOR):
        answer = await put(context, person, BRUGWERK)
        assert answer.status_code == 200, answer.text
        assert answer.json() == before


@pytest.mark.parametrize("field", OTHER_VALUES)
async def test_an_organisation_does_not_change_what_the_operator_said(context: ReferralContext, field: str) -> None:
    """Another value of such a field is 403 with its pointer, and nothing of the body happens, its own part neither."""
    before, stood = await context.running.read(LOTTE, BRUGWERK), await context.snapshot()
    for value in OTHER_VALUES[field]:
        for person in (LOTTE, HANNE):
            answer = await put(context, person, BRUGWERK, **{**OWN, field: value})
            assert_problem(answer, 403, "FIELD_OF_THE_OPERATOR")
            assert pointers(answer) == {f"/{field}": "FIELD_OF_THE_OPERATOR"}
            assert all(error["detail"] for error in answer.json()["errors"])
    assert await context.running.read(LOTTE, BRUGWERK) == before
    assert await context.snapshot() == stood


async def test_every_field_of_the_operator_that_differs_is_listed(context: ReferralContext) -> None:
    """One refusal names them all; a dry run is refused as well."""
    read = await context.running.get(LOTTE, BRUGWERK)
    body = {"name": "x", "kind": "AGENCY", "programmes": [], "suspended": True}
    for asked in ({}, {"dryRun": "true"}):
        answer = await context.running.send(LOTTE, "PUT", BRUGWERK, body, etag=read.headers["ETag"], params=asked)
        assert_problem(answer, 403, "FIELD_OF_THE_OPERATOR")
        assert set(pointers(answer)) == {"/kind", "/programmes", "/suspended"}


async def test_an_organisation_says_its_own_part_and_keeps_the_rest(context: ReferralContext) -> None:
    """Fields of the operator that it leaves out stay as the operator set them."""
    before = await context.running.get(LOTTE, BRUGWERK)
    answer = await context.running.send(LOTTE, "PUT", BRUGWERK, OWN, etag=before.headers["ETag"])
    assert answer.status_code == 200, answer.text
    kept = {field: before.json()[field] for field in OTHER_VALUES}
    assert (await context.running.read(KARIM, BRUGWERK)).items() >= {**OWN, **kept}.items()


async def test_the_operator_sets_everything(context: ReferralContext) -> None:
    """Also what is the organisation's own; a programme less, and another kind."""
    said = {**OWN, "kind": "AUDIT_BODY", "programmes": [], "suspended": True}
    assert (await put(context, OPERATOR, BRUGWERK, **said)).status_code == 200
    assert (await context.running.read(INES, BRUGWERK)).items() >= said.items()


async def test_the_operator_names_a_kind_and_ends_no_suspension_by_silence(context: ReferralContext) -> None:
    """A PUT by the operator says all there is, but a client that does not know of suspension does not end it."""
    await suspend(context, BRUGWERK)
    etag = (await context.running.get(OPERATOR, BRUGWERK)).headers["ETag"]
    without = await context.running.send(OPERATOR, "PUT", BRUGWERK, {"name": "Brugwerk"}, etag=etag)
    assert_problem(without, 422)
    assert pointers(without) == {"/kind": "REQUIRED"}
    body = {"name": "Brugwerk", "kind": "MENTORING_ORG"}
    assert (await context.running.send(OPERATOR, "PUT", BRUGWERK, body, etag=etag)).status_code == 200
    after = await context.running.read(OPERATOR, BRUGWERK)
    assert (after["programmes"], after["suspended"]) == ([], True)


async def test_nobody_registers_an_organisation_but_the_operator(context: ReferralContext) -> None:
    """An organisation that nobody knows does not make itself one: 403 with every kind of body, and it is not there."""
    before = await context.snapshot()
    path = "/v1/organisations/nobody-knows-it"
    bodies = ({"name": "New"}, {"name": "New", "kind": "AGENCY"}, {**OWN, "kind": "MENTORING_ORG", "programmes": []})
    for role in ("NGO_LEAD", "NGO_COORDINATOR", "AGENCY_TEAM_LEAD"):
        for body in bodies:
            newcomer = Person("new.comer", "nobody-knows-it", role)
            answer = await context.running.send(newcomer, "PUT", path, body)
            assert_problem(answer, 403, "FIELD_OF_THE_OPERATOR")
            assert "" in pointers(answer)
            assert ("/kind" in pointers(answer)) is ("kind" in body)
            assert_problem(await context.running.get(newcomer, path), 404)
    assert await context.snapshot() == before
    assert (await context.running.send(OPERATOR, "PUT", path, bodies[1])).status_code == 200


@pytest.mark.parametrize("org", ["brugwerk", "vdab-gent", "rekenhof-demo"])
async def test_an_operator_is_one_of_the_platforms(context: ReferralContext, org: str) -> None:
    """The role alone is not enough: an organisation that gives it to its own people accredits nobody."""
    own_operator = Person("an.operator", org, "OPERATOR")
    for path in (f"/v1/organisations/{org}", "/v1/organisations/nobody-knows-it", VDAB):
        etag = (await context.running.get(OPERATOR, path)).headers.get("ETag")
        body = {"name": "x", "kind": "AGENCY", "programmes": []}
        answer = await context.running.send(own_operator, "PUT", path, body, etag=etag)
        assert_problem(answer, 403, "ROLE_NOT_ALLOWED" if path.endswith(org) else "PARTY_NOT_ALLOWED")
    version = await context.running.send(
        own_operator, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", PROGRAMME_VERSION
    )
    assert_problem(version, 403, "PARTY_NOT_ALLOWED")


async def test_who_is_unknown_is_no_operator_beside_the_platform(context: ReferralContext) -> None:
    """An organisation that nobody knows accredits neither itself nor others by giving the role to its own people."""
    await context.running.settle()
    stranger = Person("new.comer", "nobody-knows-it", "OPERATOR")
    before = await context.snapshot()
    for path in ("/v1/organisations/nobody-knows-it", "/v1/organisations/nor-this", BRUGWERK):
        etag = (await context.running.get(OPERATOR, path)).headers.get("ETag")
        for kind in ("AGENCY", "PLATFORM_OPERATOR"):
            answer = await context.running.send(stranger, "PUT", path, {"name": "x", "kind": kind}, etag=etag)
            assert answer.status_code == 403, answer.text
    version = await context.running.send(stranger, "PUT", f"/v1/programmes/{PROGRAMME}/versions/2", PROGRAMME_VERSION)
    assert_problem(version, 403, "PARTY_NOT_ALLOWED")
    assert await context.snapshot() == before
    # The platform may have a second organisation, which it registers itself.
    described = {"name": "x", "kind": "PLATFORM_OPERATOR"}
    registered = await context.running.send(OPERATOR, "PUT", "/v1/organisations/nobody-knows-it", described)
    assert registered.status_code == 200, registered.text
    assert (await put(context, stranger, BRUGWERK, suspended=True)).status_code == 200


async def test_an_organisation_that_calls_itself_an_agency_posts_no_referral(context: ReferralContext) -> None:
    """The way that was tried: an NGO turns itself into an agency, and a token of it refers."""
    await put(context, LOTTE, BRUGWERK, kind="AGENCY")
    counsellor = Person("x", "brugwerk", "AGENCY_COUNSELLOR")
    assert_problem(await context.running.create(counsellor, REFERRALS, another_person("samenstap")), 403)


async def test_the_id_in_a_body_is_that_of_the_path(context: ReferralContext) -> None:
    """What was read of one organisation is not put onto another."""
    read = await context.running.get(OPERATOR, VDAB)
    answer = await context.running.send(OPERATOR, "PUT", BRUGWERK, read.json(), etag=read.headers["ETag"])
    assert_problem(answer, 422)
    assert pointers(answer) == {"/id": "READ_ONLY", "/links": "READ_ONLY"}


@pytest.mark.parametrize("round_", range(8))
async def test_an_organisation_never_puts_back_what_the_operator_changed_meanwhile(
    context: ReferralContext, round_: int
) -> None:
    """Both PUT at once on one reading: one is first, and the other is told so and puts nothing back."""
    del round_
    read = await context.running.get(LOTTE, BRUGWERK)
    etag, body = read.headers["ETag"], read.json()
    own = context.running.send(LOTTE, "PUT", BRUGWERK, {**body, **OWN}, etag=etag)
    operators = context.running.send(
        OPERATOR, "PUT", BRUGWERK, {**body, "programmes": [], "suspended": True}, etag=etag
    )
    answers = await asyncio.gather(own, operators)
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    after = await context.running.read(LOTTE, BRUGWERK)
    operator_won = answers[1].status_code == 200
    assert (after["programmes"], after["suspended"]) == (([], True) if operator_won else ([PROGRAMME], False))


async def test_a_suspended_organisation_gets_no_new_offers(context: ReferralContext) -> None:
    """422 at /to for a referral and for a draft that is submitted; a draft may wait; afterwards offers are possible."""
    draft = await context.draft()
    await suspend(context, BRUGWERK)
    for asked in ({}, {"dryRun": "true"}):
        answer = await context.running.create(INES, REFERRALS, another_person(), **asked)
        assert_problem(answer, 422)
        assert pointers(answer) == {"/to": "ORGANISATION_SUSPENDED"}
    answer = await context.running.command(INES, draft, "submit")
    assert_problem(answer, 422)
    assert pointers(answer) == {"/to": "ORGANISATION_SUSPENDED"}
    later = await context.draft()
    await context.submit(another_person("samenstap"))
    await suspend(context, BRUGWERK, suspended=False)
    for path in (draft, later):
        await context.running.done(INES, path, "submit")


async def test_a_suspended_organisation_answers_the_offers_that_it_has(context: ReferralContext) -> None:
    """What is under way goes on: it receives, accepts and declines."""
    accepted, declined = await context.submit(), await context.submit()
    await suspend(context, BRUGWERK)
    for path in (accepted, declined):
        await context.running.done(LOTTE, path, "receive")
    await context.running.done(LOTTE, accepted, "accept", ACCEPT)
    await context.running.done(LOTTE, declined, "decline", {"reason": "CAPACITY_FULL"})


async def test_a_suspended_agency_makes_no_new_offers(context: ReferralContext) -> None:
    """403 with the code, singly, in bulk, as a draft and for a draft of before; what is under way goes on."""
    draft, under_way = await context.draft(), await context.submit()
    await suspend(context, VDAB)
    for person in (INES, TOM):
        for extra in ({}, {"draft": True}):
            answer = await context.running.create(person, REFERRALS, {**another_person(), **extra})
            assert_problem(answer, 403, "ORGANISATION_SUSPENDED")
        assert_problem(await context.running.command(person, draft, "submit"), 403, "ORGANISATION_SUSPENDED")
    read = await context.running.read(INES, draft)
    assert {one["action"]: one["code"] for one in read["blockedActions"]}["submit"] == "ORGANISATION_SUSPENDED"
    await context.running.done(INES, under_way, "withdraw", {"reason": "CLIENT_MOVED"})
    await suspend(context, VDAB, suspended=False)
    await context.running.done(INES, draft, "submit")


async def test_a_suspended_agency_gets_the_answer_again_to_what_it_sent_before(context: ReferralContext) -> None:
    """The referral is there, so a repeat after a lost answer says so, singly and in bulk; what is new is refused."""
    referral, draft = another_person(), {**another_person(), "draft": True}
    first = {
        key: await context.running.create(INES, REFERRALS, body, key=key)
        for key, body in (("r", referral), ("d", draft))
    }
    await suspend(context, VDAB)
    stood = await context.snapshot()
    for key, body in (("r", referral), ("d", draft)):
        again = await context.running.create(INES, REFERRALS, body, key=key)
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true"), again.text
        assert again.json()["id"] == first[key].json()["id"]
    lines = "\n".join(json.dumps({**body, "idempotencyKey": key}) for key, body in (("r", referral), ("n", referral)))
    bulk = await context.running.send(
        INES, "POST", f"{REFERRALS}/bulk", content=lines.encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    assert [json.loads(line)["status"] for line in bulk.text.splitlines()] == [201, 403]
    assert_problem(
        await context.running.create(INES, REFERRALS, another_person(), key="r"), 422, "IDEMPOTENCY_KEY_REUSED"
    )
    # Whose key it is not is told what they are told under any other: nothing of what a colleague sent.
    for person, code in ((TOM, "ORGANISATION_SUSPENDED"), (DPO_OF_AGENCY, "PARTY_NOT_ALLOWED")):
        for key in ("r", "another"):
            assert_problem(await context.running.create(person, REFERRALS, referral, key=key), 403, code)
    assert await context.snapshot() == stood


async def test_a_draft_of_what_is_no_agency_any_more_is_not_submitted(context: ReferralContext) -> None:
    """To submit is to make an offer, and so takes what making one takes."""
    draft = await context.draft()
    assert (await put(context, OPERATOR, VDAB, kind="AUDIT_BODY")).status_code == 200
    assert_problem(await context.running.command(INES, draft, "submit"), 403, "PARTY_NOT_ALLOWED")
