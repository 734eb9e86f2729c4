"""Every message that was ever published still reads: by today's models, and by readers that rely on the schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from contracts import casefile, notifications, referral
from contracts.message import as_json, decode_data, decode_event, encode, published
from deploy.contracts.documents import CONTRACTS
from tests.support import golden

MODELS = {**published(referral), **published(casefile), **published(notifications)}
EXAMPLES = sorted(golden.MESSAGES.glob("*/*.json"))


def named(example: Path) -> str:
    """What pytest calls an example."""
    return f"{example.parent.name}/{example.name}"


def schema(name: str) -> dict[str, Any]:
    """A schema as it is checked in."""
    read: dict[str, Any] = json.loads((CONTRACTS / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    return read


def test_every_type_ever_published_has_an_example_and_a_model() -> None:
    """What was published once is read for ever; what is published today is shown by an example."""
    assert {example.parent.name for example in EXAMPLES} == set(MODELS)


def test_every_optional_field_of_a_message_is_in_an_example() -> None:
    """With a value of its own: what a reader never saw in an example it finds out from somebody's message."""
    read = [decode_data(model, example["data"]) for kind, model in MODELS.items() for example in golden.examples(kind)]
    known = {one for message in read for one in golden.told(message)}
    declared = {one for model in MODELS.values() for one in golden.optional_fields(model)}
    never = sorted(f"{of.__name__}.{name}" for of, name in declared - known)
    assert not never, f"no example has {', '.join(never)}: collect one with `python -m tests.support.golden DATA`"


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_still_reads_without_loss(example: Path) -> None:
    """Envelope and data come through today's models and back as they were."""
    published_then = json.loads(example.read_bytes())
    event = decode_event(example.read_bytes())
    message = decode_data(MODELS[event.type], event.data)
    again = msgspec.structs.replace(event, data=as_json(message))
    written = json.loads(encode(again))
    assert list(golden.lost(published_then, written)) == []
    assert decode_data(MODELS[event.type], written["data"]) == message


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_is_valid_against_the_schemas(example: Path) -> None:
    """Envelope and data satisfy the schemas as they are checked in, formats included."""
    message = json.loads(example.read_text(encoding="utf-8"))
    jsonschema_rs.validate(schema("cloudevent"), message, validate_formats=True)
    jsonschema_rs.validate(schema(message["type"]), message["data"], validate_formats=True)


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_says_what_it_is(example: Path) -> None:
    """Its type is its directory's name, its data have the schema that it names, and it is about its key."""
    message = json.loads(example.read_text(encoding="utf-8"))
    assert message["type"] == example.parent.name
    assert message["dataschema"] == schema(message["type"])["$id"]
    assert message["subject"] == message["partitionkey"]
    sender = next(module for module in (referral, casefile, notifications) if message["type"] in published(module))
    assert message["source"] == sender.SOURCE
    if "case" in message["data"]:
        assert message["subject"] == message["data"]["case"]


def test_a_message_that_breaks_its_schema_is_refused() -> None:
    """The schemas are worth validating against: a missing or misspelt field does not pass."""
    message = json.loads((golden.MESSAGES / referral.ReferralAccepted.TYPE / "1.json").read_text(encoding="utf-8"))
    accepted = jsonschema_rs.validator_for(schema(message["type"]), validate_formats=True)
    assert accepted.is_valid(message["data"])
    for field in message["data"]:
        without = {name: value for name, value in message["data"].items() if name != field}
        assert not accepted.is_valid(without), field
    assert not accepted.is_valid({**message["data"], "occurredAt": "yesterday"})
