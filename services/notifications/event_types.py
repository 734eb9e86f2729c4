"""The catalogue of what can be received: each type with its schema, an example, and what its receiver is to do.

Who chooses types for a subscription decides by this. The sentences stand in contracts/what_to_do.json, beside the
messages, and the examples are those that the messages are held to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from contracts.broadcast import OfferMessage
from contracts.json_schema import schema_of
from contracts.message import CaseMessage, Message
from contracts.visibility import FOR_THE_AGENCY
from services.chassis.http.response.rendering import Json
from services.notifications.catalogue import MESSAGES

_CONTRACTS: Final = files("contracts")


class Audience(StrEnum):
    """Who can receive a type: of those, an event comes to the parties of its own case alone."""

    EVERYBODY = "EVERYBODY"
    """Every organisation: it is about no case."""
    AGENCY = "AGENCY"
    """The agency that leads the case, and no organisation."""
    AGENCY_AND_NAMED = "AGENCY_AND_NAMED"
    """The agency, and the organisation that it names."""
    PARTIES = "PARTIES"
    """The agency, and who has a part in the case then; where it names an organisation or a referral, that one's."""


def audience_of(model: type[Message]) -> Audience:
    """Who can receive a message, as `contracts.visibility` decides it event by event."""
    if not issubclass(model, CaseMessage | OfferMessage):
        return Audience.EVERYBODY
    if model.NAME in FOR_THE_AGENCY:
        return Audience.AGENCY
    named = any(field.name == "organisation" and field.required for field in msgspec.structs.fields(model))
    return Audience.AGENCY_AND_NAMED if named else Audience.PARTIES


@cache
def event_types() -> tuple[Json, ...]:
    """The catalogue, in the order of the types; read when somebody first asks for it."""
    sentences = json.loads((_CONTRACTS / "what_to_do.json").read_text(encoding="utf-8"))
    return tuple(_entry(kind, model, sentences[kind]) for kind, model in MESSAGES.items())


def _entry(kind: str, model: type[Message], what_to_do: str) -> Json:
    return {
        "type": kind,
        "name": model.NAME,
        "summary": (model.__doc__ or "").splitlines()[0],
        "audience": audience_of(model).value,
        "receiver": what_to_do,
        "schema": schema_of(model),
        "example": _example(kind),
    }


def _example(kind: str) -> dict[str, Any]:
    newest = max(_numbers(kind))
    text = (_CONTRACTS / "examples" / kind / f"{newest}.json").read_text(encoding="utf-8")
    example: dict[str, Any] = json.loads(text)
    return example


def _numbers(kind: str) -> Iterator[int]:
    for file in (_CONTRACTS / "examples" / kind).iterdir():
        stem, _, ending = file.name.partition(".")
        if ending == "json":
            yield int(stem)
