"""Somebody of the staff is away, and a colleague stands in: who may name whom, for which time, and what is refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.casefile.cases import CaseContext
from tests.support.people import AN, AUDITOR, CONTROL, HANNE, INES, KARIM, LOTTE, MENTEE, TOM, VOLUNTEER, Person
from tests.support.problems import assert_problem, pointers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile absences")]

FROM, UNTIL = "2026-02-02T07:00:00Z", "2026-02-16T07:00:00Z"


def path(sub: str) -> str:
    """Where the absence of somebody is."""
    return f"/v1/absences/{sub}"


async def name(context: CaseContext, by: Person, absent: str, **body: Any) -> httpx.Response:
    """Names a substitute for the first time, whatever comes of it."""
    body.setdefault("until", UNTIL)
    if "since" in body:
        body["from"] = body.pop("since")
    return await context.running.send(by, "PUT", path(absent), body)


async def test_a_substitute_is_named_read_changed_and_released(fresh: CaseContext) -> None:
    """By the one who is away; every answer is the absence as it then stands, and a repeat changes nothing."""
    body = {"substitute": AN.sub, "from": FROM, "until": UNTIL}
    named = await fresh.running.send(LOTTE, "PUT", path(LOTTE.sub), body)
    assert named.status_code == 200, named.text
    assert named.json() == {
        "sub": LOTTE.sub,
        "organisation": "brugwerk",
        "substitute": AN.sub,
        "from": FROM,
        "until": UNTIL,
        "namedBy": {"role": "NGO_COORDINATOR", "org": "brugwerk", "sub": LOTTE.sub},
        "namedAt": "2026-01-12T09:30:00Z",
        "releasedAt": None,
        "links": {"self": path(LOTTE.sub)},
    }
    assert "Position" in named.headers
    read = await fresh.running.get(AN, path(LOTTE.sub))
    assert (read.json(), read.headers["ETag"]) == (named.json(), named.headers["ETag"])
    before = await fresh.snapshot()
    again = await fresh.running.send(LOTTE, "PUT", path(LOTTE.sub), body, etag=named.headers["ETag"])
    assert (again.status_code, again.headers["ETag"]) == (200, named.headers["ETag"])
    dry = {"dryRun": "true"}
    later = {**body, "until": "2026-02-20T07:00:00Z"}
    tried = await fresh.running.send(LOTTE, "PUT", path(LOTTE.sub), later, etag=named.headers["ETag"], params=dry)
    assert tried.json()["events"] == ["StandInNamed", "SubstituteNamed"]
    assert await fresh.snapshot() == before
    changed = await fresh.running.send(LOTTE, "PUT", path(LOTTE.sub), later, etag=named.headers["ETag"])
    assert changed.json()["until"] == later["until"]
    released = await fresh.running.done(LOTTE, path(LOTTE.sub), "release")
    assert released.json()["releasedAt"] == "2026-01-12T09:30:00Z"
    once_more = await fresh.running.done(LOTTE, path(LOTTE.sub), "release")
    assert once_more.headers["ETag"] == released.headers["ETag"]


async def test_a_change_names_the_version_that_it_changes(shared: CaseContext) -> None:
    """Without If-Match 428, with an old one 412; the first naming needs none."""
    body = {"substitute": "an.second", "from": FROM, "until": UNTIL}
    named = await shared.running.send(HANNE, "PUT", path("lotte.second"), body)
    changed = {**body, "until": "2026-02-20T07:00:00Z"}
    assert_problem(await shared.running.send(HANNE, "PUT", path("lotte.second"), changed), 428)
    assert_problem(await shared.running.send(HANNE, "POST", path("lotte.second") + "/release", {}), 428)
    etag = named.headers["ETag"]
    assert (await shared.running.send(HANNE, "PUT", path("lotte.second"), changed, etag=etag)).status_code == 200
    assert_problem(await shared.running.send(HANNE, "PUT", path("lotte.second"), body, etag=etag), 412)
    stale = await shared.running.send(HANNE, "POST", path("lotte.second") + "/release", {}, etag=etag)
    assert_problem(stale, 412)


async def test_one_names_ones_own_substitute_and_a_lead_anybodys_of_the_organisation(shared: CaseContext) -> None:
    """A colleague may not name anybody else's; who is not of the staff has no part in it at all."""
    assert (await name(shared, TOM, "ines.away", substitute="a.colleague")).status_code == 200
    before = await shared.snapshot()
    assert_problem(await name(shared, INES, "els.away", substitute="a.colleague"), 403, "ROLE_NOT_ALLOWED")
    for person in (CONTROL, VOLUNTEER, MENTEE, AUDITOR):
        refused = await name(shared, person, person.sub, substitute="a.colleague")
        assert refused.status_code == 403, (person, refused.text)
    assert await shared.snapshot() == before


