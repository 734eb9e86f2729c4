"""What is stored for ever and told to others holds no personal data: neither by its shape nor in any sample."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from msgspec import Struct, structs
from pydantic import BaseModel

from contracts import casefile, notifications, referral
from contracts.letters import MenteesLetterPosted, MentorsLetterPosted
from contracts.message import CloudEvent, published
from services.casefile.events import EVENTS as CASEFILE
from services.chassis.log.metadata import Metadata
from services.chassis.vault import national_number
from services.notifications.events import EVENTS as NOTIFICATIONS
from services.referral.contact import ContactBody
from services.referral.events import EVENTS as REFERRAL
from tests.support import golden
from tests.support.golden import corpus

PERSONAL = {"contact", *ContactBody.model_fields}
"""What the vault holds: `contact` and all that a request may put into it."""
SPECIAL = {"address", "birth", "ethnic", "gender", "health", "mail", "nationality", "niss", "religion", "surname"}
"""What nobody may ask for at all."""
NOT_OF_A_PERSON = {
    "address_ref": "a reference to the vault",
    "contact_language": "a language's tag",
    "contact_point": "a context, for a whole programme",
    "contact_point_ref": "a reference to the vault",
    "contact_ref": "a reference to the vault",
}
NAMED = {
    "Deadline": "a term",
    "Description": "an organisation",
    "MessageTaken": "an event",
    "OfferEntryTaken": "an event",
    "OfferTermTaken": "an event",
    "OrganisationDescribed": "an organisation",
    "OrganisationLearnt": "an organisation",
    "OwnHeader": "a header of HTTP",
    "Parameters": "a programme",
    "ProgrammeParameters": "a programme",
    "ReferralEntryTaken": "an event",
    "ReferralNoteTaken": "an event",
    "ReferralReturned": "an event",
    "Rules": "a programme",
}
"""What has a name, and what it is the name of: nothing of this is a person."""

MODELS = [CloudEvent, *published(referral).values(), *published(casefile).values(), *published(notifications).values()]
# One of the chassis is of several services.
EVENTS = [*dict.fromkeys([Metadata, *(row.event for row in (*REFERRAL, *CASEFILE, *NOTIFICATIONS))])]
SAMPLES = [
    file
    for directory in (golden.MESSAGES, *(corpus(service).directory for service in golden.SERVICES))
    for file in sorted(directory.rglob("*"))
    if file.suffix in {".json", ".tsv"}
]

_MAIL = re.compile(r"\S@\S")
_PHONE = re.compile(r"\+\d[\d ./-]{7,}")


def shape(kind: Any, seen: set[Any]) -> Iterator[tuple[str, str]]:
    """Every (class, field) that a value of this type may hold, at any depth."""
    for argument in get_args(kind):
        yield from shape(argument, seen)
    if kind in seen or not isinstance(kind, type):
        return
    seen.add(kind)
    if issubclass(kind, BaseModel):
        inner: dict[str, Any] = {name: field.annotation for name, field in kind.model_fields.items()}
    elif issubclass(kind, Struct):
        inner = {field.encode_name: field.type for field in structs.fields(kind)}
    elif is_dataclass(kind):
        hints = get_type_hints(kind)
        inner = {field.name: hints[field.name] for field in fields(kind)}
    else:
        return
    for name, annotation in inner.items():
        yield kind.__name__, name
        yield from shape(annotation, seen)


def texts(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value with the name of its field; names are texts too."""
    match value:
        case str():
            yield at, value
        case dict():
            for name, inner in value.items():
                yield "", name
                yield from texts(inner, name)
        case list():
            for inner in value:
                yield from texts(inner, at)


def sample(file: Path) -> list[Any]:
    """The JSON values of a file of the corpus."""
    if file.suffix == ".tsv":
        return [json.loads(line.rsplit(b"\t", 1)[1]) for line in file.read_bytes().splitlines()]
    return [json.loads(file.read_bytes())]


@pytest.mark.parametrize("kind", [*MODELS, *EVENTS], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_event_and_no_message_has_a_field_of_the_vault(kind: type) -> None:
    """No field is called after contact data or a special category, but for names of what is no person."""
    found = list(shape(kind, set()))
    assert found
    for owner, name in found:
        if name not in NOT_OF_A_PERSON and not (name == "name" and owner in NAMED):
            assert (PERSONAL | SPECIAL).isdisjoint(name.split("_")), f"{owner}.{name}"


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: str(file.relative_to(golden.ROOT)))
def test_no_sample_holds_personal_data(file: Path) -> None:
    """No field of the vault, no mail address, telephone number or national number, in any text of any sample."""
    for value in sample(file):
        for field, text in texts(value):
            assert text not in PERSONAL - {"name"}, text
            assert not national_number.find(text), field
            assert not _PHONE.search(text), field
            # A programme's context has an address of its own; it is nobody's in particular.
            assert field in {"contact_point", "contactPoint"} or not _MAIL.search(text), field


def test_personal_data_would_be_found() -> None:
    """The search finds what it is looking for."""
    told = {"data": [{"phone": "+32 470 00 11 22", "said": "ask samira@voorbeeld.example", "ref": "85.07.30-033 28"}]}
    found = list(texts(told))
    assert ("", "phone") in found
    assert any(_PHONE.search(text) for _, text in found)
    assert any(_MAIL.search(text) for _, text in found)
    assert any(national_number.find(text) for _, text in found)


def test_a_field_of_the_vault_would_be_found() -> None:
    """At any depth of a type."""

    class Inner(BaseModel):
        email: str

    class Outer(BaseModel):
        parts: list[Inner | None]

    assert ("Inner", "email") in list(shape(Outer, set()))


def test_what_is_told_of_telling_names_no_place_where_anybody_is_told() -> None:
    """Neither an address nor an endpoint, and no person: who was told are organisations."""
    models = (notifications.OrganisationTold, notifications.OrganisationNotTold, notifications.PersonAsked)
    found = {name for model in models for _, name in shape(model, set())}
    told = {"case", "event", "events", "organisation", "channel", "state", "since", "reason", "at"}
    assert found == told | {"side", "result"}


def test_what_the_services_tell_of_letters_names_no_reader_and_no_place() -> None:
    """Which match and which side, what the letter says, and hashes: no person, no address, no token and no code."""
    of_links = {notifications.ActedByLink, *(notifications.OrganisationTold, notifications.OrganisationNotTold)}
    models = [model for model in published(notifications).values() if model not in of_links]
    models += [MenteesLetterPosted, MentorsLetterPosted]
    found = {name for model in models for _, name in shape(model, set())}
    letter = {"letter", "number", "letters", "subject", "text", "html", "expiresAt", "language", "secret"}
    answer = {"link", "act", "reason", "score", "reasons"}
    assert found == letter | answer | {"case", "match", "side", "event", "organisation", "result", "at"}
