"""What names somebody or something is read by one rule wherever it stands: in bodies, tokens, paths, on the shell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
import pytest_asyncio
from click.testing import CliRunner

from services.bus_administration import create_topics
from services.chassis.delivery.kafka.clients import RefusedTopics
from services.chassis.http.request.paths import path_of
from services.chassis.settings import Settings
from services.cli import main
from tests.casefile.cases import PROFILE, PROPOSAL, CaseContext
from tests.casefile.cases import SERVICES as ALL
from tests.support.identifiers import IDENTIFIERS, NO_IDENTIFIERS
from tests.support.people import INES, LOTTE, OPERATOR, Person
from tests.support.requests import INTAKE, another_person
from tests.support.running import Running, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("one rule for identifiers")]

NUMBER: Final = "85.07.30-033.28"
BODIES: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "/client/ref": lambda one: {"client": {"ref": one}},
    "/to": lambda one: {"to": one},
    "/programme": lambda one: {"programme": one},
    "/legalBasis/recipient": lambda one: {"legalBasis": {**another_person()["legalBasis"], "recipient": one}},
}
"""Where a referral names somebody or something, by its pointer: the body's fields with that name in it."""
PATHS: Final = ("organisations", "mentors", "programmes")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """All services with the demo's organisations."""
    async with running(tmp_path_factory.mktemp("identifiers"), ALL) as all_of_them:
        await all_of_them.set_the_scene()
        yield all_of_them


def faults(answer: Any) -> dict[str, str]:
    """The faults that a refusal lists, by their pointers."""
    return {one["pointer"]: one["code"] for one in answer.json().get("errors") or []}


def claiming(services: Running, **claims: str) -> str:
    """A token of a lead of brugwerk, but for the claims given."""
    said = {"sub": "lotte.claes", "org": "brugwerk", **claims}
    return services.issuer.issue(sub=said["sub"], org=said["org"], role="NGO_LEAD", audience="caserelay")


def refused_on_the_shell(*arguments: str) -> bool:
    """Whether a command refuses to begin, and says which rule it is that was broken."""
    result = CliRunner().invoke(main, arguments)
    return result.exit_code == 2 and "printable characters" in " ".join(result.output.split())


@pytest.mark.parametrize("wrong", NO_IDENTIFIERS)
async def test_what_is_no_identifier_is_none_anywhere(services: Running, wrong: str) -> None:
    """Refused in every body that names somebody, in every path, in a filter, in a token and on the shell."""
    for pointer, naming in BODIES.items():
        answer = await services.create(INES, "/v1/referrals", {**another_person(), **naming(wrong)}, dryRun="true")
        assert faults(answer).get(pointer) == "INVALID_VALUE", pointer
        assert not wrong.strip(" .") or wrong not in answer.text
    described = {"name": "x", "kind": "AGENCY", "programmes": [wrong]}
    answer = await services.send(OPERATOR, "PUT", "/v1/organisations/new", described)
    assert faults(answer) == {"/programmes/0": "INVALID_VALUE"}
    # A client takes dots alone out of a path itself, and an empty segment is another path.
    if wrong not in ("", ".", ".."):
        for kind in PATHS:
            answer = await services.get(LOTTE, f"/v1/{kind}/{quote(wrong, safe='')}")
            assert answer.status_code == 422, (kind, answer.text)
    if wrong:
        assert faults(await services.get(INES, "/v1/cases", clientRef=wrong)) == {"/query/clientRef": "INVALID_VALUE"}
    for claim in ("sub", "org"):
        with pytest.raises(ValueError, match="must be"):
            claiming(services, **{claim: wrong})
    assert refused_on_the_shell("token", "--org", wrong, "--role", "NGO_LEAD", "--sub", "lotte.claes")
    assert refused_on_the_shell("token", "--org", "brugwerk", "--role", "NGO_LEAD", "--sub", wrong)
    assert refused_on_the_shell("bus", "topics", "--organisation", wrong)
    assert refused_on_the_shell("replay", "--", wrong)


