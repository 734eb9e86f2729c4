"""All faults of a body at once: of a referral, alone and in bulk, of a draft's change, and of what an operator says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.referral.routes.requests import ReferralBody
from services.sandbox.demo import PROGRAMME_VERSION
from tests.referral.context import NDJSON, REFERRALS, ReferralContext
from tests.referral.test_packet_over_http import BASIS, CRITERIA, GUARDS, NATIONAL_NUMBER
from tests.support.people import INES, LOTTE, OPERATOR, PROGRAMME
from tests.support.problems import assert_problem, pointers
from tests.support.requests import another_person, new_key, samira

FAULTY: dict[str, Any] = {
    "languages": [{"tag": "nl", "level": "B3", "evidence": "TESTED"}],
    "supportNeeds": ["MOBILITY", "CAR"],
    "whyMentoring": None,
    "goals": [],
    "alternativeConsidered": NATIONAL_NUMBER,
    "eligibility": {**CRITERIA, "RIGHT_TO_WORK": False, "NO_CONCURRENT_PROGRAMME": "yes"},
    "legalBasis": {**BASIS, "recipient": "samenstap", "givenAt": "2126-01-01T00:00:00Z"},
    "religion": "none",
}
TOLD = {
    "/languages/0/level": "INVALID_VALUE",
    "/supportNeeds/1": "INVALID_VALUE",
    "/alternativeConsidered": "INVALID_VALUE",
    "/eligibility/NO_CONCURRENT_PROGRAMME": "INVALID_VALUE",
    "/religion": "UNKNOWN_FIELD",
    "/whyMentoring": "REQUIRED",
    "/goals": "GOAL_REQUIRED",
    "/eligibility/RIGHT_TO_WORK": "INELIGIBLE",
    "/legalBasis/recipient": "LEGAL_BASIS_RECIPIENT",
    "/legalBasis/givenAt": "IN_THE_FUTURE",
}


async def test_a_referral_is_refused_with_all_its_faults(context: ReferralContext) -> None:
    """Of shape and rules; nothing is stored, not even in the vault."""
    before = await context.snapshot()
    answer = await context.running.create(INES, REFERRALS, another_person(**FAULTY))
    assert_problem(answer, 422)
    assert pointers(answer) == TOLD, answer.text
    assert NATIONAL_NUMBER not in answer.text
    assert await context.snapshot() == before


async def test_a_line_of_a_bulk_is_refused_with_all_its_faults(context: ReferralContext) -> None:
    """The same as of the single request, and the line before it is taken in."""
    lines = [{**another_person(**changes), "idempotencyKey": new_key()} for changes in ({}, FAULTY)]
    content = b"\n".join(json.dumps(line).encode() for line in lines)
    answer = await context.running.send(INES, "POST", f"{REFERRALS}/bulk", content=content, headers=NDJSON)
    first, second = (json.loads(line) for line in answer.text.splitlines())
    assert (first["status"], second["status"]) == (201, 422)
    assert {fault["pointer"]: fault["code"] for fault in second["problem"]["errors"]} == TOLD
    assert len((await context.running.read(INES, REFERRALS))["items"]) == 1


async def test_what_does_not_say_that_it_is_json_is_no_body_with_faults(context: ReferralContext) -> None:
    """415, though it could be read, and whatever is wrong with it."""
    content = json.dumps(another_person(**FAULTY)).encode()
    headers = {"Content-Type": "text/plain"}
    answer = await context.running.send(INES, "POST", REFERRALS, content=content, key=new_key(), headers=headers)
    assert_problem(answer, 415)


async def test_a_national_number_hides_no_other_fault(context: ReferralContext) -> None:
    """Where the shape is sound, the rules are looked at beside the texts."""
    body = another_person(goals=[], client={"ref": "85073003328"}, legalBasis={**BASIS, "recipient": "samenstap"})
    answer = await context.running.create(INES, REFERRALS, body)
    assert pointers(answer) == {
        "/client/ref": "NATIONAL_NUMBER",
        "/goals": "GOAL_REQUIRED",
        "/legalBasis/recipient": "LEGAL_BASIS_RECIPIENT",
    }, answer.text


async def test_a_change_of_a_draft_is_refused_with_all_its_faults(context: ReferralContext) -> None:
    """Of the patch's shape and of what it makes of the draft."""
    path = await context.draft()
    etag = (await context.running.get(INES, path)).headers["ETag"]
    patch = {"client": {"ref": "CL-other"}, "to": "vdab-gent", "region": 7, "occupations": [{"isco": "2411"}] * 4}
    answer = await context.running.send(INES, "PATCH", path, patch, etag=etag)
    assert pointers(answer) == {
        "/region": "INVALID_VALUE",
        "/client/ref": "FIXED_BY_DRAFT",
        "/to": "ORGANISATION_KIND",
        "/occupations": "TOO_MANY",
    }, answer.text
    assert (await context.running.get(INES, path)).headers["ETag"] == etag


