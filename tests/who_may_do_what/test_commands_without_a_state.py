"""Who may make, describe and sign what has no state, as docs/domain.md says; every route that writes is on the page.

Over every role at organisations of every kind, as dry runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from services.sandbox.charter import CHARTER
from services.sandbox.demo import PROGRAMME_VERSION
from tests.casefile.cases import PROFILE, CaseContext
from tests.support.broadcasts import broadcast
from tests.support.domain_page import (
    BROADCAST_COMMANDS,
    CASE_COMMANDS,
    LEGAL_BASIS_COMMANDS,
    REFERRAL_COMMANDS,
    SUBSCRIPTION_COMMANDS,
    lines,
    table,
)
from tests.support.people import INES, LOTTE, OPERATOR, Person
from tests.support.refusals_page import parties
from tests.support.requests import another_person, new_key
from tests.who_may_do_what.asking import STATUS
from tests.who_may_do_what.parties import CONTROL

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("commands without a state")]

HEADING: Final = "Commands without a state"
GAPS: Final = "POST /v1/gaps/answers"
"""It gives a command on a case to several, as the page says beneath its table."""
BENEATH: Final = frozenset(
    {
        GAPS,
        "POST /act/{token}",
        "POST /act/{token}/code",
        "POST /mail/confirm/{token}",
        "POST /mail/unsubscribe/{token}",
        "POST /v1/cases/{case_id}/reveal",
        "POST /v1/deliveries/{delivery_id}/retry",
        "POST /v1/reconciliations",
        "POST /v1/subscriptions/bounces",
    }
)
"""Of what the page speaks beneath its table."""
ROUTES: Final[Mapping[str, str]] = {
    REFERRAL_COMMANDS: "/v1/referrals/{referral_id}",
    BROADCAST_COMMANDS: "/v1/broadcasts/{broadcast_id}",
    LEGAL_BASIS_COMMANDS: "/v1/legal-bases/{basis_id}",
    CASE_COMMANDS: "/v1/cases/{case_id}",
    SUBSCRIPTION_COMMANDS: "/v1/subscriptions/{subscription_id}",
}
"""What the commands of a table are given on."""
KINDS: Final[Mapping[str, str]] = {
    "vdab-gent": "an agency",
    "actiris-demo": "an agency",
    "brugwerk": "a mentoring organisation",
    "samenstap": "a mentoring organisation",
    "caserelay-demo": "the platform's operator",
    "rekenhof-demo": "an audit body",
    "elders": "nobody who is registered",
}
_CODE: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: who may send the request, at which organisation, and what the others there and elsewhere are told."""

    request: str
    roles: frozenset[str]
    at: str
    there: str
    elsewhere: str

    def is_at(self, org: str) -> bool:
        """Whether the row speaks of an organisation; what is described is brugwerk."""
        return self.at in (KINDS[org], "any organisation") or (
            self.at == "the organisation itself" and org == "brugwerk"
        )


def rows() -> tuple[Row, ...]:
    """The table."""
    return tuple(
        Row(
            request=_CODE.findall(cells["Request"])[0],
            roles=frozenset(_CODE.findall(cells["Role in the token"])),
            at=cells["At"],
            there="".join(_CODE.findall(cells["Another role there"])),
            elsewhere="".join(_CODE.findall(cells["Anywhere else"])),
        )
        for cells in lines(HEADING)
    )


def expected(request: str, person: Person) -> str:
    """The code by which the page refuses it; empty where it is possible."""
    about = [row for row in rows() if row.request == request]
    if person.role in parties()[CONTROL].roles:
        return parties()[CONTROL].anything
    here = [row for row in about if row.is_at(person.org)]
    if any(person.role in row.roles for row in here):
        return ""
    return here[0].there if here else about[0].elsewhere


AWAY: Final = {"substitute": "an.peeters", "until": "2027-01-01T00:00:00Z"}
HOOK: Final = {"channel": "WEBHOOK", "url": "https://hooks.example.org/caserelay"}
BODIES: Final[Mapping[str, tuple[str, Any, str | None]]] = {
    "POST /v1/referrals": ("/v1/referrals", another_person(), None),
    "POST /v1/broadcasts": ("/v1/broadcasts", broadcast(), None),
    "PUT /v1/organisations/{organisation_id}": ("/v1/organisations/brugwerk", {}, "/v1/organisations/brugwerk"),
    "PUT /v1/programmes/{programme_id}/versions/{version}": (
        "/v1/programmes/mtw-be-2026/versions/2",
        {**PROGRAMME_VERSION, "validFrom": "2027-01-01"},
        None,
    ),
    "POST /v1/subscriptions": ("/v1/subscriptions", HOOK, None),
    "PUT /v1/mentors/{ref}": ("/v1/mentors/M-77", PROFILE, None),
    "PUT /v1/mentors/{ref}/contact": ("/v1/mentors/M-78/contact", {"email": "marc@mentors.example"}, None),
    "PUT /v1/charters/{version}": ("/v1/charters/v9", CHARTER, None),
    "PUT /v1/absences/{sub}": ("/v1/absences/somebody", AWAY, None),
    "POST /v1/absences/{sub}/release": ("/v1/absences/away/release", {}, None),
    "POST /v1/charters/{version}/sign": ("/v1/charters/v1/sign", {}, "/v1/charters/v1"),
}
"""Of each request its path, its body, and the resource whose ETag goes with it."""
BY_METHOD: Final = {"edit": "PATCH", "change": "PUT", "delete": "DELETE"}
"""Commands that have no path of their own, as the page says."""
BULK: Final = "POST /v1/referrals/bulk"