async def test_a_substitute_is_of_the_same_organisation(shared: CaseContext) -> None:
    """Another organisation cannot be named; the same person elsewhere is somebody else, and stands in for nobody."""
    refused = await name(shared, LOTTE, LOTTE.sub, substitute=KARIM.sub, organisation="samenstap")
    assert pointers(refused) == {"/organisation": "READ_ONLY"}
    assert (await name(shared, HANNE, "lotte.fourth", substitute=KARIM.sub, since=FROM)).status_code == 200
    assert (await shared.running.get(KARIM, path("lotte.fourth"))).status_code == 404
    assert (await shared.running.read(KARIM, "/v1/absences"))["items"] == []


async def test_what_is_no_absence_is_refused_at_its_field(shared: CaseContext) -> None:
    """Oneself, a mentor, a time that is over, an end before the beginning, none, a reason: nothing is recorded."""
    before = await shared.snapshot()
    for body, at, code in (
        ({"substitute": LOTTE.sub}, "/substitute", "SUBSTITUTE_FOR_ONESELF"),
        ({"substitute": VOLUNTEER.sub}, "/substitute", "SUBSTITUTE_IS_MENTOR"),
        ({"substitute": AN.sub, "since": "2026-01-11T09:00:00Z"}, "/from", "IN_THE_PAST"),
        ({"substitute": AN.sub, "until": "2026-01-12T09:30:00Z"}, "/until", "IN_THE_PAST"),
        ({"substitute": AN.sub, "since": UNTIL, "until": FROM}, "/until", "ENDS_BEFORE_IT_BEGINS"),
        ({"substitute": AN.sub, "since": FROM, "until": FROM}, "/until", "ENDS_BEFORE_IT_BEGINS"),
        ({"substitute": AN.sub, "until": None}, "/until", "INVALID_VALUE"),
        ({"substitute": "", "until": UNTIL}, "/substitute", "INVALID_VALUE"),
        ({"substitute": AN.sub, "reason": "ill"}, "/reason", "UNKNOWN_FIELD"),
    ):
        refused = await name(shared, LOTTE, LOTTE.sub, **body)
        assert refused.status_code == 422, (body, refused.text)
        assert pointers(refused).items() >= {at: code}.items(), (body, refused.text)
    assert await shared.snapshot() == before


async def test_nobody_stands_in_while_they_are_away_themselves(fresh: CaseContext) -> None:
    """Neither is somebody named who is away then, nor does a substitute leave; at another time both may be."""
    assert (await name(fresh, HANNE, AN.sub, substitute="els.third", since=FROM, until=UNTIL)).status_code == 200
    meets = {"since": "2026-02-10T07:00:00Z", "until": "2026-03-10T07:00:00Z"}
    refused = await name(fresh, LOTTE, LOTTE.sub, substitute=AN.sub, **meets)
    assert_problem(refused, 409, "SUBSTITUTE_IS_ABSENT", says="2026-02-16")
    after = {"since": UNTIL, "until": "2026-03-10T07:00:00Z"}
    assert (await name(fresh, LOTTE, LOTTE.sub, substitute=AN.sub, **after)).status_code == 200
    chain = {"since": "2026-02-01T07:00:00Z", "until": "2026-02-03T07:00:00Z"}
    refused = await name(fresh, HANNE, "els.third", substitute="piet.fourth", **chain)
    assert (
        "name another substitute for an.peeters first"
        in assert_problem(refused, 409, "STANDS_IN_FOR_ANOTHER")["detail"]
    )
    etag = (await fresh.running.get(AN, path(AN.sub))).headers["ETag"]
    other = {"substitute": "piet.fourth", "from": FROM, "until": UNTIL}
    assert (await fresh.running.send(HANNE, "PUT", path(AN.sub), other, etag=etag)).status_code == 200
    assert (await name(fresh, HANNE, "els.third", substitute="jef.fifth", **chain)).status_code == 200


