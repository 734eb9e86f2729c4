"""Who may do and see what of referrals, over HTTP: 401, 403, 404, and the whole table of the service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from contracts.codes import Role
from services.chassis.access.policy import Verdict
from services.referral.access import POLICY
from services.referral.actions import OFFERED
from services.sandbox.development_issuer import DevelopmentIssuer
from tests.referral.context import ACCEPT, REFERRALS, ReferralContext
from tests.support.people import (
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    EVERYBODY,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    MENTOR,
    OPERATOR,
    PIETER,
    TOM,
    Person,
)
from tests.support.problems import assert_problem
from tests.support.requests import another_person

COUNSELLORS = {"AGENCY_COUNSELLOR", "AGENCY_TEAM_LEAD"}
COORDINATORS = {"NGO_COORDINATOR", "NGO_LEAD"}
READERS = COUNSELLORS | COORDINATORS | {"DPO"}
EVERY_ROLE_BUT_CONTROL = {role.value for role in Role} - {"AGENCY_CONTROL", "SYSTEM"}

PERMITTED: dict[tuple[str, str], set[str]] = {
    ("create", "AGENCY"): COUNSELLORS,
    **{
        (action, "OWNER_AGENCY"): COUNSELLORS
        for action in ("edit", "submit", "provide-information", "withdraw", "mark-error", "read-contact")
    },
    ("confirm-error", "OWNER_AGENCY"): {"AGENCY_TEAM_LEAD"},
    **{
        (action, relation): COORDINATORS
        for action in ("receive", "request-information", "waitlist", "accept", "decline", "read-contact")
        for relation in ("ADDRESSED_ORGANISATION", "CONSENT_WITHDRAWN")
    },
    **{("read", relation): READERS for relation in ("OWNER_AGENCY", "ADDRESSED_ORGANISATION", "CONSENT_WITHDRAWN")},
    ("read", "OVERSIGHT"): {"AUDITOR"},
    **{("read-record", relation): READERS for relation in ("OWNER_AGENCY", "ADDRESSED_ORGANISATION")},
    ("read-record", "OVERSIGHT"): {"AUDITOR"},
    ("read-texts", "OWNER_AGENCY"): COUNSELLORS,
    ("read-texts", "ADDRESSED_ORGANISATION"): COORDINATORS,
    ("reveal-identity", "OVERSIGHT"): {"AUDITOR"},
    ("read-broadcast", "OWNER_AGENCY"): COUNSELLORS | {"DPO"},
    ("read-broadcast", "OVERSIGHT"): {"AUDITOR"},
    ("withdraw-broadcast", "OWNER_AGENCY"): COUNSELLORS,
    ("read-disclosures", "OWNER_AGENCY"): COUNSELLORS | {"DPO"},
    ("read-disclosures", "OVERSIGHT"): {"AUDITOR"},
    **{
        ("read-legal-basis", relation): READERS
        for relation in ("OWNER_AGENCY", "ADDRESSED_ORGANISATION", "CONSENT_WITHDRAWN")
    },
    ("read-legal-basis", "OVERSIGHT"): {"AUDITOR"},
    ("read-legal-basis", "PERSON"): {"MENTEE"},
    ("withdraw-legal-basis", "PERSON"): {"MENTEE"},
    ("list", "ANY_ORGANISATION"): READERS | {"AUDITOR"},
    ("withdraw-legal-basis", "OWNER_AGENCY"): COUNSELLORS | {"DPO"},
    ("withdraw-legal-basis", "ADDRESSED_ORGANISATION"): COORDINATORS | {"DPO"},
    ("withdraw-legal-basis", "CONSENT_WITHDRAWN"): COORDINATORS | {"DPO"},
    ("read-organisation", "ANY_ORGANISATION"): EVERY_ROLE_BUT_CONTROL,
    ("describe-organisation", "PLATFORM"): {"OPERATOR"},
    ("describe-organisation", "OWN_ORGANISATION"): {"NGO_LEAD", "NGO_COORDINATOR", "AGENCY_TEAM_LEAD"},
    ("read-programme", "ANY_ORGANISATION"): EVERY_ROLE_BUT_CONTROL,
    ("publish-programme", "PLATFORM"): {"OPERATOR"},
}
"""Which roles may do an action in a relation, written down once more by hand; everything else is refused."""


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route of an application, an identifier in the place of each parameter."""
    for path, operations in app.openapi()["paths"].items():
        filled = path.replace("{version}", "1")
        while "{" in filled:
            before, _, rest = filled.partition("{")
            filled = before + "something" + rest.partition("}")[2]
        for method in operations:
            yield method.upper(), filled


def test_the_table_of_the_service_is_the_table_written_here() -> None:
    """Every role in every relation may do exactly what the table of this test permits."""
    for cell in POLICY.matrix():
        expected = cell.role.value in PERMITTED.get((cell.action, cell.relation), set())
        assert (cell.verdict is Verdict.PERMITTED) == expected, cell


