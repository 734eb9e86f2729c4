"""A cursor is of one list, with its filters, for one caller: tried at every list that the applications have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

import pytest
import pytest_asyncio

from contracts.referral import ReferralSubmitted
from services.sandbox.charter import CHARTER
from tests.casefile.cases import SERVICES, CaseContext
from tests.support.people import AUDITOR, HANNE, INES, LOTTE, OPERATOR, Person
from tests.support.requests import another_person
from tests.support.running import Running, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("every list"), pytest.mark.timeout(300)]

NO_FILTERS: Final = {"limit", "cursor", "after", "waitFor", "expand"}
"""What says how a page is shown, or when; everything else says what is in the list."""


@dataclass(frozen=True)
class Scene:
    """The services; every list by its path, with the parameter of its cursor, and a value for each of its filters."""

    running: Running
    lists: dict[str, tuple[str, dict[str, str]]]


STATES: Final = {
    "/v1/cases": "INTAKE",
    "/v1/gaps": "OPEN",
    "/v1/subscriptions/{subscription_id}/deliveries": "PENDING",
}
"""Which state there is more than one of, in each list that is asked for one; of the others ACCEPTED."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Two cases on their way, and two mentors: more than one of everything that is listed."""
    async with running(tmp_path_factory.mktemp("lists"), SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        for mentor in ("M-41", "M-42"):
            await context.describe_mentor(mentor)
        again = await services.send(OPERATOR, "PUT", "/v1/charters/v2", CHARTER)
        assert again.status_code == 200, again.text
        for sub in ("c1.away", "c2.away"):
            away = {"substitute": "an.peeters", "until": "2026-06-01T00:00:00Z"}
            assert (await services.send(HANNE, "PUT", f"/v1/absences/{sub}", away)).is_success
        hooks = []
        for hook in ("a", "b"):
            webhook = {"channel": "WEBHOOK", "url": f"https://hooks.example.org/{hook}"}
            hooks.append(await services.create(LOTTE, "/v1/subscriptions", webhook))
            assert hooks[-1].status_code == 201
        cases = [await context.accepted(another_person(client={"ref": "CL-1"})), await context.accepted()]
        for case in cases:
            await services.read(LOTTE, f"{case.offer}/contact")
            await services.done(LOTTE, case.path, "report-gap", {"serviceKind": "TRAINING", "gapType": "ABSENT"})
        await services.settle()
        there = {
            "case_id": [case.id for case in cases],
            "referral_id": [case.offer[-36:] for case in cases],
            "subscription_id": [hook.json()["id"] for hook in hooks],
        }
        filters = {
            "agency": "vdab-gent",
            "asOf": "2026-06-01",
            "case": cases[0].id,
            "clientRef": "CL-1",
            "kind": "MENTORING_ORG",
            "knownAt": "2026-06-01",
            "mine": "true",
            "organisation": "brugwerk",
            "overdue": "false",
            "refused": "false",
            "types": ReferralSubmitted.TYPE,
            "viewer": "brugwerk",
        }
        lists = {}
        for app in services.apps.values():
            for template, methods in app.openapi()["paths"].items():
                asked = {one["name"] for one in methods.get("get", {}).get("parameters", ()) if one["in"] == "query"}
                # A case has one receipt until it is handed over again, so they have no second page here.
                if "limit" not in asked or template.endswith("/receipts"):
                    continue
                (cursor,) = asked & {"cursor", "after"}
                state = {"state": STATES.get(template, "ACCEPTED")}
                values = {one: {**filters, **state}[one] for one in asked - NO_FILTERS}
                name = next((name for name in there if f"{{{name}}}" in template), None)
                for path in [template.format(**{name: one}) for one in there[name]] if name else [template]:
                    lists[path] = cursor, values
        yield Scene(services, lists)


async def begun(scene: Scene, person: Person, path: str, **asked: str) -> str | None:
    """The cursor behind the first item of a list; None where the person finds no more than one, or it is not theirs."""
    page = await scene.running.get(person, path, limit=1, **asked)
    if page.status_code in (403, 404):
        return None
    assert page.status_code == 200, page.text
    following: str | None = page.json()["next"]
    return following


async def all_begun(scene: Scene, person: Person) -> dict[str, str]:
    """Those of all lists that have any."""
    return {path: cursor for path in scene.lists if (cursor := await begun(scene, person, path)) is not None}


async def code(scene: Scene, person: Person, path: str, sent: str, **asked: str) -> str:
    """The code of the refusal of a cursor, which says what to do; "" where the list goes on behind it."""
    parameter, _ = scene.lists[path]
    answer = await scene.running.get(person, path, **{"limit": 1, parameter: sent}, **asked)
    if answer.status_code == 200:
        first = await scene.running.read(person, path, limit=1, **asked)
        assert answer.json()["items"] not in ([], first["items"])
        return ""
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert [fault["pointer"] for fault in problem["errors"]] == [f"/query/{parameter}"], answer.text
    assert f"leave `{parameter}` out" in problem["detail"]
    return str(problem["code"])


READERS: Final = [AUDITOR, INES, LOTTE]
BY_READER: Final = pytest.mark.parametrize("person", READERS, ids=[person.sub for person in READERS])


async def test_every_list_is_tried(scene: Scene) -> None:
    """Somebody finds more than one item in each, so that each has a second page."""
    found = {path for person in READERS for path in await all_begun(scene, person)}
    assert found == set(scene.lists)
    assert {
        "/v1/absences",
        "/v1/cases",
        "/v1/charters",
        "/v1/feed",
        "/v1/mentors",
        "/v1/organisations",
        "/v1/referrals",
        "/v1/subscriptions",
        "/v1/worklist",
    } < found
    assert any(path.endswith("/timeline") for path in found)
    assert any(path.endswith("/deliveries") for path in found)


@BY_READER
async def test_a_cursor_goes_on_in_its_own_list_and_in_no_other(scene: Scene, person: Person) -> None:
    """The list of one case is another than that of another case; in another service it cannot even be read."""
    cursors = await all_begun(scene, person)
    refused = {"CURSOR_OF_ANOTHER_LIST", "CURSOR_UNREADABLE"}
    for path, cursor in cursors.items():
        for other in cursors:
            assert await code(scene, person, other, cursor) in ({""} if other == path else refused), (path, other)


@BY_READER
async def test_a_cursor_is_of_the_filters_that_the_list_was_begun_with(scene: Scene, person: Person) -> None:
    """One more than at the beginning, or one less."""
    for path, cursor in (await all_begun(scene, person)).items():
        for name, value in scene.lists[path][1].items():
            if name == "viewer" and person != AUDITOR:
                # Nobody else sees as others do.
                continue
            asked = {name: value}
            assert await code(scene, person, path, cursor, **asked) == "CURSOR_OF_OTHER_FILTERS", (path, name)
            if (filtered := await begun(scene, person, path, **asked)) is not None:
                assert await code(scene, person, path, filtered) == "CURSOR_OF_OTHER_FILTERS", (path, name)
                assert await code(scene, person, path, filtered, **asked) == "", (path, name)


@BY_READER
async def test_a_cursor_is_its_callers_own(scene: Scene, person: Person) -> None:
    """A colleague in the same role begins by itself."""
    colleague = replace(person, sub="somebody.else")
    for path, cursor in (await all_begun(scene, person)).items():
        assert await code(scene, colleague, path, cursor) == "CURSOR_OF_ANOTHER_CALLER", path


@BY_READER
async def test_how_a_page_is_shown_is_no_filter(scene: Scene, person: Person) -> None:
    """The next one may be longer."""
    for path, cursor in (await all_begun(scene, person)).items():
        parameter, _ = scene.lists[path]
        assert (await scene.running.get(person, path, **{"limit": 200, parameter: cursor})).status_code == 200


@BY_READER
async def test_nobody_makes_a_cursor(scene: Scene, person: Person) -> None:
    """Neither from another one, nor as versions made them that sealed none."""
    for path, cursor in (await all_begun(scene, person)).items():
        for sent in (cursor[:-4] + "AAAA", cursor + "A", cursor[1:], "YzE6MQ", "dzF8MjAyNi0wMS0wNXxr"):
            assert await code(scene, person, path, sent) == "CURSOR_UNREADABLE", (path, sent)
