"""`/v1/reconciliations`: what an organisation has of its cases, compared with what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from services.chassis.time.scheduler import Pending, sortable
from services.notifications.night_rows import NIGHT, STREAM
from tests.casefile.cases import SERVICES
from tests.support.dates import MONDAY
from tests.support.people import AUDITOR, CONTROL, DPO_OF_AGENCY, INES, KARIM, LOTTE, MENTOR, OPERATOR, PIETER, Person
from tests.support.problems import assert_problem
from tests.support.requests import another_person, yonas
from tests.support.running import Running, running

PATH: Final = "/v1/reconciliations"
NOTHING: Final = sha256(b"").hexdigest()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Running]:
    """All services, with the organisations and the programme of the tests."""
    async with running(tmp_path, SERVICES) as services:
        await services.set_the_scene()
        yield services


async def refer(here: Running, body: dict[str, Any], by: Person = INES) -> dict[str, Any]:
    """A referral of the agency, or of another one."""
    answer = await here.create(by, "/v1/referrals", body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def feed(here: Running, person: Person, **asked: Any) -> list[dict[str, Any]]:
    """Everything that somebody sees in the feed."""
    await here.settle()
    items: list[dict[str, Any]] = (await here.read(person, "/v1/feed", limit=200, **asked))["items"]
    return items


async def own_list(here: Running, person: Person) -> list[dict[str, Any]]:
    """Cases and referrals as the API shows them to somebody, with the last event that their feed has of each."""
    events = await feed(here, person)
    listed: list[dict[str, Any]] = []
    for kind in ("case", "referral"):
        last = {event["data"].get(kind): event["id"] for event in events}
        items = (await here.read(person, f"/v1/{kind}s", limit=200))["items"]
        listed += [{kind: item["id"], "state": item["state"], "lastEvent": last[item["id"]]} for item in items]
    return listed


async def compared(here: Running, person: Person, cases: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """What is answered to a list."""
    await here.settle()
    answer = await here.send(person, "POST", PATH, {"cases": cases, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def digest(here: Running, person: Person, **asked: str) -> dict[str, Any]:
    """The hashes of the open cases."""
    await here.settle()
    found: dict[str, Any] = await here.read(person, f"{PATH}/digest", **asked)
    return found


async def test_what_is_shown_to_somebody_is_the_same_as_what_they_were_told(here: Running) -> None:
    """States of cases and of referrals as their own services answer them, for both sides, whatever became of them."""
    accepted, declined = await refer(here, yonas()), await refer(here, another_person())
    await refer(here, another_person("samenstap"))
    await here.done(LOTTE, f"/v1/referrals/{accepted['id']}", "receive")
    await here.done(LOTTE, f"/v1/referrals/{accepted['id']}", "accept", {"coordinator": LOTTE.sub})
    await here.done(LOTTE, f"/v1/referrals/{declined['id']}", "receive")
    await here.done(LOTTE, f"/v1/referrals/{declined['id']}", "decline", {"reason": "CAPACITY_FULL"})
    await here.settle()
    for person in (INES, LOTTE, KARIM):
        listed = await own_list(here, person)
        assert listed
        found = await compared(here, person, listed)
        assert [(one["case"], one["referral"]) for one in found["same"]] == [
            (one.get("case"), one.get("referral")) for one in listed
        ]
        assert (found["missingHere"], found["missingThere"], found["different"], found["catchUp"]) == ([], [], [], None)


async def test_who_is_behind_gets_the_place_in_the_feed_from_where_to_read(here: Running) -> None:
    """From behind the event that it knows, all that follows comes, and nothing that went before."""
    made = await refer(here, yonas())
    before = await own_list(here, LOTTE)
    known = await feed(here, LOTTE)
    await here.done(LOTTE, f"/v1/referrals/{made['id']}", "receive")
    await here.settle()
    after = await feed(here, LOTTE)
    found = await compared(here, LOTTE, before)
    assert len(found["different"]) == 2
    for different in found["different"]:
        assert different["because"] == "BEHIND"
        assert different["here"]["lastEvent"] != different["there"]["lastEvent"]
        missed = (await here.send(LOTTE, "GET", different["catchUp"]["feed"])).json()["items"]
        assert [item["id"] for item in missed][-1] == after[-1]["id"]
        assert different["there"]["lastEvent"] not in [item["id"] for item in missed]
    together = (await here.send(LOTTE, "GET", found["catchUp"]["feed"])).json()["items"]
    assert {item["id"] for item in together} >= {item["id"] for item in after[len(known) :]}


async def test_an_event_that_is_none_of_the_case_is_told_apart(here: Running) -> None:
    """Nobody can say what is missing then, so the feed is read from the first event of the case on."""
    made = await refer(here, yonas())
    mine = [event for event in await feed(here, LOTTE) if event["data"].get("case") == made["case"]]
    cases = [{"case": made["case"], "state": "REFERRED", "lastEvent": "no-such-event"}]
    (different,) = (await compared(here, LOTTE, cases))["different"]
    assert different["because"] == "UNKNOWN_EVENT"
    read = (await here.send(LOTTE, "GET", different["catchUp"]["feed"])).json()["items"]
    assert read[0]["id"] == mine[0]["id"]


async def test_another_state_by_the_same_event_is_told_apart(here: Running) -> None:
    """The other side has made something else of what it was told: nothing has to come again."""
    made = await refer(here, yonas())
    listed = [{**one, "state": "MENTORING"} for one in await own_list(here, LOTTE) if "case" in one]
    (different,) = (await compared(here, LOTTE, listed))["different"]
    assert (different["because"], different["here"]["state"]) == ("STATE", "REFERRED")
    assert different["catchUp"]["href"] == f"/v1/cases/{made['case']}"
    assert different["catchUp"]["feed"] is None


async def test_what_one_side_lacks_is_named(here: Running) -> None:
    """Open cases that were not listed, with the place where they begin; and what there is not, or not for them."""
    made = await refer(here, yonas())
    others = await refer(here, another_person("samenstap"))
    listed = [{"case": others["case"], "state": "REFERRED"}, {"referral": "no-such-one", "state": "SUBMITTED"}]
    found = await compared(here, LOTTE, listed)
    assert [(one["case"], one["referral"]) for one in found["missingHere"]] == [
        (others["case"], None),
        (None, "no-such-one"),
    ]
    (missing,) = found["missingThere"]
    assert (missing["case"], missing["referral"], missing["state"]) == (made["case"], made["id"], "REFERRED")
    assert found["moreMissingThere"] is False
    assert (await compared(here, LOTTE, listed, complete=False))["missingThere"] == []


async def test_a_case_that_is_listed_by_its_referral_is_not_missing(here: Running) -> None:
    """An organisation may keep its list by referrals alone."""
    await refer(here, yonas())
    referrals = [one for one in await own_list(here, LOTTE) if "referral" in one]
    found = await compared(here, LOTTE, referrals)
    assert (len(found["same"]), found["missingThere"]) == (1, [])


async def test_after_a_withdrawal_the_stop_is_all_that_is_compared(here: Running) -> None:
    """What the organisation has of the case besides is told to nobody, nor asked for."""
    made = await refer(here, yonas())
    await here.settle()
    (basis,) = {
        item["legalBasisId"] for item in (await here.read(INES, f"/v1/referrals/{made['id']}/events"))["items"]
    } - {None}
    await here.done(INES, f"/v1/legal-bases/{basis}", "withdraw", {})
    events = [event for event in await feed(here, LOTTE) if event["data"].get("case") == made["case"]]
    listed = [{"case": made["case"], "state": "REFERRED", "lastEvent": events[-1]["id"]}]
    found = await compared(here, LOTTE, listed)
    assert len(found["same"]) == 1
    assert (await digest(here, LOTTE))["cases"] == []
    (different,) = (await compared(here, LOTTE, [{"case": made["case"], "state": "REFERRED"}]))["different"]
    assert different["here"] == {"state": None, "lastEvent": events[-1]["id"]}


@pytest.mark.parametrize(
    ("cases", "code", "pointer"),
    [
        ([{"state": "REFERRED"}], "REQUIRED", "/cases/0/case"),
        ([{"case": "a", "referral": "b", "state": "REFERRED"}], "NOT_EXPECTED", "/cases/0/referral"),
        ([{"case": "a", "state": "SUBMITTED"}], "UNKNOWN_CODE", "/cases/0/state"),
        ([{"referral": "a", "state": "MENTORING"}], "UNKNOWN_CODE", "/cases/0/state"),
        ([{"case": "a", "state": "CLOSED"}] * 2, "REPEATED", "/cases/1/case"),
        ([{"case": "a", "state": "CLOSED"}, {"case": "b"}], "REQUIRED", "/cases/1/state"),
    ],
)
async def test_a_list_that_cannot_be_compared_is_refused_where_it_is_wrong(
    here: Running, cases: list[dict[str, Any]], code: str, pointer: str
) -> None:
    """With the place in the list, and what would be accepted."""
    problem = assert_problem(await here.send(LOTTE, "POST", PATH, {"cases": cases}), 422)
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer)


async def test_a_list_has_a_bound(here: Running) -> None:
    """5,000 at a time, all of which are looked up."""
    cases = [{"case": f"case-{number}", "state": "CLOSED"} for number in range(5001)]
    problem = assert_problem(await here.send(LOTTE, "POST", PATH, {"cases": cases}), 422)
    assert problem["errors"][0]["pointer"] == "/cases"
    assert len((await compared(here, LOTTE, cases[1:]))["missingHere"]) == 5000


@pytest.mark.parametrize("person", [AUDITOR, OPERATOR, MENTOR, CONTROL])
async def test_lists_are_compared_for_those_who_work_on_the_cases(here: Running, person: Person) -> None:
    """Nobody else has a list of an organisation's cases."""
    assert_problem(await here.send(person, "POST", PATH, {"cases": []}), 403)
    assert_problem(await here.get(person, f"{PATH}/digest"), 403)
    assert (await compared(here, DPO_OF_AGENCY, []))["same"] == []


