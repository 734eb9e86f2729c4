"""Production: three processes on one data directory, with the tokens of an identity provider."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from deploy.contracts.documents import CONTRACTS
from tests.journeys.sandbox import Program
from tests.sandbox.issuer import Issuer, issuing
from tests.support.people import INES, LOTTE, OPERATOR, PROGRAMME, Person
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("production")]

ORGANISATIONS: dict[str, dict[str, Any]] = {
    "vdab-gent": {"name": "VDAB Gent", "kind": "AGENCY", "programmes": [PROGRAMME]},
    "brugwerk": {"name": "Brugwerk vzw", "kind": "MENTORING_ORG", "programmes": [PROGRAMME]},
}
NAMES = ("referral", "casefile", "notifications")


@dataclass
class Production:
    """The three services, each in a process of its own, and somebody who asks them."""

    issuer: Issuer
    programs: dict[str, Program]
    http: httpx.Client

    def send(
        self, service: str, person: Person, method: str, path: str, body: Any = None, **more: Any
    ) -> httpx.Response:
        """One request to one of the processes."""
        headers = {"Authorization": f"Bearer {self.issuer.token(person)}", **more.pop("headers", {})}
        return self.http.request(method, self.programs[service].url + path, json=body, headers=headers, **more)

    def submit(self) -> httpx.Response:
        """A referral of today, posted to the referral service."""
        now = datetime.now(UTC).replace(microsecond=0)
        chosen, given = now - timedelta(hours=2), now - timedelta(hours=1)
        body = another_person()
        body["participationChoice"]["chosenAt"] = chosen.isoformat()
        body["legalBasis"]["givenAt"] = given.isoformat()
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return self.send("referral", INES, "POST", "/v1/referrals", body, headers=key)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The three services over one directory, with a programme and two organisations."""
    data = tmp_path_factory.mktemp("production") / "var"
    with issuing() as issuer, httpx.Client(timeout=30) as http, ExitStack() as stack:
        programs = {}
        for name in NAMES:
            programs[name] = Program(data, "serve", name, issuer=issuer.url)
            stack.callback(programs[name].stop)
        for program in programs.values():
            program.wait_until_ready()
        running = Production(issuer, programs, http)
        parameters = {
            "validFrom": "2026-01-01",
            "kind": "MENTORING_TO_WORK",
            "name": "Mentoring to work",
            "timeZone": "Europe/Brussels",
            "country": "BE",
            "criteria": ["REGISTERED_JOBSEEKER", "RIGHT_TO_WORK", "NO_CONCURRENT_PROGRAMME"],
            "arrangementId": "arrangement-2026",
            "contactPoint": "privacy@voorbeeld.example",
            "charterVersion": "v1",
        }
        path = f"/v1/programmes/{PROGRAMME}/versions/1"
        assert running.send("referral", OPERATOR, "PUT", path, parameters).status_code == 200
        for organisation, described in ORGANISATIONS.items():
            answer = running.send("referral", OPERATOR, "PUT", f"/v1/organisations/{organisation}", described)
            assert answer.status_code == 200, answer.text
        yield running


def test_a_referral_travels_through_three_processes(production: Production) -> None:
    """Posted at one, visible at the second, told by the third; each answers once it has what is waited for."""
    posted = production.submit()
    assert posted.status_code == 201, posted.text
    case, offer, seen = posted.json()["case"], posted.headers["Location"], {"waitFor": posted.headers["Position"]}
    read = production.send("casefile", LOTTE, "GET", f"/v1/cases/{case}", params=seen)
    assert (read.status_code, read.json()["state"]) == (200, "REFERRED")
    feed = production.send("notifications", LOTTE, "GET", "/v1/feed", params={**seen, "limit": 200})
    assert "org.caserelay.referral.submitted.v1" in [
        one["type"] for one in feed.json()["items"] if one["subject"] == case
    ]
    for action, body in (("receive", {}), ("accept", {"coordinator": LOTTE.sub})):
        etag = production.send("referral", LOTTE, "GET", offer).headers["ETag"]
        done = production.send("referral", LOTTE, "POST", f"{offer}/{action}", body, headers={"If-Match": etag})
        assert done.status_code == 200, done.text
        seen = {"waitFor": done.headers["Position"]}
    owners = production.send("casefile", INES, "GET", f"/v1/cases/{case}/responsibility", params=seen).json()["steps"]
    assert {step["owner"]["sub"] for step in owners} == {LOTTE.sub}