def test_the_accreditation_of_an_organisation_is_the_operators() -> None:
    """The column for fields: who describes an organisation without being the operator may not set these by it."""
    of_the_operator = frozenset({"", "kind", "programmes", "suspended"})
    for cell in POLICY.matrix():
        own = (cell.action, cell.relation) == ("describe-organisation", "OWN_ORGANISATION")
        expected = of_the_operator if own and cell.verdict is Verdict.PERMITTED else frozenset()
        assert cell.reserved == expected, cell


def test_a_stranger_finds_nothing_and_control_is_refused_everywhere() -> None:
    """Without any part in something it is hidden, and AGENCY_CONTROL is forbidden in every relation."""
    for cell in POLICY.matrix():
        if cell.role is Role.AGENCY_CONTROL:
            assert cell.verdict is Verdict.FORBIDDEN, cell
        elif cell.relation == "STRANGER":
            assert cell.verdict is Verdict.HIDDEN, cell


ROUTES = {
    "/v1/referrals": "GET POST",
    "/v1/referrals/bulk": "POST",
    "/v1/referrals/{referral_id}": "GET PATCH",
    "/v1/referrals/{referral_id}/events": "GET",
    "/v1/referrals/{referral_id}/contact": "GET",
    "/v1/referrals/{referral_id}/disclosures": "GET",
    "/v1/referrals/{referral_id}/texts": "GET",
    **{f"/v1/referrals/{{referral_id}}/{action}": "POST" for action in OFFERED},
    "/v1/organisations": "GET",
    "/v1/organisations/{organisation_id}": "GET PUT",
    "/v1/programmes/{programme_id}": "GET",
    "/v1/programmes/{programme_id}/versions/{version}": "PUT",
    "/v1/broadcasts": "POST",
    "/v1/broadcasts/{broadcast_id}": "GET",
    "/v1/broadcasts/{broadcast_id}/withdraw": "POST",
    "/v1/legal-bases/{basis_id}": "GET",
    "/v1/legal-bases/{basis_id}/withdraw": "POST",
    "/v1/cases/{case_id}/reveal": "POST",
    "/v1/audit/referral/checkpoint": "GET",
    "/v1/audit/referral/tile/{path}": "GET",
    "/v1/audit/referral/keys": "GET",
    "/v1/audit/referral/proof": "GET",
    "/v1/audit/referral/consistency": "GET",
}


def test_the_document_has_every_route_and_no_other(context: ReferralContext) -> None:
    """So that a walk over the document's routes leaves none out."""
    paths = context.running.apps["referral"].openapi()["paths"]
    assert {path: " ".join(sorted(operations)).upper() for path, operations in paths.items()} == ROUTES


async def test_nobody_gets_anywhere_without_a_token(context: ReferralContext) -> None:
    """Every route answers 401 with WWW-Authenticate to a request without a token."""
    for method, path in routes_of(context.running.apps["referral"]):
        answer = await context.running.send(None, method, path, {} if method != "GET" else None, key="k", etag='"1"')
        assert_problem(answer, 401, "TOKEN_MISSING")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="caserelay"'


async def test_control_gets_403_on_every_route(context: ReferralContext) -> None:
    """AGENCY_CONTROL is refused by every route, whether or not there is anything, and told the rule."""
    path = await context.submit()
    for method, other in [*routes_of(context.running.apps["referral"]), ("GET", path), ("GET", f"{path}/contact")]:
        answer = await context.running.send(
            CONTROL, method, other, {} if method != "GET" else None, key="k", etag='"1"'
        )
        problem = assert_problem(answer, 403, "NO_ACCESS_FOR_CONTROL")
        assert "control" in problem["detail"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer abc", "Basic aW5lczpwdw==", "bearer a.b.c", "Bearer " + "x" * 9000]
)
async def test_an_unreadable_token_is_401(context: ReferralContext, header: str) -> None:
    """Whatever else stands in Authorization names nobody; only of a token is it said that it is bad (RFC 6750, 3.1)."""
    answer = await context.running.send(None, "GET", REFERRALS, headers={"Authorization": header})
    assert_problem(answer, 401)
    assert ('error="invalid_token"' in answer.headers["WWW-Authenticate"]) is not header.startswith("Basic")


async def test_forged_and_expired_tokens_are_401(context: ReferralContext) -> None:
    """A token of another key, a token with a changed letter and one whose time is over all name nobody."""
    stranger = DevelopmentIssuer(context.running.directory / "another-issuer")
    good = context.running.token(INES)
    head, claims, signature = good.split(".")

    def issued(by: DevelopmentIssuer, audience: str = "caserelay", lifetime: int = 60) -> str:
        return by.issue(sub=INES.sub, org=INES.org, role=INES.role, audience=audience, lifetime=lifetime)

    tokens = {
        "TOKEN_EXPIRED": issued(context.running.issuer, lifetime=-1),
        "another key": issued(stranger),
        "another audience": issued(context.running.issuer, "somebody-else"),
        "changed": f"{head}.{claims}.{signature[:-4]}AAAA",
    }
    for what, token in tokens.items():
        answer = await context.running.send(None, "GET", REFERRALS, headers={"Authorization": f"Bearer {token}"})
        problem = assert_problem(answer, 401, what if what.isupper() else "TOKEN_INVALID")
        told = answer.headers["WWW-Authenticate"]
        assert told.startswith('Bearer realm="caserelay", error="invalid_token", error_description="')
        assert problem["detail"] in told
        assert token not in answer.text, problem