@pytest.mark.parametrize("round_", range(5))
async def test_of_two_namings_at_once_that_make_a_chain_one_is_refused(shared: CaseContext, round_: int) -> None:
    """One names a colleague who leaves at the same moment: the second is told why."""
    first, second, third = (f"{place}.of.{round_}" for place in ("first", "second", "third"))
    answers = await asyncio.gather(
        name(shared, HANNE, first, substitute=second), name(shared, HANNE, second, substitute=third)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
    (refused,) = (answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] in ("SUBSTITUTE_IS_ABSENT", "STANDS_IN_FOR_ANOTHER")


async def test_a_new_naming_takes_the_place_of_the_old_one(fresh: CaseContext) -> None:
    """So two periods never run at once: the former substitute stands in for nobody from then on."""
    case = await fresh.accepted()
    first = await name(fresh, LOTTE, LOTTE.sub, substitute=AN.sub)
    body = {"substitute": HANNE.sub, "until": UNTIL}
    later = await fresh.running.send(LOTTE, "PUT", path(LOTTE.sub), body, etag=first.headers["ETag"])
    assert later.status_code == 200, later.text
    for person, found in ((AN, False), (HANNE, True), (LOTTE, True)):
        mine = (await fresh.running.read(person, "/v1/worklist", mine="true"))["items"]
        assert bool(mine) is found, person
        assert {item["case"] for item in mine} <= {case.id}


async def test_what_was_read_after_a_release_changes_nothing_when_it_is_sent_back(fresh: CaseContext) -> None:
    """A substitute who was released is not named again by it; without that member it is a new naming."""
    await name(fresh, LOTTE, LOTTE.sub, substitute=AN.sub, since=FROM)
    await fresh.running.done(LOTTE, path(LOTTE.sub), "release")
    read = await fresh.running.get(LOTTE, path(LOTTE.sub))
    before = await fresh.snapshot()
    back = await fresh.running.send(LOTTE, "PUT", path(LOTTE.sub), read.json(), etag=read.headers["ETag"])
    assert back.status_code == 200, back.text
    assert await fresh.snapshot() == before
    body = {"substitute": AN.sub, "from": FROM, "until": UNTIL}
    again = await fresh.running.send(LOTTE, "PUT", path(LOTTE.sub), body, etag=read.headers["ETag"])
    assert again.json()["releasedAt"] is None


async def test_the_absences_of_an_organisation_are_a_list_of_its_own(fresh: CaseContext) -> None:
    """Page by page for its staff and for auditors; another organisation reads none of them, and mentors no list."""
    for number in range(3):
        assert (await name(fresh, HANNE, f"c{number}.away", substitute=AN.sub)).status_code == 200
    assert (await name(fresh, KARIM, KARIM.sub, substitute="els.other")).status_code == 200
    await fresh.running.settle()
    first = await fresh.running.read(LOTTE, "/v1/absences", limit=2)
    rest = await fresh.running.read(LOTTE, "/v1/absences", limit=2, cursor=first["next"])
    assert [item["sub"] for item in (*first["items"], *rest["items"])] == ["c0.away", "c1.away", "c2.away"]
    assert rest["next"] is None
    assert len((await fresh.running.read(AUDITOR, "/v1/absences"))["items"]) == 4
    of_one = await fresh.running.read(AUDITOR, "/v1/absences", organisation="samenstap")
    assert [item["sub"] for item in of_one["items"]] == [KARIM.sub]
    assert (await fresh.running.get(LOTTE, "/v1/absences", organisation="samenstap")).status_code == 404
    assert (await fresh.running.get(VOLUNTEER, "/v1/absences")).status_code == 403
    assert (await fresh.running.get(LOTTE, path("nobody.here"))).status_code == 404
    assert (
        await fresh.running.send(HANNE, "POST", path("nobody.here") + "/release", {}, etag='"1"')
    ).status_code == 404


async def test_the_time_counts_from_its_first_instant_and_not_at_its_last(fresh: CaseContext) -> None:
    """Before, the substitute finds nothing; at `from` all of it; at `until` nothing again."""
    await fresh.accepted()
    now = fresh.running.clock.now()
    times = {"since": "2026-01-12T10:30:00Z", "until": "2026-01-12T11:30:00Z"}
    assert (await name(fresh, LOTTE, LOTTE.sub, substitute=AN.sub, **times)).is_success
    hour, instant = timedelta(hours=1), timedelta(microseconds=1)
    for moment, found in ((now + hour - instant, False), (now + hour, True), (now + 2 * hour - instant, True),
                          (now + 2 * hour, False)):  # fmt: skip
        await fresh.running.at(moment)
        assert bool((await fresh.running.read(AN, "/v1/worklist", mine="true"))["items"]) is found, moment
