"""Where a token says role and organisation is a setting: nested, in a list, under a name with a slash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.codes import Role
from services.chassis.access.claims import claim_at, claim_pointer
from services.chassis.access.identity import Unauthenticated, Verifier
from services.chassis.access.oidc_issuer import OidcIssuer
from services.chassis.settings import Settings
from tests.chassis.issuing import AUDIENCE, Issuer

DOCUMENT: dict[str, Any] = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
"""The example of RFC 6901, section 5."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """A running issuer with one key."""
    running = Issuer()
    running.make_key("first")
    yield running
    running.server.shutdown()
    running.server.server_close()


async def caller_of(
    issuer: Issuer, claims: dict[str, Any], *, role_claim: str | None = None, org_claim: str | None = None
) -> tuple[str, Role]:
    """Organisation and role that a token with those claims has, with settings."""
    verifier = Verifier(await OidcIssuer.connect(issuer.url), AUDIENCE, role_claim=role_claim, org_claim=org_claim)
    caller = await verifier.verify(issuer.token("first", **claims))
    return caller.org, caller.role


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/foo/2", None),
        ("/foo/00", None),
        ("/foo/-", None),
        ("/foo/0/x", None),
        ("/none/of/it", None),
    ],
)
def test_a_pointer_finds_what_the_standard_says(pointer: str, value: object) -> None:
    """Every example of RFC 6901 but the whole document, which is no claim; and nothing where nothing is."""
    assert claim_at(DOCUMENT, claim_pointer(pointer)) == value


@pytest.mark.parametrize("text", ["role", "realm_access.roles", "#/role", "/a~", "/a~2b", "$.role"])
def test_what_is_no_pointer_stops_the_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the setting, and shows what would be one."""
    for name in ("CASERELAY_ROLE_CLAIM", "CASERELAY_ORG_CLAIM"):
        with monkeypatch.context() as environment:
            environment.setenv(name, text)
            with pytest.raises(ValidationError, match=r"/realm_access/roles"):
                Settings()


def test_settings_name_the_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset and empty mean the claims of always."""
    assert (Settings().role_claim, Settings().org_claim) == (None, None)
    monkeypatch.setenv("CASERELAY_ROLE_CLAIM", "/realm_access/roles")
    monkeypatch.setenv("CASERELAY_ORG_CLAIM", "")
    assert (Settings().role_claim, Settings().org_claim) == ("/realm_access/roles", None)


@pytest.mark.parametrize(
    ("pointer", "claims"),
    [
        ("/realm_access/roles", {"realm_access": {"roles": ["offline_access", "NGO_LEAD", "uma_authorization", 7]}}),
        ("/realm_access/roles", {"realm_access": {"roles": ["NGO_LEAD", "NGO_LEAD"]}}),
        ("/resource_access/caserelay/role", {"resource_access": {"caserelay": {"role": "NGO_LEAD"}}}),
        ("/https:~1~1example.org~1role", {"https://example.org/role": "NGO_LEAD"}),
        ("/groups/0", {"groups": ["NGO_LEAD", "OPERATOR"]}),
        ("/role", {"role": ["NGO_LEAD"]}),
    ],
)
async def test_a_role_is_found_where_the_setting_says(issuer: Issuer, pointer: str, claims: dict[str, Any]) -> None:
    """A text, or a list in which one is a role here; that of the claim `role` does not count then."""
    found = await caller_of(issuer, {"role": "OPERATOR", **claims}, role_claim=pointer)
    assert found == ("vdab-gent", Role.NGO_LEAD)


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        (["NGO_LEAD", "NGO_COORDINATOR"], "several known roles at /x/roles"),
        (["NGO_LEAD", "SYSTEM"], "several known roles at /x/roles"),
        (["SYSTEM"], "SYSTEM"),
        (["ngo_lead"], "role is not known"),
        ([["NGO_LEAD"]], "role is not known"),
        ([], "role is not known"),
        ({"NGO_LEAD": True}, "role is not known"),
        (None, "no role at /x/roles"),
    ],
)
async def test_of_roles_that_leave_a_doubt_none_counts(issuer: Issuer, roles: object, told: str) -> None:
    """Which of two would count is nobody's to guess, and the right of `role` is not taken instead."""
    with pytest.raises(Unauthenticated, match=told) as refused:
        await caller_of(issuer, {"x": {"roles": roles}}, role_claim="/x/roles")
    assert refused.value.code == "TOKEN_INVALID"


async def test_the_claim_of_always_takes_no_list(issuer: Issuer) -> None:
    """Without the setting `role` and `org` are texts, as they were."""
    for claims in ({"role": ["NGO_LEAD"]}, {"org": ["brugwerk"]}):
        with pytest.raises(Unauthenticated):
            await caller_of(issuer, claims)


@pytest.mark.parametrize(
    ("claims", "org"),
    [
        ({"organization": ["brugwerk"]}, "brugwerk"),
        ({"organization": "brugwerk"}, "brugwerk"),
        ({"organization": ["brugwerk", "samenstap"]}, None),
        ({"organization": []}, None),
        ({"organization": {"brugwerk": {}}}, None),
        ({"organization": [7]}, None),
        ({}, None),
    ],
)
async def test_an_organisation_is_found_the_same_way(issuer: Issuer, claims: dict[str, Any], org: str | None) -> None:
    """A text or a list of one; nobody acts for two at once, and `org` is not taken instead."""
    if org is not None:
        assert await caller_of(issuer, claims, org_claim="/organization") == (org, Role.AGENCY_COUNSELLOR)
    else:
        with pytest.raises(Unauthenticated, match=r"organisation at /organization|org is not a text"):
            await caller_of(issuer, claims, org_claim="/organization")


def test_only_who_presented_a_token_is_told_what_is_wrong_with_it() -> None:
    """RFC 6750, 3 and 3.1: an error attribute for a bad token alone, in characters that it may have."""
    assert Unauthenticated("a bearer token is required", "TOKEN_MISSING").challenge == 'Bearer realm="caserelay"'
    told = Unauthenticated('no role at /"\\é').challenge
    assert told == 'Bearer realm="caserelay", error="invalid_token", error_description="no role at /???"'
    expired = Unauthenticated("the token has expired", "TOKEN_EXPIRED").challenge
    assert 'error="invalid_token"' in expired