async def test_every_request_of_the_page_is_tried() -> None:
    """A row that nobody tries could say anything."""
    assert {row.request for row in rows()} == {*BODIES, BULK}


@pytest.mark.parametrize("request_line", BODIES)
async def test_a_command_without_a_state_is_for_whom_the_page_names(shared: CaseContext, request_line: str) -> None:
    """By role and organisation; everybody else is refused by the code that the page has for them."""
    path, body, resource = BODIES[request_line]
    if resource == "/v1/organisations/brugwerk":
        known = await shared.running.read(OPERATOR, resource)
        body = {name: known[name] for name in ("name", "kind", "programmes", "languages", "sectors")}
    etag = await shared.running.version(OPERATOR, resource) if resource is not None else None
    roles = {role for party in parties().values() for role in party.roles} | {"OPERATOR"}
    wrong, who = [], "somebody"
    if request_line.endswith("/release"):
        who, etag = "away", '"1"'
        for org in KINDS:
            named = await shared.running.send(Person(who, org, "NGO_LEAD"), "PUT", "/v1/absences/away", AWAY)
            assert named.headers["ETag"] == etag, named.text
    if request_line.endswith("/contact"):
        etag = '"1"'
        for org in KINDS:
            described = await shared.running.send(Person("lead", org, "NGO_LEAD"), "PUT", "/v1/mentors/M-78", PROFILE)
            assert described.headers["ETag"] == etag, described.text
    for person in (Person(who, org, role) for org in KINDS for role in sorted(roles - {"SYSTEM"})):
        method = request_line.partition(" ")[0]
        key = new_key() if method == "POST" else None
        answer = await shared.running.send(person, method, path, body, etag=etag, key=key, params={"dryRun": "true"})
        found = "" if answer.status_code in (200, 201) else answer.json()["code"]
        if (code := expected(request_line, person)) != found or (code and answer.status_code != STATUS.get(code, 403)):
            wrong.append(f"{request_line} of {person}: {answer.status_code} {found}; the page has {code or 'it'}")
    assert not wrong, "\n".join(wrong)


async def test_a_line_of_a_bulk_is_for_whom_a_referral_is(shared: CaseContext) -> None:
    """The same refusals, of the whole request."""
    for person in (Person("somebody", org, role) for org in KINDS for role in ("AGENCY_COUNSELLOR", "NGO_LEAD", "DPO")):
        answer = await shared.running.send(
            person,
            "POST",
            "/v1/referrals/bulk",
            content=json.dumps({**another_person(), "idempotencyKey": new_key()}).encode(),
            key=new_key(),
            headers={"Content-Type": "application/x-ndjson"},
            params={"dryRun": "true"},
        )
        code = expected(BULK, person)
        told = json.loads(answer.text.splitlines()[0])
        assert (told.get("problem", told)).get("code", "") == code, f"{person}: {answer.text}"


async def test_gaps_of_several_cases_are_answered_by_whom_one_is(shared: CaseContext) -> None:
    """Each case answers as `answer-gap` does: the counsellor is let, a stranger told of none."""
    case = await shared.accepted({**another_person(), "whyMentoring": "SERVICE_GAP"})
    answered, gap = {"accepted": False, "reason": "the city does it"}, f"{case.id}.g1"
    etag = await shared.running.version(INES, case.path)
    params = {"dryRun": "true"}
    for person in (INES, LOTTE, Person("somebody", "elders", "AGENCY_COUNSELLOR")):
        several = {**answered, "gaps": [gap]}
        both = await shared.running.send(person, "POST", GAPS.split()[1], several, key=new_key(), params=params)
        one = {**answered, "gap": gap}
        alone = await shared.running.send(person, "POST", f"{case.path}/answer-gap", one, etag=etag, params=params)
        (item,) = both.json()["items"]
        assert (item["status"] == 200) is (person is INES)
        assert item["status"] == alone.status_code, alone.text
        assert item.get("problem", {}).get("code") == alone.json().get("code")


async def test_every_route_that_writes_is_on_the_page_and_every_command_has_a_route(shared: CaseContext) -> None:
    """An action in one and not in the other fails."""
    written = {row.request for row in rows()} | BENEATH
    for heading, path in ROUTES.items():
        for command in {row.command for row in table(heading)} - {"create"}:
            method = BY_METHOD.get(command)
            written.add(f"{method} {path}" if method is not None else f"POST {path}/{command}")
    routes = {
        f"{method.upper()} {path}"
        for app in shared.running.apps.values()
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if method.upper() not in ("GET", "HEAD", "OPTIONS")
    }
    assert sorted(routes - written) == []
    assert sorted(written - routes) == []
