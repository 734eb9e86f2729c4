"""Mentor profiles: an organisation's own, ready or not, and nobody else's business."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from tests.casefile.cases import PROFILE, PROPOSAL, CaseContext
from tests.support.people import AUDITOR, CONTROL, HANNE, INES, KARIM, LOTTE, MENTEE, MENTOR, OPERATOR, PIETER, Person
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile mentors")]

DPO_OF_BRUGWERK = Person("privacy.brugwerk", "brugwerk", "DPO")


def new_ref() -> str:
    """A reference that no mentor has."""
    return f"M-{uuid.uuid4().hex[:8]}"


async def put(
    context: CaseContext, ref: str, body: dict[str, Any], *, by: Person = LOTTE, etag: str | None = None, **params: Any
) -> httpx.Response:
    """Describes a mentor, whatever comes of it."""
    return await context.running.send(by, "PUT", f"/v1/mentors/{ref}", body, etag=etag, params=params)


async def test_a_described_mentor_is_read_as_described(shared: CaseContext) -> None:
    """With its free places, since when it waits, and an ETag to change it by."""
    ref = new_ref()
    described = await put(shared, ref, {**PROFILE, "capacity": 2})
    assert described.status_code == 200, described.text
    assert described.headers["Position"]
    read = await shared.running.get(LOTTE, f"/v1/mentors/{ref}")
    assert read.headers["ETag"] == described.headers["ETag"]
    assert read.json() == described.json()
    assert read.json().items() >= {**PROFILE, "capacity": 2, "places": 2, "organisation": "brugwerk"}.items()
    assert read.json()["waitingSince"] is not None


async def test_a_profile_is_replaced_only_by_somebody_who_has_read_it(shared: CaseContext) -> None:
    """The first PUT needs no If-Match, the second one does: 428 without, 412 with an old one."""
    ref = new_ref()
    first = await put(shared, ref, PROFILE)
    changed = {**PROFILE, "capacity": 3}
    assert_problem(await put(shared, ref, changed), 428)
    for stale in ('"9"', "*", "nonsense"):
        assert_problem(await put(shared, ref, changed, etag=stale), 412)
    second = await put(shared, ref, changed, etag=first.headers["ETag"])
    assert (second.status_code, second.json()["capacity"]) == (200, 3)
    assert_problem(await put(shared, ref, PROFILE, etag=first.headers["ETag"]), 412)
    assert_problem(await put(shared, new_ref(), PROFILE, etag='"1"'), 412)


async def test_the_same_profile_again_changes_nothing(shared: CaseContext) -> None:
    """A PUT is as it is."""
    ref = new_ref()
    etag = (await put(shared, ref, PROFILE)).headers["ETag"]
    before = await shared.snapshot()
    again = await put(shared, ref, PROFILE, etag=etag)
    assert (again.status_code, again.headers["ETag"]) == (200, etag)
    assert await shared.snapshot() == before


async def test_a_dry_run_describes_nobody(shared: CaseContext) -> None:
    """It says what would be written, and the mentor is still unknown."""
    ref, before = new_ref(), await shared.snapshot()
    answer = await put(shared, ref, PROFILE, dryRun="true")
    assert (answer.json()["dryRun"], answer.json()["events"]) == (True, ["MentorDescribed"])
    assert await shared.snapshot() == before
    assert_problem(await shared.running.get(LOTTE, f"/v1/mentors/{ref}"), 404)


async def test_an_organisation_has_its_own_mentors(shared: CaseContext) -> None:
    """The same reference elsewhere is somebody else, and no organisation finds another's."""
    ref = new_ref()
    await put(shared, ref, {**PROFILE, "capacity": 7})
    assert_problem(await shared.running.get(KARIM, f"/v1/mentors/{ref}"), 404)
    assert ref not in str(await shared.running.read(KARIM, "/v1/mentors", limit=200))
    await put(shared, ref, {**PROFILE, "capacity": 8}, by=KARIM)
    for person, capacity in ((LOTTE, 7), (HANNE, 7), (DPO_OF_BRUGWERK, 7), (KARIM, 8)):
        assert (await shared.running.read(person, f"/v1/mentors/{ref}"))["capacity"] == capacity
    assert_problem(await shared.running.get(LOTTE, f"/v1/mentors/{ref}", organisation="samenstap"), 404)
    assert_problem(await shared.running.get(LOTTE, "/v1/mentors", organisation="samenstap"), 404)


async def test_auditors_read_all_mentors_and_change_none(shared: CaseContext) -> None:
    """Of one organisation, or of all."""
    ref, elsewhere = new_ref(), new_ref()
    await put(shared, ref, PROFILE)
    await put(shared, elsewhere, PROFILE, by=KARIM)
    everybody = str(await shared.running.read(AUDITOR, "/v1/mentors", limit=200))
    assert ref in everybody
    assert elsewhere in everybody
    of_brugwerk = str(await shared.running.read(AUDITOR, "/v1/mentors", organisation="brugwerk", limit=200))
    assert ref in of_brugwerk
    assert elsewhere not in of_brugwerk
    assert (await shared.running.get(AUDITOR, f"/v1/mentors/{ref}", organisation="brugwerk")).status_code == 200
    assert_problem(await put(shared, new_ref(), PROFILE, by=AUDITOR), 403)


