"""Requests that nobody would think of, sound ones and broken ones: generated from the sandbox's OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.journeys.sandbox import Outsider, sandbox
from tests.support.people import AUDITOR, INES, LOTTE, OPERATOR, Person
from tests.support.requests import another_person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(110), pytest.mark.xdist_group("any request")]

DOCUMENT: Final = Path(__file__).parents[2] / "contracts" / "openapi" / "sandbox.json"
EXAMPLES: Final = 6
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
METHODS: Final = {"get", "put", "post", "patch", "delete"}
LEFT_OUT: Final = {("get", "/v1/stream"), ("post", "/v1/referrals/bulk"), ("put", "/v1/sandbox/clock")}
"""An answer without an end, a body of lines, and a clock that would run away; each has tests of its own."""


@cache
def document() -> Any:
    """The document as it is checked in: some megabytes, which every refusal is held against."""
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))


def operations() -> list[tuple[str, str]]:
    """Every method and path that the sandbox publishes, but for those left out."""
    paths = document()["paths"]
    found = [(method, path) for path, item in paths.items() for method in item if method in METHODS]
    return [one for one in found if one not in LEFT_OUT]


@dataclass
class Target:
    """A sandbox with some cases under way, its document, and what may stand in a path."""

    outside: Outsider
    schema: Any
    known: dict[str, list[str]]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A referral that waits, one that was received, and a case in its intake."""
    with sandbox(tmp_path_factory.mktemp("any") / "var", "--empty") as (_, outside):
        outside.clock(INES, "2026-01-12T10:00:00Z")
        referrals = [outside.refer(INES, another_person()).json() for _ in range(3)]
        for referral in referrals[1:]:
            outside.does(LOTTE, f"/v1/referrals/{referral['id']}", "receive")
        outside.does(LOTTE, f"/v1/referrals/{referrals[2]['id']}", "accept", {"coordinator": LOTTE.sub})
        outside.clock(INES, "2026-01-12T10:00:01Z")
        known = {
            "referral_id": [referral["id"] for referral in referrals],
            "case_id": [referral["case"] for referral in referrals],
            "basis_id": [referral["legalBasis"]["id"] for referral in referrals],
            "organisation_id": ["brugwerk", "samenstap"],
            "programme_id": ["mtw-be-2026"],
            "ref": ["M-41"],
        }
        yield Target(outside, schemathesis.openapi.from_url(f"{outside.url}/openapi.json"), known)


def listed(method: str, path: str, status: int) -> set[str]:
    """The codes that the document lists for a refusal of an operation."""
    answer = document()["paths"][path][method]["responses"][str(status)]["content"]["application/problem+json"]
    shown = (document()["components"]["examples"][name] for name in answer["examples"])
    return {one["value"]["code"] for one in shown}


def etag_of(target: Target, person: Person, case: Case[Any]) -> str:
    """The version of what a command is about; of what cannot be read, some version."""
    resource = case.formatted_path.rpartition("/")[0]
    etag: str = target.outside.get(person, resource).headers.get("ETag", '"1"')
    return etag


@pytest.mark.parametrize(("method", "path"), operations())
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["sound", "broken"])
def test_any_request_is_answered_as_the_document_says(
    target: Target, method: str, path: str, mode: GenerationMode
) -> None:
    """Never a failure of the service; every refusal is a problem; every answer has the published shape."""
    operation = target.schema[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
        # Nothing about it can be wrong.
        mode = GenerationMode.POSITIVE

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        person=st.sampled_from([INES, LOTTE, AUDITOR, OPERATOR]),
        at_home=st.booleans(),
        data=st.data(),
    )
    def ask(case: Case[Any], person: Person, at_home: bool, data: st.DataObject) -> None:  # noqa: FBT001 - drawn
        if at_home:
            for name in case.path_parameters:
                if name in target.known:
                    case.path_parameters[name] = data.draw(st.sampled_from(target.known[name]))
        headers = target.outside.headers(person)
        if at_home and method == "post":
            headers |= {"If-Match": etag_of(target, person, case)}
        answer = case.call(base_url=target.outside.url, headers=headers, timeout=20)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]
            assert answer.json()["code"] in listed(method, path, answer.status_code)

    ask()


def test_the_sandbox_publishes_the_document_that_is_checked_in(target: Target) -> None:
    """What the tests were generated from is what a developer finds."""
    published = target.outside.http.get("/openapi.json").json()
    assert published["paths"].keys() == document()["paths"].keys()
