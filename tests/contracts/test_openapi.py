"""What a client reads in the OpenAPI documents: names, headers, codes, examples."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from contracts.audited import PROVEN
from contracts.http_examples import PLACE
from deploy.contracts.documents import CONTRACTS
from services.notifications.catalogue import MESSAGES
from tests.support.domain_page import BROADCAST_COMMANDS, CASE_COMMANDS, REFERRAL_COMMANDS, SUBSCRIPTION_COMMANDS, table

DOCUMENTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (CONTRACTS / "openapi").glob("*.json")
}
DOCUMENT = DOCUMENTS["sandbox"]
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
REVEAL = "POST /v1/cases/{case_id}/reveal"
COMMANDS = sorted(name for name in OPERATIONS if name.startswith("POST") and name.count("/") == 4 and name != REVEAL)
"""`POST /v1/<what>/{id}/<action>`; to have an identity revealed rests on no version of the case, and moves none."""


def headers_of(operation: dict[str, Any]) -> dict[str, bool]:
    """The headers of a request, and whether each is required."""
    return {
        parameter["name"]: parameter.get("required", False)
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "header"
    }


def fitting(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]


def test_every_operation_has_a_name_a_purpose_and_a_tag() -> None:
    """A name that a method can have, a summary and sentences besides, and a tag that the document describes."""
    described = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    for name, operation in OPERATIONS.items():
        assert operation["operationId"].replace("-", "_").isidentifier(), name
        assert "_v1_" not in operation["operationId"], f"{name}: give it a name in its service's operations.py"
        assert len(operation["description"]) > len("a sentence"), name
        assert operation["summary"], name
        assert set(operation["tags"]) <= described, name
        assert operation["tags"], name


def test_every_operation_shows_an_exchange() -> None:
    """An example of every body that is sent and of every answer, which fits its schema."""
    for name, operation in OPERATIONS.items():
        bodies = [("request", operation.get("requestBody", {}))]
        bodies += [(status, answer) for status, answer in operation["responses"].items() if status.startswith("2")]
        for what, body in bodies:
            for media, content in body.get("content", {}).items():
                assert "example" in content, f"{name} {what}: add it to contracts/http_examples"
                if media == "application/json" and "schema" in content:
                    assert fitting(content["example"], content["schema"]) == [], (name, what)


def test_every_example_is_of_an_operation() -> None:
    """What is stored beside is shown."""
    stored = {path.stem for path in PLACE.glob("*.json")}
    assert stored == {operation["operationId"] for operation in OPERATIONS.values()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_requires_its_if_match_and_answers_a_version(command: str) -> None:
    """The version that was decided on is no option, and neither generated client lets it be left out."""
    operation = OPERATIONS[command]
    assert headers_of(operation)["If-Match"] is True
    assert headers_of(operation)["Idempotency-Key"] is False
    assert {"ETag", "Position", "Idempotency-Replayed"} <= operation["responses"]["200"]["headers"].keys()


def test_the_commands_are_those_of_the_domain() -> None:
    """Those of docs/domain.md that go to what is there: a referral, a broadcast, a case, a legal basis, and others."""
    on_a_referral = {row.command for row in table(REFERRAL_COMMANDS)} - {"create", "edit"}
    on_a_broadcast = {row.command for row in table(BROADCAST_COMMANDS)} - {"create"}
    on_a_subscription = {row.command for row in table(SUBSCRIPTION_COMMANDS)} - {"create", "change", "delete"}
    on_a_case = {row.command for row in table(CASE_COMMANDS)}
    assert {*COMMANDS} == {
        *(f"POST /v1/referrals/{{referral_id}}/{command}" for command in on_a_referral),
        *(f"POST /v1/broadcasts/{{broadcast_id}}/{command}" for command in on_a_broadcast),
        *(f"POST /v1/cases/{{case_id}}/{command}" for command in on_a_case),
        "POST /v1/legal-bases/{basis_id}/withdraw",
        "POST /v1/absences/{sub}/release",
        "POST /v1/charters/{version}/sign",
        "POST /v1/deliveries/{delivery_id}/retry",
        *(f"POST /v1/subscriptions/{{subscription_id}}/{command}" for command in on_a_subscription),
    }


def test_what_rests_on_no_version_takes_none() -> None:
    """An auditor has the identity revealed of whatever the case is by now; a repeat is told from a second act."""
    assert headers_of(OPERATIONS[REVEAL]) == {"Idempotency-Key": False, "Caserelay-Purpose": False}


def test_a_creation_requires_its_key_and_says_where_the_new_resource_is() -> None:
    """A repeat after a lost answer must be told from a second wish."""
    operation = OPERATIONS["POST /v1/referrals"]
    assert headers_of(operation) == {"Idempotency-Key": True}
    told = operation["responses"]["201"]["headers"]
    assert {name for name, header in told.items() if header["required"]} == {"ETag", "Location", "Position"}


def test_what_has_a_version_answers_it() -> None:
    """Each single thing that is read, for the `If-Match` of the next command."""
    versioned = {name for name, one in OPERATIONS.items() if "ETag" in one["responses"]["200"].get("headers", {})}
    single = {name for name in OPERATIONS if name.startswith("GET /v1/") and name.endswith("}")}
    # Nobody decides on a report, on an answer to an auditor, or on what was signed.
    single -= {"GET /v1/reports/{name}", "GET /v1/audit/questions/{question}"}
    single -= {"GET /v1/cases/{case_id}/receipts/{event}"}
    single -= {f"GET /v1/audit/{log}/tile/{{path}}" for log in PROVEN}
    assert single <= versioned
    assert OPERATIONS["GET /v1/cases/{case_id}"]["responses"]["200"]["headers"]["ETag"]["required"] is True


def test_a_refusal_says_what_its_headers_are() -> None:
    """How to authenticate, and when to come back."""
    answers = OPERATIONS["GET /v1/feed"]["responses"]
    assert answers["401"]["headers"]["WWW-Authenticate"]["required"] is True
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} == answers["429"]["headers"].keys()
    assert "Retry-After" in answers["503"]["headers"]


@pytest.mark.parametrize(
    ("schema", "member", "codes"),
    [
        ("ReferralAnswer", "state", "ReferralState"),
        ("ReferralAnswer", "supportNeeds", "SupportNeed"),
        ("CaseAnswer", "state", "CaseState"),
        ("StepAnswer", "step", "Step"),
        ("PartyAnswer", "role", "Role"),
        ("TrajectoryAnswer", "closureReason", "EndReason"),
        ("OrganisationAnswer", "kind", "OrganisationKind"),
        ("MentorAnswer", "kind", "MentorKind"),
        ("SubscriptionAnswer", "state", "SubscriptionState"),
        ("SubscriptionAnswer", "readsAs", "Role"),
    ],
)
def test_a_code_is_one_of_its_list(schema: str, member: str, codes: str) -> None:
    """States and codes are no mere texts in an answer: a client knows all that may come."""
    described = json.dumps(SCHEMAS[schema]["properties"][member])
    assert f"#/components/schemas/{codes}" in described
    assert len(SCHEMAS[codes]["enum"]) > 1


def test_a_cloudevent_has_the_data_of_its_type() -> None:
    """Every message that is published, told apart by `type`."""
    items = SCHEMAS["FeedPage"]["properties"]["items"]["items"]
    mapping = items["discriminator"]["mapping"]
    assert items["discriminator"]["propertyName"] == "type"
    assert set(mapping) == set(MESSAGES)
    assert len(mapping) >= 58
    for kind, reference in mapping.items():
        event = SCHEMAS[reference.rpartition("/")[2]]["properties"]
        assert event["type"]["const"] == kind
        assert event["dataschema"]["const"] == f"urn:caserelay:schema:{kind}"
        assert SCHEMAS[event["data"]["$ref"].rpartition("/")[2]]["type"] == "object"


def test_nothing_has_a_default_that_a_generator_would_require() -> None:
    """What is left out of a request is said in words."""
    for name, schema in SCHEMAS.items():
        for member, described in schema.get("properties", {}).items():
            assert "default" not in described, (name, member)
    assert SCHEMAS["ReferralBody"]["required"] == ["programme", "client"]
    assert "Left out: `false`." in SCHEMAS["ReferralBody"]["properties"]["draft"]["description"]


def test_a_schema_is_the_same_in_every_document() -> None:
    """The sandbox's document has those of all services: two of one name would be one there."""
    for document in DOCUMENTS.values():
        for name, schema in document["components"]["schemas"].items():
            assert SCHEMAS[name] == schema, name