async def test_both_sides_compute_the_same_digest(here: Running) -> None:
    """Of a case its id, state and last event, of all those hashes in the order of the ids; each side by what it has."""
    for body in (yonas(), another_person()):
        await refer(here, body)
    await refer(here, another_person("samenstap"))
    listed = [one for one in await own_list(here, LOTTE) if "case" in one]
    hashes = {
        one["case"]: sha256(f"{one['case']}\n{one['state']}\n{one['lastEvent']}\n".encode()).hexdigest()
        for one in listed
    }
    of_all = sha256("".join(f"{hashes[case]}\n" for case in sorted(hashes)).encode()).hexdigest()
    assert len(hashes) == 2
    own, theirs = await digest(here, LOTTE, organisation=INES.org), await digest(here, INES, organisation=LOTTE.org)
    assert own == theirs
    assert (own["agency"], own["organisation"], own["hash"]) == (INES.org, LOTTE.org, of_all)
    assert {one["case"]: one["hash"] for one in own["cases"]} == hashes
    assert (await digest(here, LOTTE))["hash"] == of_all
    assert len((await digest(here, INES))["cases"]) == 3
    assert (await digest(here, LOTTE, organisation=KARIM.org))["hash"] == NOTHING


async def test_at_midnight_a_digest_of_each_pair_is_kept(here: Running) -> None:
    """By the domain's clock, and where something changed; a night on which nothing did keeps none."""
    made = await refer(here, yonas())
    assert (await digest(here, INES, organisation=LOTTE.org))["nightly"] is None
    log = here.service("notifications").log
    await here.at(MONDAY + timedelta(days=1))
    night = await digest(here, INES, organisation=LOTTE.org)
    assert night["nightly"]["madeAt"].startswith(f"{MONDAY:%Y-%m-%d}T23:00:00")
    assert (night["nightly"]["cases"], night["nightly"]["hash"]) == (1, night["hash"])
    kept = await _digests(log)
    nights = here.service("notifications").scheduler
    assert nights is not None
    assert await nights.next_due() is None
    await here.done(LOTTE, f"/v1/referrals/{made['id']}", "receive")
    await here.done(LOTTE, f"/v1/referrals/{made['id']}", "decline", {"reason": "CAPACITY_FULL"})
    await here.settle()
    await here.at(MONDAY + timedelta(days=2))
    later = await digest(here, INES, organisation=LOTTE.org)
    assert (later["nightly"]["cases"], later["nightly"]["hash"]) == (0, NOTHING)
    assert await _digests(log) == [*kept, (INES.org, LOTTE.org, 0)]


