"""The OpenAPI document is the truth: what it allows gets no 5xx, and what it promises is what is answered."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.referral.app import build
from tests.support.people import AUDITOR, INES, LOTTE, OPERATOR, PROGRAMME, TOM
from tests.support.repetitions import times
from tests.support.requests import another_person
from tests.support.running import Running, in_a_thread

EXAMPLES = max(10, times(30))
"""A third of them are enough for every person, path and header to have their turn."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
REFERRALS = "/v1/referrals"
_KEYS = itertools.count(1)


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """NDJSON, of which the document says no more than that it is text."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service behind a real server, with a few referrals."""
    with in_a_thread(tmp_path_factory.mktemp("referral"), {"referral": build}) as running:
        yield running


def fresh_key() -> str:
    """A key that was not used before: the next one, so that a failure comes again."""
    return str(uuid.UUID(int=next(_KEYS)))


class Client:
    """Plain requests to the service, without a loop."""

    def __init__(self, served: Running) -> None:
        assert served.url is not None
        self.url = served.url
        self._served = served
        self._http = requests.Session()

    def send(self, person: Any, method: str, path: str, body: Any = None, etag: str | None = None) -> Any:
        """One request."""
        headers = self._served.headers(person, key=fresh_key(), etag=etag)
        return self._http.request(method, self.url + path, json=body, headers=headers, timeout=30)

    def referral(self, *, draft: bool = False) -> str:
        """The id of a new referral."""
        answer = self.send(INES, "POST", REFERRALS, another_person(draft=draft))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


class Known:
    """The members that a document's schemas know."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def check(self, value: Any, schema: dict[str, Any], where: str) -> None:
        """Fails if the value has a member, at any depth, that its schema does not name."""
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
        if value is not None and choices:
            faults = [fault for choice in choices if (fault := self._fault(value, choice, where)) is not None]
            # One of them has to know it.
            assert len(faults) < len(choices), faults
        match value:
            case list() if "items" in schema:
                for n, one in enumerate(value):
                    self.check(one, schema["items"], f"{where}/{n}")
            case dict() if (members := schema.get("properties")) is not None:
                assert value.keys() <= members.keys(), (where, value.keys() - members.keys())
                for name, one in value.items():
                    self.check(one, members[name], f"{where}/{name}")

    def _fault(self, value: Any, schema: dict[str, Any], where: str) -> str | None:
        try:
            self.check(value, schema, where)
        except AssertionError as fault:
            return str(fault)
        return None


def _people(path: str) -> tuple[Any, ...]:
    if path.endswith(("/versions/{version}", "/organisations/{organisation_id}")):
        return (OPERATOR,)
    return (INES, LOTTE, TOM, AUDITOR)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not allowed"])
def test_every_route_answers_as_its_document_says(served: Running, mode: GenerationMode) -> None:
    """With bodies and parameters that the document allows, and with ones that it does not, as several people."""
    client = Client(served)
    document = requests.get(f"{client.url}/openapi.json", timeout=30).json()
    schema = schemathesis.openapi.from_dict(document)
    walked = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if operation.path.startswith("/v1/"):
            walked += 1
            _examine(client, served, operation, mode)
    client.close()
    assert walked >= 24


def _listed(operation: Any) -> dict[str, set[str]]:
    """The codes that the document lists for an operation, by status."""
    examples = operation.schema.raw_schema["components"]["examples"]
    answers = operation.definition.raw["responses"]
    return {
        status: {examples[name]["value"]["code"] for name in answer["content"]["application/problem+json"]["examples"]}
        for status, answer in answers.items()
        if "application/problem+json" in answer.get("content", {})
    }


def _examine(client: Client, served: Running, operation: Any, mode: GenerationMode) -> None:
    # Where the document names one, a thing that is there: so that the body is looked at, and not only the name.
    basis = client.send(INES, "GET", f"{REFERRALS}/{client.referral()}").json()["legalBasis"]["id"]
    there = {
        "referral_id": [client.referral(), client.referral(draft=True)],
        "basis_id": [basis],
        "organisation_id": ["rekenhof-demo", "new-organisation"],
        "programme_id": [PROGRAMME],
    }
    people = _people(operation.path)
    listed = _listed(operation)
    tried = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def examine(case: Any) -> None:
        nonlocal tried
        tried += 1
        person = people[tried % len(people)]
        if tried % 3:
            case.path_parameters = {
                name: there[name][tried % len(there[name])] if name in there else value
                for name, value in (case.path_parameters or {}).items()
            }
        headers = {"Authorization": f"Bearer {served.token(person)}"}
        if tried % 4 and operation.method in ("post", "patch", "put"):
            read = client.send(person, "GET", case.formatted_path.rpartition("/")[0])
            if operation.method != "post":
                read = client.send(person, "GET", case.formatted_path)
            headers |= {"If-Match": read.headers.get("ETag", '"1"'), "Idempotency-Key": fresh_key()}
        answer = case.call(base_url=client.url, headers=headers)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]
            assert answer.json()["code"] in listed[str(answer.status_code)]

    examine()


@pytest.mark.slow
def test_real_answers_have_no_member_that_the_document_does_not_know(served: Running) -> None:
    """Along a whole life: every member of every answer is in the document's schema of that answer."""
    client = Client(served)
    document = requests.get(f"{client.url}/openapi.json", timeout=30).json()
    known = Known(document["components"]["schemas"])

    def look(person: Any, path: str, template: str) -> Any:
        answer = client.send(person, "GET", path)
        assert answer.status_code == 200, answer.text
        promised = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        known.check(answer.json(), promised, template)
        return answer

    referral = client.referral()
    path = f"{REFERRALS}/{referral}"
    steps = [
        (LOTTE, "receive", {}),
        (LOTTE, "request-information", {"codes": ["AVAILABILITY"]}),
        (INES, "provide-information", {"answers": [{"code": "AVAILABILITY", "answer": "Mondays"}]}),
        (LOTTE, "waitlist", {"reason": "CAPACITY_FULL", "expectedBy": "2026-03-01", "clientAgreed": True}),
        (LOTTE, "decline", {"reason": "OTHER", "text": "a story", "suggestion": "another organisation"}),
        (INES, "mark-error", {"justification": "another person was meant"}),
        (TOM, "confirm-error", {}),
    ]
    for person, action, body in steps:
        for reader in (INES, LOTTE):
            look(reader, path, "/v1/referrals/{referral_id}")
        done = client.send(person, "POST", f"{path}/{action}", body, client.send(person, "GET", path).headers["ETag"])
        assert done.status_code == 200, done.text
        known.check(done.json(), {"$ref": "#/components/schemas/ReferralAnswer"}, action)
    look(INES, REFERRALS, REFERRALS)
    look(INES, f"{path}/events", "/v1/referrals/{referral_id}/events")
    look(LOTTE, f"{path}/contact", "/v1/referrals/{referral_id}/contact")
    basis = client.send(INES, "GET", path).json()["legalBasis"]["id"]
    look(INES, f"/v1/legal-bases/{basis}", "/v1/legal-bases/{basis_id}")
    look(INES, "/v1/organisations", "/v1/organisations")
    look(INES, "/v1/organisations/brugwerk", "/v1/organisations/{organisation_id}")
    look(INES, f"/v1/programmes/{PROGRAMME}", "/v1/programmes/{programme_id}")
    client.close()