async def test_a_programme_is_refused_with_all_its_faults(context: ReferralContext) -> None:
    """Lengths, calendars and counts."""
    version = (await context.running.read(INES, f"/v1/programmes/{PROGRAMME}"))["versions"][0]
    body = {name: value for name, value in version.items() if name != "version"}
    body |= {
        "timeZone": "Europe/Brussel",
        "country": "XX",
        "meetingsPerMonthMin": "two",
        "criteria": ["A", "A"],
        "terms": {"COFFEE": {"n": 1, "unit": "DAYS"}},
        "closingDays": ["2026-07-11", "2026-07-11", "never"],
    }
    answer = await context.running.send(OPERATOR, "PUT", "/v1/programmes/new/versions/1", body)
    assert pointers(answer) == {
        "/meetingsPerMonthMin": "INVALID_VALUE",
        "/closingDays/2": "INVALID_VALUE",
        "/timeZone": "INVALID_VALUE",
        "/country": "INVALID_VALUE",
        "/criteria": "REPEATED",
        "/terms/COFFEE": "UNKNOWN_TERM",
        "/closingDays/1": "REPEATED",
    }, answer.text


async def test_a_programme_keeps_its_region_and_its_closing_days(context: ReferralContext) -> None:
    """As they were said; a region that no calendar knows is refused with those that it does."""
    version = (await context.running.read(INES, f"/v1/programmes/{PROGRAMME}"))["versions"][0]
    assert (version["region"], version["closingDays"]) == (None, [])
    body = {name: value for name, value in version.items() if name != "version"}
    body |= {"country": "DE", "timeZone": "Europe/Berlin", "closingDays": ["2026-12-28"]}
    refused = await context.running.send(OPERATOR, "PUT", "/v1/programmes/new/versions/1", {**body, "region": "DE-XX"})
    assert pointers(refused) == {"/region": "CALENDAR_UNKNOWN"}
    assert "DE-BY" in refused.text
    kept = await context.running.send(OPERATOR, "PUT", "/v1/programmes/new/versions/1", {**body, "region": "DE-BY"})
    assert kept.status_code == 200, kept.text
    (version,) = kept.json()["versions"]
    assert (version["region"], version["closingDays"]) == ("DE-BY", ["2026-12-28"])


async def test_no_fault_is_told_that_rests_on_what_cannot_be_read(context: ReferralContext) -> None:
    """Each field of each faulty referral is made unreadable in turn: what is told beside it is told without that too.

    Where it is `draft`, nobody knows whether a referral was to be submitted.
    """
    for what, (changes, _, _) in GUARDS.items():
        body = samira(**changes)
        known = set(pointers(await context.running.create(INES, REFERRALS, body)))
        for name, field in ReferralBody.model_fields.items():
            place = field.alias or name
            answer = await context.running.create(INES, REFERRALS, {**body, place: {"#": ["no field takes this"]}})
            assert_problem(answer, 422)
            beside = {one for one in pointers(answer) if not f"{one}/".startswith(f"/{place}/")}
            assert beside <= known, f"{what}, {place} unreadable: {answer.text}"
            if place == "draft":
                assert beside <= {
                    "/programme",
                    "/to",
                    "/client",
                    "/client/ref",
                    "/occupations",
                    "/previousReferral",
                } | {one for one in known if pointers(answer).get(one) in ("INVALID_VALUE", "UNKNOWN_FIELD")}


async def test_who_may_not_do_it_is_not_told_how_it_would_be_done(context: ReferralContext) -> None:
    """403, whatever the body says."""
    answer = await context.running.create(LOTTE, REFERRALS, another_person(**FAULTY))
    assert_problem(answer, 403)


@pytest.mark.parametrize("state", ["another version", "the wrong state"])
async def test_a_body_with_faults_is_422_whatever_else_stands_in_its_way(context: ReferralContext, state: str) -> None:
    """Neither 412 nor 409 says what is wrong with a body that cannot be read."""
    path = await context.submit() if state == "the wrong state" else await context.received()
    etag = (await context.running.get(LOTTE, path)).headers["ETag"] if state == "the wrong state" else '"1"'
    answer = await context.running.send(LOTTE, "POST", f"{path}/request-information", {"codes": ["AGE"]}, etag=etag)
    assert pointers(answer) == {"/codes/0": "INVALID_VALUE"}


async def test_a_fault_of_the_query_is_told_once_and_hides_none_of_the_body(context: ReferralContext) -> None:
    """Also one of a parameter whose name is not repeated."""
    asked = {"\u00e9": "1", "a-b": "2", "why": "3"}
    body = another_person(goals=[])
    answer = await context.running.send(INES, "POST", REFERRALS, body, key=new_key(), params=asked)
    assert_problem(answer, 422)
    told = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    unnamed = ("/query/(unnamed)", "UNKNOWN_PARAMETER")
    assert told == [unnamed, unnamed, ("/query/why", "UNKNOWN_PARAMETER"), ("/goals", "GOAL_REQUIRED")]


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
async def test_a_date_at_the_end_of_the_calendar_is_refused(context: ReferralContext, day: str) -> None:
    """A version in force from the first day of all was kept, and then nobody could read its programme."""
    body = {**PROGRAMME_VERSION, "validFrom": day, "closingDays": [day]}
    answer = await context.running.send(OPERATOR, "PUT", "/v1/programmes/new/versions/1", body)
    assert pointers(answer).keys() == {"/validFrom", "/closingDays/0"}
    assert_problem(await context.running.get(OPERATOR, "/v1/programmes/new"), 404)
