"""Whether a resource exists is told to nobody without a part in it: every route, role and organisation.

The routes are those that the applications have. For a caller without a part the answer about what there is has to be
that about what there is not: status, headers and body, apart from `instance`, which is the path, and the
request's own trace.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from contracts.codes import Role
from tests.casefile.cases import PROPOSAL, SERVICES, CaseContext
from tests.casefile.gap_stories import GAP
from tests.support.broadcasts import BROADCASTS, broadcast
from tests.support.people import INES, KARIM, LOTTE, Person
from tests.support.requests import AGREEMENT, INTAKE, another_person
from tests.support.running import Running, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("strangers"), pytest.mark.timeout(300)]

AGENCY, HOLDER, FORMER, GONE = "vdab-gent", "brugwerk", "samenstap", "vierde-vzw"
ORGANISATIONS: Final = (AGENCY, HOLDER, FORMER, GONE, "actiris-demo", "caserelay-demo", "nobody-knows-it")
"""The agency, the organisation that has the case, one whose referral ended, one whose access did, and others."""
READERS: Final = {"AGENCY_COUNSELLOR", "AGENCY_TEAM_LEAD", "NGO_COORDINATOR", "NGO_LEAD", "DPO"}
"""The roles that have a part in what their organisation has a part in (domain reference 7.1); an auditor has in all."""
NO_SECRETS: Final = {"organisation_id", "programme_id", "version", "name", "path", "question"}
"""Parameters of what everybody may read, or of what has a name that everybody knows, as every place of a tree has."""
WITHIN: Final = {"event"}
"""Parameters of what is within what another parameter names: hidden with it."""
LINKS: Final = {"token"}
"""What is in a letter is for its reader: no caller's token plays a part (tests/notifications/links)."""
NEEDED: Final = {"/v1/cases/{case_id}/export": {"format": "csv"}}
"""Queries without which a route is answered by what it lacks, to everybody the same."""
MISSING: Final = "00000000-0000-4000-8000-000000000000"
HALF_A_YEAR: Final = timedelta(days=180)


@dataclass(frozen=True)
class There:
    """Something that exists, and the organisations with a part in it."""

    id: str
    parties: frozenset[str]


@dataclass(frozen=True)
class Scene:
    """The services, and by the name of a route's parameter what there is."""

    running: Running
    there: dict[str, list[There]]
    position: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A case that went to three organisations: the access of the first is over, the last one has it, with a match."""
    async with running(tmp_path_factory.mktemp("strangers"), SERVICES) as services:
        await services.set_the_scene()
        context = CaseContext(services)
        described = {"name": "Vierde", "kind": "MENTORING_ORG", "programmes": ["mtw-be-2026"]}
        await services.send(
            Person("demo.operator", "caserelay-demo", "OPERATOR"), "PUT", f"/v1/organisations/{GONE}", described
        )
        await context.describe_mentor()
        gone = Person("somebody", GONE, "NGO_COORDINATOR")
        client = {"ref": "CL-STRANGE"}
        case = await context.referred(another_person(GONE, client=client))
        offers = [case.offer]
        await context.follow(case, gone, "receive")
        await context.follow(case, gone, "decline", {"reason": "CAPACITY_FULL"})
        await services.at(services.clock.now() + HALF_A_YEAR)
        answers = (
            (FORMER, KARIM, "decline", {"reason": "CAPACITY_FULL"}),
            (HOLDER, LOTTE, "accept", {"coordinator": LOTTE.sub}),
        )
        for organisation, coordinator, answer, body in answers:
            again = await context.referred(another_person(organisation, client=client))
            assert again.id == case.id
            offers.append(again.offer)
            await context.follow(again, coordinator, "receive")
            await context.follow(again, coordinator, answer, body)
        for action, body in (("conclude-intake", INTAKE), ("propose-match", PROPOSAL)):
            await services.done(LOTTE, case.path, action, body)
        for side in ("MENTOR", "MENTEE"):
            await services.done(LOTTE, case.path, "confirm-match", {"by": side, "onBehalfReason": "BY_PHONE"})
        webhook = {"channel": "WEBHOOK", "url": "https://hooks.example.org/caserelay"}
        subscribed = await services.create(LOTTE, "/v1/subscriptions", webhook)
        assert subscribed.status_code == 201, subscribed.text
        signed = await services.done(LOTTE, case.path, "sign-agreement", AGREEMENT)
        await services.done(LOTTE, case.path, "report-gap", GAP)
        away = {"substitute": "an.peeters", "until": "2026-12-31T00:00:00Z"}
        assert (await services.send(LOTTE, "PUT", f"/v1/absences/{LOTTE.sub}", away)).is_success
        bases = [(await services.read(INES, offer))["legalBasis"]["id"] for offer in offers]
        await services.settle()
        told = await services.read(LOTTE, f"/v1/subscriptions/{subscribed.json()['id']}/deliveries")
        several = await services.create(INES, BROADCASTS, broadcast(HOLDER, FORMER))
        to = [frozenset({AGENCY, organisation}) for organisation in (GONE, FORMER, HOLDER)]
        await services.settle()
        yield Scene(
            services,
            {
                "case_id": [There(case.id, frozenset({AGENCY, HOLDER, FORMER, GONE}))],
                "referral_id": [There(offer.rpartition("/")[2], who) for offer, who in zip(offers, to, strict=True)],
                "basis_id": [There(basis, who) for basis, who in zip(bases, to, strict=True)],
                # To the organisations that are offered something as well, as if it were not there.
                "broadcast_id": [There(several.json()["id"], frozenset({AGENCY}))],
                "gap_id": [There(f"{case.id}.g1", frozenset({AGENCY, HOLDER}))],
                "sub": [There(LOTTE.sub, frozenset({HOLDER}))],
                "ref": [There("M-41", frozenset({HOLDER}))],
                "subscription_id": [There(subscribed.json()["id"], frozenset({HOLDER}))],
                "delivery_id": [There(told["items"][0]["id"], frozenset({HOLDER}))],
            },
            signed.headers["Position"],
        )


def routes(scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Method, path and parameter of every route to one resource; an unknown parameter is a question to be answered."""
    for app in scene.running.apps.values():
        for path, methods in app.openapi()["paths"].items():
            parameters = set(re.findall(r"{(\w+)}", path)) - NO_SECRETS - WITHIN - LINKS
            if not parameters:
                continue
            (parameter,) = parameters
            assert parameter in scene.there, f"say here what {parameter} names, and who has a part in it"
            for method in methods:
                yield method.upper(), path, parameter