@pytest.mark.parametrize("right", IDENTIFIERS)
async def test_what_is_an_identifier_is_one_everywhere(services: Running, right: str) -> None:
    """A body, a path with its link back, a filter and a token take it; what is unknown is said to be unknown."""
    body = {**another_person(), "client": {"ref": right}}
    assert (await services.create(INES, "/v1/referrals", body, dryRun="true")).status_code == 200
    for field, code in (("to", "ORGANISATION_UNKNOWN"), ("programme", "PROGRAMME_UNKNOWN")):
        if right != "brugwerk":
            answer = await services.create(INES, "/v1/referrals", {**another_person(), field: right}, dryRun="true")
            assert faults(answer).get(f"/{field}") == code
    path = path_of("mentors", right)
    described = await services.send(LOTTE, "PUT", path, PROFILE)
    assert described.status_code == 200, described.text
    assert described.json()["ref"] == right
    assert (await services.read(LOTTE, described.json()["links"]["self"]))["ref"] == right
    path, dry = path_of("organisations", right), {"dryRun": "true"}
    described = await services.send(OPERATOR, "PUT", path, {"name": "x", "kind": "AGENCY"}, params=dry)
    assert described.status_code in (200, 428), described.text
    assert (await services.read(INES, "/v1/cases", clientRef=right))["items"] == []
    claiming(services, sub=right, org=right)


async def test_whom_a_token_names_a_body_can_name(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A mentor whose `sub` has letters beyond ASCII and a slash is described, proposed, and finds the case."""
    async with running(tmp_path_factory.mktemp("named"), ALL) as services:
        await services.set_the_scene()
        context, mentor = CaseContext(services), "zoë/peeters 李"
        described = await services.send(LOTTE, "PUT", path_of("mentors", mentor), PROFILE)
        assert described.status_code == 200, described.text
        case = await context.accepted()
        await services.done(LOTTE, case.path, "conclude-intake", INTAKE)
        await services.done(LOTTE, case.path, "propose-match", {**PROPOSAL, "mentorRef": mentor})
        asked = Person(mentor, "brugwerk", "VOLUNTEER_MENTOR")
        assert (await services.read(asked, case.path))["id"] == case.id


@pytest.mark.parametrize("organisation", ["université", "a b", "a/b", "x" * 230])
async def test_what_cannot_name_a_topic_is_refused_before_kafka_is_asked(organisation: str) -> None:
    """An organisation may have such an id; the refusal says what its systems do instead."""
    with pytest.raises(RefusedTopics, match="/v1/feed"):
        create_topics(Settings(kafka_servers="127.0.0.1:1"), ["brugwerk", organisation])


async def test_the_route_of_an_encoded_path_is_counted_as_any(services: Running) -> None:
    """Metrics name the route and not the path, also where an identifier has a slash in it."""

    async def counted() -> set[str]:
        lines = (await services.get(None, "/metrics")).text.splitlines()
        return {line for line in lines if line.startswith("caserelay_requests_total") and "/v1/mentors/{ref}" in line}

    before = await counted()
    await services.get(LOTTE, path_of("mentors", "a/b"))
    assert await counted() != before


async def test_a_national_number_names_nobody(services: Running) -> None:
    """In a path that something is written to, and in a token, it would stand in events."""
    for kind, person, body in (
        ("mentors", LOTTE, PROFILE),
        ("organisations", OPERATOR, {"name": "x", "kind": "AGENCY"}),
    ):
        for written in (NUMBER, "85\u00b707\u00b730\u00b7033\u00b728", "(85)073003328"):
            answer = await services.send(person, "PUT", path_of(kind, written), body)
            assert answer.status_code == 422, answer.text
            assert written not in answer.text
    for claim in ("sub", "org"):
        with pytest.raises(ValueError, match="national number"):
            claiming(services, **{claim: NUMBER})
