"""What GET gives can be PUT back: it changes nothing, and what is not the caller's to say is believed of nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from services.chassis.deciding.idempotency import Key
from services.notifications.stamping import subscription_id_for
from tests.casefile.cases import PROFILE, SERVICES
from tests.notifications.subscribers import stream_of
from tests.notifications.subscriptions import to_every_value
from tests.support.people import HANNE, LOTTE, OPERATOR, PROGRAMME, Person
from tests.support.running import Running, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("put back")]

ORGANISATION: Final = "/v1/organisations/brugwerk"
MENTOR: Final = "/v1/mentors/M-41"
CONTACT: Final = f"{MENTOR}/contact"
VERSION: Final = f"/v1/programmes/{PROGRAMME}/versions/1"
CHARTER: Final = "/v1/charters/v1"
ABSENCE: Final = f"/v1/absences/{LOTTE.sub}"
WEBHOOK: Final = {"channel": "WEBHOOK", "url": "https://hooks.example.org/caserelay"}
SUBSCRIPTION: Final = f"/v1/subscriptions/{subscription_id_for(Key(LOTTE.org, LOTTE.sub, 'put-back'))}"
TEMPLATES: Final = {
    "/v1/organisations/{organisation_id}": ORGANISATION,
    "/v1/mentors/{ref}": MENTOR,
    "/v1/mentors/{ref}/contact": CONTACT,
    "/v1/absences/{sub}": ABSENCE,
    "/v1/charters/{version}": CHARTER,
    "/v1/subscriptions/{subscription_id}": SUBSCRIPTION,
    "/v1/programmes/{programme_id}/versions/{version}": VERSION,
}
"""Of every route that takes a PUT, a thing that is there."""
WITH_FIXED: Final = [path for path in TEMPLATES.values() if path != CONTACT]
"""Those that say something of themselves which is not the caller's to say."""
PEOPLE: Final[dict[str, tuple[Person, ...]]] = {
    ORGANISATION: (OPERATOR, LOTTE, HANNE),
    MENTOR: (LOTTE, HANNE),
    CONTACT: (LOTTE, HANNE),
    ABSENCE: (HANNE, LOTTE),
    CHARTER: (OPERATOR,),
    SUBSCRIPTION: (LOTTE, HANNE),
    VERSION: (OPERATOR,),
}
SERVICE_OF: Final = {
    ORGANISATION: "referral",
    MENTOR: "casefile",
    CONTACT: "casefile",
    ABSENCE: "casefile",
    CHARTER: "casefile",
    SUBSCRIPTION: "notifications",
    VERSION: "referral",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """An organisation with everything that one can have, a mentor, and the demo's programme."""
    async with running(tmp_path_factory.mktemp("put-back"), SERVICES) as all_of_them:
        await all_of_them.set_the_scene()
        read = await all_of_them.get(LOTTE, ORGANISATION)
        full = {
            "name": "Brugwerk",
            "languages": ["nl"],
            "sectors": ["M"],
            "capacity": 7,
            "contactPoint": " the context ",
        }
        etag = read.headers["ETag"]
        assert (await all_of_them.send(LOTTE, "PUT", ORGANISATION, full, etag=etag)).status_code == 200
        described = await all_of_them.send(LOTTE, "PUT", MENTOR, PROFILE)
        assert described.status_code == 200
        contact = {"email": "mentor@mentors.example", "language": "fr"}
        given = await all_of_them.send(LOTTE, "PUT", CONTACT, contact, etag=described.headers["ETag"])
        assert given.status_code == 200
        away = {"substitute": "an.peeters", "from": "2026-02-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"}
        assert (await all_of_them.send(LOTTE, "PUT", ABSENCE, away)).status_code == 200
        # Over before it began, so that all of its members have a value.
        await all_of_them.done(LOTTE, ABSENCE, "release")
        subscribed = await all_of_them.create(LOTTE, "/v1/subscriptions", WEBHOOK, key="put-back")
        assert subscribed.headers["Location"] == SUBSCRIPTION
        await to_every_value(all_of_them.service("notifications").streams, stream_of(SUBSCRIPTION))
        yield all_of_them


async def read(services: Running, person: Person, path: str) -> tuple[dict[str, Any], str | None]:
    """The resource of a path as GET gives it, with its ETag."""
    if path != VERSION:
        answer = await services.get(person, path)
        assert answer.status_code == 200, answer.text
        return answer.json(), answer.headers["ETag"]
    # A version has no route of its own to be read by; it stands in its programme.
    (version,) = (await services.read(person, f"/v1/programmes/{PROGRAMME}"))["versions"]
    return version, None


async def heads(services: Running) -> list[int]:
    """How far the logs have come."""
    await services.settle()
    return [await service.log.head() for service in services.services.values()]


def another(value: Any) -> Any:
    """A value of the same kind that is another one."""
    match value:
        case int():
            return value + 1
        case dict():
            return {**value, "self": "/v1/elsewhere"}
        case str() if value.startswith("20"):
            return "2026-01-11T00:00:00Z"
        case _:
            return "another"


async def test_every_route_that_puts_is_asked_here(services: Running) -> None:
    """A new one has to say here what is there."""
    paths = {path for app in services.apps.values() for path, ways in app.openapi()["paths"].items() if "put" in ways}
    assert paths == TEMPLATES.keys()


@pytest.mark.parametrize("path", TEMPLATES.values())
async def test_what_was_read_may_be_sent_back_and_changes_nothing(services: Running, path: str) -> None:
    """By everyone who may PUT: 200, the same ETag, no event, no record in the vault, no Position."""
    for person in PEOPLE[path]:
        body, etag = await read(services, person, path)
        before = await heads(services)
        answer = await services.send(person, "PUT", path, body, etag=etag)
        assert answer.status_code == 200, answer.text
        assert await heads(services) == before
        assert await read(services, person, path) == (body, etag)
        assert "Position" not in answer.headers


@pytest.mark.parametrize("path", WITH_FIXED)
async def test_no_member_of_what_was_read_is_unknown_or_passed_over(services: Running, path: str) -> None:
    """Each is either taken, with another value too, or refused with its pointer once it has another value."""
    person = PEOPLE[path][0]
    body, etag = await read(services, person, path)
    document = services.apps[SERVICE_OF[path]].openapi()
    (template,) = (one for one, there in TEMPLATES.items() if there == path)
    named = document["paths"][template]["put"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    known = document["components"]["schemas"][named.rpartition("/")[2]]["properties"]
    assert body.keys() <= known.keys()
    fixed = {name for name in body if known[name].get("readOnly")}
    assert fixed
    before = await heads(services)
    for name in sorted(fixed):
        for value in (another(body[name]), None):
            answer = await services.send(person, "PUT", path, {**body, name: value}, etag=etag)
            assert answer.status_code == 422, (name, answer.text)
            assert [(f["pointer"], f["code"]) for f in answer.json()["errors"]] == [(f"/{name}", "READ_ONLY")]
    assert await heads(services) == before


@pytest.mark.parametrize("path", [ORGANISATION, MENTOR])
async def test_who_is_behind_is_told_that_and_not_what_else_has_moved(services: Running, path: str) -> None:
    """The version in the body is as old as If-Match, and 412 says what there is to know."""
    person = PEOPLE[path][0]
    body, etag = await read(services, person, path)
    changed = await services.send(person, "PUT", path, {**body, "capacity": body["capacity"] - 1}, etag=etag)
    assert changed.status_code == 200, changed.text
    late = await services.send(person, "PUT", path, body, etag=etag)
    assert (late.status_code, late.json()["code"]) == (412, "STALE_VERSION")
    either = await services.send(person, "PUT", path, changed.json(), etag=f"{etag}, {changed.headers['ETag']}")
    assert either.status_code == 200, either.text


@pytest.mark.parametrize("path", [ORGANISATION, MENTOR, ABSENCE])
async def test_what_is_not_there_yet_is_put_as_what_it_will_be(services: Running, path: str) -> None:
    """A body read elsewhere names another version; what it says of itself otherwise may stand."""
    new = path.rpartition("/")[0] + "/not-there-yet"
    person = PEOPLE[path][0]
    body, _ = await read(services, person, path)
    refused = await services.send(person, "PUT", new, body)
    assert refused.status_code == 422
    assert {fault["code"] for fault in refused.json()["errors"]} == {"READ_ONLY"}
    assert (await services.get(person, new)).status_code == 404


@pytest.mark.parametrize(
    ("written", "status"),
    [("12.0", 200), ("1.2e1", 200), ("12", 200), ("12.5", 422), ('"12"', 422), ("1e400", 422), ("true", 422)],
)
@pytest.mark.parametrize("path", [ORGANISATION, MENTOR])
async def test_an_integer_is_a_number_without_a_fraction(
    services: Running, path: str, written: str, status: int
) -> None:
    """12.0 is one by JSON Schema; 12.5, a text and a truth value are none."""
    person = PEOPLE[path][0]
    body, etag = await read(services, person, path)
    text = json.dumps({**body, "capacity": "HERE"}).replace('"HERE"', written)
    answer = await services.send(person, "PUT", path, content=text.encode(), etag=etag, params={"dryRun": "true"})
    assert answer.status_code == status, answer.text
    if status == 200:
        assert (answer.json()["capacity"], "12.0" in answer.text) == (12, False)
    else:
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/capacity"]