def callers(org: str) -> Iterator[Person]:
    """Somebody of the organisation in every role that a person may have."""
    for role in Role:
        if role is not Role.SYSTEM:
            yield Person("some.body", org, role.value)


def asks(method: str, path: str, position: str) -> list[dict[str, Any]]:
    """Ways to ask: plainly; and without a precondition, with a body that is none, as a dry run, with odd parameters."""
    needed = NEEDED.get(path, {})
    plain: dict[str, Any] = {"body": {} if method != "GET" else None, "etag": '"1"', "key": "a-key", "params": needed}
    ways: list[dict[str, Any]] = [plain]
    if method == "GET":
        odd = ({"waitFor": position}, {"asOf": "nonsense"}, {"limit": "0"}, {"cursor": "nonsense"})
        return [*ways, *({**plain, "params": {**needed, **params}} for params in odd)]
    ways += [{**plain, "etag": None}, {**plain, "key": None}, {**plain, "etag": '"99"'}, {**plain, "etag": "nonsense"}]
    ways += [{**plain, "body": {"nobody": "asked"}}, {**plain, "body": [1]}, {**plain, "params": {"dryRun": "true"}}]
    ways.append({"etag": '"1"', "key": "a-key", "content": b"{no json"})
    return ways


def told(answer: httpx.Response) -> tuple[int, dict[str, str], Any]:
    """All that an answer tells, apart from the path that it was asked at."""
    body = answer.json()
    if isinstance(body, dict):
        body.pop("instance", None)
    # Every request has a trace of its own, drawn by lot: it tells nothing of what it was about.
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", answer.headers["traceparent"])
    apart = {"content-length", "date", "traceparent"}
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in apart}, body


async def ask(scene: Scene, person: Person, method: str, path: str, way: dict[str, Any]) -> Any:
    """What a request is told."""
    return told(
        await scene.running.send(person, method, path, way.get("body"), **{k: v for k, v in way.items() if k != "body"})
    )


@pytest.mark.parametrize("org", ORGANISATIONS)
async def test_who_has_no_part_is_told_the_same_of_what_there_is_and_of_what_there_is_not(
    scene: Scene, org: str
) -> None:
    """404 for every role without a part, and 403 for the control unit, in every way to ask; and nothing happens."""
    heads = {name: await service.log.head() for name, service in scene.running.services.items()}
    looked = 0
    for method, path, parameter in routes(scene):
        for person in callers(org):
            has_part = {
                one.id
                for one in scene.there[parameter]
                if person.role == "AUDITOR" or (person.role in READERS and org in one.parties)
            }
            hidden = [one.id for one in scene.there[parameter] if one.id not in has_part]
            if not hidden:
                continue
            # One role of each organisation asks in every way, the others plainly.
            ways = asks(method, path, scene.position)
            for way in ways if person.role in ("MENTEE", "NGO_LEAD") else ways[:1]:
                missing = await ask(scene, person, method, path.replace(f"{{{parameter}}}", MISSING), way)
                for there in hidden:
                    found = await ask(scene, person, method, path.replace(f"{{{parameter}}}", there), way)
                    assert found == missing, (person, method, path, way)
                    looked += 1
                if way is ways[0] and parameter not in ("ref", "sub"):
                    assert missing[0] == (403 if person.role == "AGENCY_CONTROL" else 404), (person, method, path)
    assert looked > 100
    assert {name: await service.log.head() for name, service in scene.running.services.items()} == heads


async def test_who_has_a_part_finds_it(scene: Scene) -> None:
    """So that the test above is about what there is: parties find it, one whose access ended is told so."""
    run, case = scene.running, f"/v1/cases/{scene.there['case_id'][0].id}"
    last = scene.there["referral_id"][-1].id
    for person in (INES, LOTTE):
        for path in (case, f"/v1/referrals/{last}"):
            assert (await run.get(person, path)).status_code == 200
    assert (await run.get(KARIM, case)).status_code == 200
    assert (await run.get(LOTTE, "/v1/mentors/M-41")).status_code == 200
    ended = Person("somebody", GONE, "NGO_COORDINATOR")
    for path in (case, f"/v1/referrals/{scene.there['referral_id'][0].id}"):
        answer = await run.get(ended, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "ACCESS_ENDED")


async def test_a_pair_of_the_case_is_known_by_its_names_alone(scene: Scene) -> None:
    """The matched mentor and the mentee read the case in their own names; nobody else in their roles does."""
    case = f"/v1/cases/{scene.there['case_id'][0].id}"
    for sub, org, role in (("M-41", HOLDER, "VOLUNTEER_MENTOR"), ("CL-STRANGE", AGENCY, "MENTEE")):
        assert (await scene.running.get(Person(sub, org, role), case)).status_code == 200
        for other in (Person(f"{sub}x", org, role), Person(sub, "actiris-demo", role), Person(sub, org, "OPERATOR")):
            assert (await scene.running.get(other, case)).status_code == 404
