"""What is posted of every message that was ever published: the whole event, or its ids and where to read the rest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from cloudevents.conversion import to_dict
from cloudevents.http import from_json

from deploy.contracts.documents import CONTRACTS
from services.notifications.catalogue import MESSAGES
from services.notifications.webhooks.bodies import full, thin

EXAMPLES: Final = sorted((CONTRACTS / "examples").glob("*/*.json"))
"""A message of every type, as it was published once."""
DELIVERED: Final = [file for file in EXAMPLES if (kind := MESSAGES.get(file.parent.name)) is not None and kind.FED]
"""Those that any endpoint may get; the others go from service to service."""
PATHS: Final = json.loads((CONTRACTS / "openapi" / "sandbox.json").read_text(encoding="utf-8"))["paths"]
ID: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}")


def stored(file: Path) -> dict[str, Any]:
    """A message as the log has it."""
    message: dict[str, Any] = json.loads(file.read_bytes())
    return message


def test_there_is_an_example_of_every_type() -> None:
    """So that what follows is tried on each."""
    assert MESSAGES.keys() <= {file.parent.name for file in EXAMPLES}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_full_body_is_the_event_as_it_was_published(file: Path) -> None:
    """Nothing more and nothing less, its place in a trace among it; the same bytes each time."""
    message = stored(file)
    body = full(message)
    assert json.loads(body) == message
    assert full(stored(file)) == body
    assert b"\n" not in body


@pytest.mark.parametrize("file", DELIVERED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_thin_body_has_ids_type_and_href_alone(file: Path) -> None:
    """The envelope is the same, and nothing of the data crosses that says more than which things it is about."""
    message = stored(file)
    body = thin(message, "https://relay.example.org")
    event = json.loads(body)
    data = event.pop("data")
    assert event == {name: value for name, value in message.items() if name not in ("data", "dataschema")}
    assert data.pop("type") == message["type"]
    path = data.pop("href").removeprefix("https://relay.example.org")
    assert [form for form in PATHS if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", form), path) and "get" in PATHS[form]]
    assert path.rpartition("/")[2] in data.values()
    for name, value in data.items():
        assert ID.fullmatch(value), name
        assert value in (message["data"].get(name), message["subject"])
    assert not data.keys() & {"actor", "mentor", "coordinator", "owner", "reason", "score", "clientRef", "contact"}
    assert thin(stored(file), "https://relay.example.org") == body
    assert json.loads(thin(message))["data"]["href"] == path


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_cloudevents_sdk_reads_either_body(file: Path) -> None:
    """In structured mode, by the SDK's own parsers."""
    message = stored(file)
    for body in (full(message), thin(message)):
        read = from_json(body)
        assert (read["id"], read["type"], read["source"]) == (message["id"], message["type"], message["source"])
        assert read.get("traceparent") == message.get("traceparent")
        assert to_dict(read)["data"] == json.loads(body)["data"]


def test_an_event_of_a_type_to_come_is_thin_as_well() -> None:
    """A newer service may publish what this version does not know: its ids, and its case where it has one."""
    message = {"id": "1", "type": "org.caserelay.mystery.solved.v1", "subject": "s", "data": {"case": "c", "text": "t"}}
    assert json.loads(thin(message))["data"] == {"case": "c", "type": message["type"], "href": "/v1/cases/c"}
    message["data"] = {"text": "t"}
    assert json.loads(thin(message))["data"] == {"type": message["type"]}