async def test_a_stranger_finds_no_referral(context: ReferralContext) -> None:
    """404 for another organisation, and for a mentor or mentee of the addressed one: their roles do nothing here."""
    path = await context.received()
    for person in (KARIM, PIETER, MENTOR, MENTEE):
        for suffix in ("", "/events", "/contact"):
            assert_problem(await context.running.get(person, path + suffix), 404)
        answer = await context.running.command(person, path, "accept", ACCEPT, etag='"2"')
        assert_problem(answer, 404)
        missing = await context.running.get(person, f"{REFERRALS}/00000000-0000-0000-0000-000000000000")
        hidden = await context.running.get(person, path)
        assert missing.json() | {"instance": ""} == hidden.json() | {"instance": ""}


async def test_a_party_in_the_wrong_role_is_told_the_rule(context: ReferralContext) -> None:
    """The wrong side and the wrong role get 403 with a code and the roles that may, and nothing of the referral."""
    path = await context.received()
    for person, action, body in (
        (INES, "accept", ACCEPT),
        (INES, "receive", {}),
        (LOTTE, "withdraw", {"reason": "CLIENT_MOVED"}),
        (LOTTE, "mark-error", {"justification": "wrong"}),
        (INES, "confirm-error", {}),
    ):
        answer = await context.running.command(person, path, action, body, etag='"2"')
        problem = assert_problem(answer, 403)
        assert problem["code"] in {"ROLE_NOT_ALLOWED", "PARTY_NOT_ALLOWED"}
        assert action in problem["detail"]


async def test_each_side_may_do_what_is_its_own(context: ReferralContext) -> None:
    """Leads act for their organisations like counsellors and coordinators do."""
    path = await context.submit(by=TOM)
    await context.running.done(HANNE, path, "receive")
    await context.running.done(HANNE, path, "request-information", {"codes": ["AVAILABILITY"]})
    answers = {"answers": [{"code": "AVAILABILITY", "answer": "Mondays"}]}
    await context.running.done(TOM, path, "provide-information", answers)
    await context.running.done(HANNE, path, "decline", {"reason": "NOT_MOBILE"})
    assert await context.state(path) == "DECLINED"


async def test_only_an_agency_refers(context: ReferralContext) -> None:
    """Nobody but counsellors and team leads of an agency creates referrals."""
    before = await context.snapshot()
    for person in EVERYBODY:
        if person.role not in COUNSELLORS:
            assert_problem(await context.running.create(person, REFERRALS, another_person()), 403)
    assert await context.snapshot() == before


async def test_a_counsellor_of_what_is_no_agency_does_not_refer(context: ReferralContext) -> None:
    """The role alone is not enough: the organisation has to be an agency that is described here."""
    for org in ("brugwerk", "nobody-knows-it"):
        answer = await context.running.create(Person("x", org, "AGENCY_COUNSELLOR"), REFERRALS, another_person())
        assert_problem(answer, 403)


async def test_auditors_and_privacy_officers_read_and_change_nothing(context: ReferralContext) -> None:
    """The auditor reads every referral and its record, the agency's DPO the agency's; neither acts or sees contacts."""
    path = await context.submit()
    for person in (AUDITOR, DPO_OF_AGENCY):
        assert (await context.running.get(person, path)).status_code == 200
        assert (await context.running.get(person, f"{path}/events")).status_code == 200
        assert_problem(await context.running.get(person, f"{path}/contact"), 403)
        assert_problem(await context.running.command(person, path, "withdraw", {"reason": "CLIENT_MOVED"}), 403)
        read = await context.running.read(person, path)
        assert read["allowedActions"] == []


async def test_organisations_describe_themselves_only(context: ReferralContext) -> None:
    """An organisation's own lead and the operator may describe it; another organisation may not."""
    described = await context.running.get(LOTTE, "/v1/organisations/brugwerk")
    body = {"name": "Brugwerk vzw", "kind": "MENTORING_ORG", "programmes": ["mtw-be-2026"], "capacity": 3}
    etag = described.headers["ETag"]
    refused = await context.running.send(KARIM, "PUT", "/v1/organisations/brugwerk", body, etag=etag)
    assert_problem(refused, 403)
    answer = await context.running.send(HANNE, "PUT", "/v1/organisations/brugwerk", body, etag=etag)
    assert answer.status_code == 200
    assert answer.json()["capacity"] == 3
    assert_problem(await context.running.send(HANNE, "PUT", "/v1/organisations/new-one", body), 403)
    assert (await context.running.send(OPERATOR, "PUT", "/v1/organisations/new-one", body)).status_code == 200