async def test_each_agency_has_a_digest_of_its_own_cases_with_an_organisation(here: Running) -> None:
    """An organisation that works for two of them has one with each, and neither learns of the other's cases."""
    await refer(here, yonas())
    theirs = await refer(here, another_person(), PIETER)
    await here.at(MONDAY + timedelta(days=1))
    for agency in (INES, PIETER):
        night = await digest(here, agency, organisation=LOTTE.org)
        assert (night["nightly"]["cases"], night["nightly"]["hash"]) == (1, night["hash"])
        assert night == await digest(here, LOTTE, organisation=agency.org)
        assert [one["case"] == theirs["case"] for one in night["cases"]] == [agency is PIETER]
    assert len((await digest(here, LOTTE))["cases"]) == 2


async def _digests(log: Any) -> list[tuple[str, str, int]]:
    recorded = await log.read_all(0, 10_000)
    made = [one.event for one in recorded if type(one.event).__name__ == "DigestMade"]
    return [(event.agency, event.organisation, event.cases) for event in made]


async def test_a_night_that_is_tried_again_keeps_nothing_twice(here: Running) -> None:
    """As when the process ended just behind it."""
    await refer(here, yonas())
    await here.at(MONDAY + timedelta(days=1))
    service = here.service("notifications")
    before = await service.log.head()
    assert service.scheduler is not None
    fire, night = service.scheduler._fire, sortable(MONDAY)
    await asyncio.gather(*(fire(STREAM, Pending(night, NIGHT, NIGHT, night)) for _ in range(2)))
    assert await service.log.head() == before