def test_a_position_of_casefile_is_understood_by_the_other_processes(production: Production) -> None:
    """The handback that casefile takes completes the referral and reaches the feed."""
    posted = production.submit()
    case, offer, position = posted.json()["case"], posted.headers["Location"], posted.headers["Position"]

    def does(service: str, person: Person, resource: str, action: str, body: Any) -> str:
        params = {"waitFor": position}
        etag = production.send(service, person, "GET", resource, params=params).headers["ETag"]
        done = production.send(service, person, "POST", f"{resource}/{action}", body, headers={"If-Match": etag})
        assert done.status_code == 200, done.text
        return done.headers["Position"]

    position = does("referral", LOTTE, offer, "receive", {})
    position = does("referral", LOTTE, offer, "accept", {"coordinator": LOTTE.sub})
    unsuitable = {"suitable": False, "reason": "NEEDS_OTHER_SUPPORT"}
    position = does("casefile", LOTTE, f"/v1/cases/{case}", "conclude-intake", unsuitable)
    position = does("casefile", INES, f"/v1/cases/{case}", "accept-handback", {"decision": "RE_REFER"})
    read = production.send("referral", INES, "GET", offer, params={"waitFor": position})
    assert read.json()["state"] == "COMPLETED"
    feed = production.send("notifications", INES, "GET", "/v1/feed", params={"waitFor": position, "limit": 200})
    assert "org.caserelay.case.handback_accepted.v1" in json.dumps(feed.json())


@pytest.mark.parametrize("service", NAMES)
def test_production_has_no_route_of_the_sandbox(production: Production, service: str) -> None:
    """404, with a token and without one, for reading and for moving the clock."""
    for method in ("GET", "PUT"):
        answer = production.send(service, INES, method, "/v1/sandbox/clock", {"now": "2027-01-01T00:00:00Z"})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    document = production.http.get(f"{production.programs[service].url}/openapi.json").json()
    assert not [path for path in document["paths"] if "sandbox" in path]


@pytest.mark.parametrize("service", NAMES)
def test_every_process_describes_all_routes_of_the_origin(production: Production, service: str) -> None:
    """So a gateway may ask any of them; it is the document that is checked in."""
    document = production.http.get(f"{production.programs[service].url}/openapi.json").json()
    assert document == json.loads((CONTRACTS / "openapi" / "caserelay.json").read_text(encoding="utf-8"))
    assert {"/v1/referrals", "/v1/cases/{case_id}", "/v1/feed"} <= set(document["paths"])


@pytest.mark.parametrize("service", NAMES)
def test_a_process_answers_for_its_own_service_only(production: Production, service: str) -> None:
    """A gateway sends requests by their paths; what went astray is not found."""
    paths = {"referral": "/v1/referrals", "casefile": "/v1/cases", "notifications": "/v1/feed"}
    for name, path in paths.items():
        assert production.send(service, INES, "GET", path).status_code == (200 if name == service else 404)
    for common in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert production.http.get(production.programs[service].url + common).status_code == 200


def test_only_the_issuers_tokens_are_taken(production: Production) -> None:
    """One signed by somebody else is nobody's."""
    with issuing() as other:
        token = other.token(INES)
    for program in production.programs.values():
        path = "/v1/referrals" if program is production.programs["referral"] else "/v1/cases"
        path = "/v1/feed" if program is production.programs["notifications"] else path
        answer = production.http.get(program.url + path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer.headers


def test_each_process_stops_cleanly_and_is_missed_by_nobody(production: Production) -> None:
    """With casefile away referrals are still taken; when it is back it has them."""
    casefile = production.programs["casefile"]
    assert casefile.stop() == 0
    posted = production.submit()
    assert posted.status_code == 201
    again = Program(casefile.data, "serve", "casefile", port=casefile.port, issuer=production.issuer.url)
    try:
        again.wait_until_ready()
        case = posted.json()["case"]
        params = {"waitFor": posted.headers["Position"]}
        assert production.send("casefile", INES, "GET", f"/v1/cases/{case}", params=params).status_code == 200
    finally:
        assert again.stop() == 0
