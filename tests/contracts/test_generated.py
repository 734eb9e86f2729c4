"""What is generated in contracts/ is up to date, and valid by the standards that it follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from contracts import casefile, notifications, referral
from contracts.message import CaseMessage, Message, published
from deploy.contracts.documents import CONTRACTS, checked_in, documents, refusal_documents
from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.kafka.events import encode

WIDEST = "sandbox"
SERVICES = ("referral", "casefile", "notifications", "caserelay", WIDEST)
MODELS = {**published(referral), **published(casefile), **published(notifications)}


@cache
def parsed(path: str) -> Any:
    """A generated file as it is checked in."""
    text = (CONTRACTS / path).read_text(encoding="utf-8")
    # By libyaml: the loader in Python takes a second for each hundred kilobytes.
    return yaml.load(text, Loader=yaml.CSafeLoader) if path.endswith(".yaml") else json.loads(text)


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    match part:
        case {"$ref": str(to)}:
            yield to
        case dict():
            for one in part.values():
                yield from references(one)
        case list():
            for one in part:
                yield from references(one)


def resolve(document: Any, pointer: str) -> Any:
    """What a reference within a document leads to. KeyError where it leads nowhere."""
    found = document
    for step in pointer.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_what_is_checked_in_is_what_is_generated() -> None:
    """A change of a route or a message needs `make contracts`, so that review sees it."""
    wanted, present = refusal_documents() | documents(), checked_in()
    differing = sorted(path for path in {*wanted, *present} if wanted.get(path) != present.get(path))
    assert differing == [], "run `make contracts`"


def test_every_message_has_a_schema() -> None:
    """All types that are published, the envelope and the problem; their names are those that messages give."""
    schemas = {path.stem: parsed(f"schemas/{path.name}") for path in (CONTRACTS / "schemas").iterdir()}
    assert set(schemas) == {*MODELS, "cloudevent", "problem"}
    assert {name: schema["$id"] for name, schema in schemas.items()} == {
        name: f"urn:caserelay:schema:{name}" for name in schemas
    }


def test_every_schema_is_a_json_schema() -> None:
    """Valid by its own dialect, which is 2020-12."""
    for path in (CONTRACTS / "schemas").iterdir():
        schema = parsed(f"schemas/{path.name}")
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize("service", SERVICES)
def test_every_openapi_document_is_valid(service: str) -> None:
    """OpenAPI 3.1, references included; what it has word for word as the widest is looked at there."""
    document, whole = parsed(f"openapi/{service}.json"), parsed(f"openapi/{WIDEST}.json")
    for reference in references(document):
        assert resolve(document, reference) is not None
    if service != WIDEST:
        assert document["paths"].items() <= whole["paths"].items()
        for kind, parts in document["components"].items():
            assert parts.items() <= whole["components"][kind].items()
        document = {**document, "paths": {}, "components": {}}
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("service", SERVICES)
def test_operations_have_names_of_their_own(service: str) -> None:
    """A client is generated from them: two operations of one name would be one method."""
    operations = [
        operation["operationId"]
        for methods in parsed(f"openapi/{service}.json")["paths"].values()
        for operation in methods.values()
    ]
    assert len(operations) == len(set(operations))


def test_the_sandbox_offers_all_that_the_services_do() -> None:
    """Behind its one origin are the routes of all three, and the clock."""
    sandbox = set(parsed("openapi/sandbox.json")["paths"])
    services = {path for service in SERVICES for path in parsed(f"openapi/{service}.json")["paths"]}
    assert sandbox == services
    assert "/v1/sandbox/clock" in sandbox


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """To a part of the document, or to a schema beside it."""
    document = parsed("asyncapi.yaml")
    for reference in references(document):
        if reference.startswith("#/"):
            assert resolve(document, reference) is not None
        else:
            assert (CONTRACTS / reference).is_file(), reference


def test_the_asyncapi_document_names_every_topic_and_the_stream() -> None:
    """AsyncAPI 3.0: addresses as the bus and the notifications service have them, one operation for what is sent."""
    document = parsed("asyncapi.yaml")
    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in document["channels"].values()} == {
        referral.TOPIC,
        casefile.TOPIC,
        "caserelay.notifications.v1",
        "caserelay.organisation.{organisation}.v1",
        "/v1/stream",
    }
    assert {operation["action"] for operation in document["operations"].values()} == {"send"}
    for operation in document["operations"].values():
        channel = resolve(document, operation["channel"]["$ref"])
        carried = [resolve(document, message["$ref"]) for message in operation["messages"]]
        assert carried == list(channel["messages"].values())


@pytest.mark.parametrize(
    ("channel", "expected"), [("referral", published(referral)), ("casefile", published(casefile))]
)
def test_every_message_is_on_the_channel_of_its_service(channel: str, expected: dict[str, type[Message]]) -> None:
    """And on the stream, if it goes into feeds; its payload is the envelope with the data of its type."""
    document = parsed("asyncapi.yaml")
    assert set(document["channels"][channel]["messages"]) == {f"{kind}.record" for kind in expected}
    fed = {kind: model for kind, model in expected.items() if model.FED}
    assert {f"{kind}.record" for kind in fed} <= set(document["channels"]["organisation"]["messages"])
    assert set(fed) <= set(document["channels"]["stream"]["messages"])
    for kind, model in fed.items():
        message = document["components"]["messages"][kind]
        envelope, own = message["payload"]["allOf"]
        assert envelope == {"$ref": "schemas/cloudevent.json"}
        assert own["properties"]["data"] == {"$ref": f"schemas/{kind}.json"}
        assert (message["name"], message["title"]) == (kind, model.NAME)


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Of a schema whose references lead to the files of `contracts/`."""

    def retrieve(uri: str) -> Any:
        return parsed(f"schemas/{uri.rsplit('/', 1)[1]}")

    return jsonschema_rs.validator_for(
        schema, base_uri="file:///asyncapi.yaml", retriever=retrieve, validate_formats=True
    )


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_the_examples_of_a_message_are_what_is_sent(kind: str) -> None:
    """On the stream the whole CloudEvent; in Kafka, binary mode: attributes in headers, data as the value."""
    document = parsed("asyncapi.yaml")
    (structured,) = document["components"]["messages"][kind]["examples"]
    validator(document["components"]["messages"][kind]["payload"]).validate(structured["payload"])
    event = structured["payload"]

    record = document["components"]["messages"][f"{kind}.record"]
    (example,) = record["examples"]
    sent = encode(BusMessage(7, event["partitionkey"], event["id"], json.dumps(event).encode()), 0)
    own = {"position": "7", "previous": "0"}
    assert {name: value.decode() for name, value in sent.headers} == {**example["headers"], **own}
    assert json.loads(sent.value) == example["payload"] == event["data"]
    assert record["contentType"] == "application/json"
    validator(resolve(document, record["headers"]["$ref"])).validate({**example["headers"], **own})
    validator(record["payload"]).validate(example["payload"])


def test_every_channel_and_operation_says_where_and_with_what_credentials() -> None:
    """Topics are in Kafka, behind SASL; the stream is on the origin, behind a bearer token."""
    document = parsed("asyncapi.yaml")
    for name, channel in document["channels"].items():
        (server,) = channel["servers"]
        assert server["$ref"] == f"#/servers/{'https' if name == 'stream' else 'kafka'}"
    kinds = {name: scheme["type"] for name, scheme in document["components"]["securitySchemes"].items()}
    for operation in document["operations"].values():
        (security,) = operation["security"]
        expected = "http" if operation["channel"]["$ref"].endswith("/stream") else "scramSha512"
        assert kinds[security["$ref"].rsplit("/", 1)[1]] == expected


def test_the_schema_of_a_case_message_asks_for_who_and_when() -> None:
    """Accountability is no option: actor, both times, the digest and the case are required everywhere."""
    of_cases = [kind for kind, model in MODELS.items() if issubclass(model, CaseMessage)]
    assert len(of_cases) > 50
    for kind in of_cases:
        required = set(parsed(f"schemas/{kind}.json")["required"])
        assert {"case", "actor", "occurredAt", "recordedAt", "digest"} <= required