async def test_mentors_are_no_business_of_agencies_mentees_and_operators(shared: CaseContext) -> None:
    """Nor of the mentors themselves, who are described by their coordinator."""
    for person in (INES, PIETER, OPERATOR, MENTOR, MENTEE, CONTROL):
        for answer in (
            await shared.running.get(person, "/v1/mentors"),
            await shared.running.get(person, "/v1/mentors/M-41"),
            await put(shared, "M-41", PROFILE, by=person),
        ):
            assert_problem(answer, 403)
    assert_problem(await shared.running.get(None, "/v1/mentors"), 401)


async def test_a_profile_that_cannot_be_true_is_refused_with_its_pointer(shared: CaseContext) -> None:
    """Dates of the future, an acknowledgement of no charter, unknown codes and unknown fields."""
    for change, pointer in (
        ({"screenedOn": "2026-01-13"}, "/screenedOn"),
        ({"confidentialityOn": "2026-02-30"}, "/confidentialityOn"),
        ({"charterVersion": None}, "/charterVersion"),
        ({"kind": "AMATEUR"}, "/kind"),
        ({"kind": None}, "/kind"),
        ({"capacity": -1}, "/capacity"),
        ({"capacity": "two"}, "/capacity"),
        ({"languages": ["dutch!"]}, "/languages/0"),
        ({"sectors": ["ZZ"]}, "/sectors/0"),
        ({"name": "Jan"}, "/name"),
    ):
        answer = await put(shared, new_ref(), {**PROFILE, **change})
        assert_problem(answer, 422)
        assert pointer in pointers(answer), f"{change}: {answer.text}"
    assert_problem(await put(shared, "no%E2%80%8Bref", PROFILE), 422)


async def test_a_mentor_who_is_not_ready_is_not_matched(shared: CaseContext) -> None:
    """Screened, trained, insured and bound to the charter: the refusal names what is lacking."""
    case = await shared.brought_to("MATCHING")
    for lacking, code in (
        ("screenedOn", "SCREENING"),
        ("trainedOn", "TRAINING"),
        ("insuranceNoteOn", "INSURANCE_NOTE"),
        ("charterAcknowledgedOn", "CHARTER"),
    ):
        ref = new_ref()
        await put(shared, ref, {**PROFILE, lacking: None})
        answer = await shared.running.command(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": ref})
        assert code in assert_problem(answer, 409, "MENTOR_NOT_READY")["detail"]
    ref = new_ref()
    await put(shared, ref, {**PROFILE, "kind": "PROFESSIONAL", "insuranceNoteOn": None})
    dry = await shared.running.command(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": ref}, dryRun="true")
    assert dry.status_code == 200, dry.text


async def test_a_mentor_has_so_many_mentees_and_is_free_again_when_a_match_ends(shared: CaseContext) -> None:
    """A proposal takes the place, a no gives it back."""
    ref = new_ref()
    await put(shared, ref, {**PROFILE, "capacity": 1})
    proposal = {**PROPOSAL, "mentorRef": ref}
    first, second = await shared.brought_to("MATCHING"), await shared.brought_to("MATCHING")
    await shared.running.done(LOTTE, first.path, "propose-match", proposal)
    assert (await shared.running.read(LOTTE, f"/v1/mentors/{ref}"))["places"] == 0
    assert_problem(
        await shared.running.command(LOTTE, second.path, "propose-match", proposal), 409, "MENTOR_AT_CAPACITY"
    )
    await shared.running.done(
        LOTTE, first.path, "reject-match", {"by": "MENTEE", "reason": "NO_CLICK", "onBehalfReason": "BY_PHONE"}
    )
    assert (await shared.running.read(LOTTE, f"/v1/mentors/{ref}"))["places"] == 1
    await shared.running.done(LOTTE, second.path, "propose-match", proposal)


async def test_a_professional_who_is_recommended_is_not_replaced_by_a_volunteer(shared: CaseContext) -> None:
    """The referral's recommendation holds at the match."""
    case = await shared.accepted(another_person(recommendedMentorKind="PROFESSIONAL"))
    await shared.lead_on(case, "INTAKE", "MATCHING")
    answer = await shared.running.command(LOTTE, case.path, "propose-match", PROPOSAL)
    assert_problem(answer, 409, "PROFESSIONAL_RECOMMENDED")


async def test_the_list_of_mentors_is_read_in_pages(shared: CaseContext) -> None:
    """Every mentor once, in one order."""
    for _ in range(3):
        await put(shared, new_ref(), PROFILE)
    whole = (await shared.running.read(LOTTE, "/v1/mentors", limit=200))["items"]
    pages: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await shared.running.read(LOTTE, "/v1/mentors", limit=2, **({"cursor": cursor} if cursor else {}))
        pages += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert pages == whole
    for parameter, value in (("limit", "0"), ("limit", "201"), ("cursor", "nonsense")):
        problem = assert_problem(await shared.running.get(LOTTE, "/v1/mentors", **{parameter: value}), 422)
        assert problem["errors"][0]["pointer"] == f"/query/{parameter}"
