"""Messages as Structs accept and refuse what they did as pydantic models: the verdicts of then are kept in a table.

`golden/verdicts.tsv` has a line for every document of `mutations.documents`, with a letter for each of its mutations:

- `+`: the schema accepted it, and the reader read it. That holds for ever: it may have been published.
- `-`: both refused it, and go on to.
- `r`: the schema refused it and the reader read it, as it still has to: a code that came later, a time without a zone.
- `o`: the schema refused it, the old reader read it, and today's refuses it. `STRICTER` says all that this may be.

The table was written by running the models as they stood before, and is never written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgspec
import pytest

from contracts import casefile, notifications, referral
from contracts.message import (
    CloudEvent,
    as_json,
    decode_data,
    decode_event,
    encode,
    open_envelope,
    published,
    read_data,
)
from deploy.contracts.schemas import schemas
from tests.contracts.mutations import ENVELOPE, documents, mutations

MODELS: Final = {**published(referral), **published(casefile), **published(notifications)}
TABLE: Final = Path(__file__).parent / "golden" / "verdicts.tsv"
DOCUMENTS: Final = documents()

STRICTER: Final = {
    # A text for a number, a flag, a day or a time.
    *("'0'", "'1'", "'-1'", "'true'", "'yes'", "'1768208400'", "'20260112'"),
    # A number or a flag for one another, for a day or for a time.
    *("0", "1", "-1", "1.0", "1.5", "1768208400", "True", "False", "{'x': 1}"),
    # A day for a time, a time for a day, a time without seconds.
    *("'2026-01-12'", "'2026-01-12T00:00:00Z'", "'2026-01-12T09:10Z'"),
}
"""What pydantic made into a value of the right kind, though no schema allowed it and nothing ever wrote it."""


@cache
def recorded() -> dict[str, str]:
    """The verdicts of then, by document."""
    lines = [line.partition("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]
    return {name: verdicts for name, _, verdicts in lines}


def kind_of(name: str) -> str:
    """The schema that a document is of."""
    return name.split("/", maxsplit=1)[0]


@cache
def generated() -> dict[str, dict[str, Any]]:
    """Every schema as it is generated today; to generate one, all are."""
    return schemas()


@cache
def validator(kind: str) -> jsonschema_rs.Validator:
    """Of such a schema."""
    return jsonschema_rs.validator_for(generated()[kind], validate_formats=True)


def is_read(kind: str, document: Any) -> bool:
    """Whether today's reader takes a document, on its way from the bus."""
    try:
        if kind == ENVELOPE:
            decode_event(json.dumps(document).encode())
        else:
            read_data(MODELS[kind], open_envelope(in_envelope(document)))
    except msgspec.ValidationError:
        return False
    return True


def in_envelope(data: Any) -> bytes:
    """A message on the bus."""
    return json.dumps({**DOCUMENTS[ENVELOPE], "data": data}).encode()


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_data_are_read_from_their_bytes_as_from_what_json_makes_of_them(name: str) -> None:
    """A service that reads the data alone finds in any document what a reader of the whole finds, or refuses it too."""
    kind, document = kind_of(name), DOCUMENTS[name]
    if kind == ENVELOPE:
        return
    for how in mutations(document):
        whole = in_envelope(document)
        try:
            found = decode_data(MODELS[kind], decode_event(whole).data)
        except msgspec.ValidationError:
            with pytest.raises(msgspec.ValidationError):
                read_data(MODELS[kind], open_envelope(whole))
        else:
            assert read_data(MODELS[kind], open_envelope(whole)) == found, how


def verdicts(name: str) -> Iterator[tuple[str, str, bool, bool]]:
    """Of every mutation what was changed, what was said of it then, and whether schema and reader accept it now."""
    kind, document = kind_of(name), DOCUMENTS[name]
    for how, then in zip(mutations(document), recorded()[name], strict=True):
        yield how, then, validator(kind).is_valid(document), is_read(kind, document)


@pytest.mark.parametrize("name", recorded())
def test_a_document_is_accepted_or_refused_as_before(name: str) -> None:
    """By the schema; and by the reader, wherever the two agreed or it may still meet such a document."""
    expected = {"+": (True, True), "-": (False, False), "r": (False, True), "o": (False, False)}
    differing = [
        f"{how}: {then}, now schema {accepted} and reader {read}"
        for how, then, accepted, read in verdicts(name)
        if (accepted, read) != expected[then]
    ]
    assert differing == []


def test_the_reader_became_stricter_only_about_what_no_schema_allows() -> None:
    """Every document that is refused today and was read before has one of a few values, in a place of another kind."""
    stricter = {
        how.split(" is ")[-1].split(" has ")[-1].removesuffix(" at its end")
        for name in recorded()
        for how, then in zip(mutations(DOCUMENTS[name]), recorded()[name], strict=True)
        if then == "o"
    }
    assert stricter == STRICTER


def test_every_code_that_came_later_is_read() -> None:
    """A reader lives with a list of codes that has grown since: no text in the place of a code is refused."""
    unknown = [
        (name, how, then)
        for name in recorded()
        for how, then in zip(mutations(DOCUMENTS[name]), recorded()[name], strict=True)
        if how.endswith("is 'NO_SUCH_CODE'") and then in "ro"
    ]
    assert {then for _, _, then in unknown} == {"r"}
    # Counted by hand in one sample.
    of_one = [how.split()[0] for name, how, _ in unknown if name == "org.caserelay.case.contact_attempted.v1/1"]
    assert of_one == ["/actor/role", "/channel"]


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_what_the_schema_accepts_is_read(name: str) -> None:
    """Of samples that came after the table too: a reader refuses nothing that the published schema allows."""
    kind, document = kind_of(name), DOCUMENTS[name]
    for how in mutations(document):
        if validator(kind).is_valid(document):
            assert is_read(kind, document), how


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_what_was_read_is_written_in_the_same_bytes(name: str) -> None:
    """Members in the same order, times and texts in the same form; a field that came later is the only other."""
    kind, document = kind_of(name), DOCUMENTS[name]
    wire = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if kind == ENVELOPE:
        assert encode(decode_event(wire)) == wire
        assert as_json(decode_event(wire)) == document
    else:
        written = encode(decode_data(MODELS[kind], document))
        known = only(json.loads(written), document)
        assert json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode() == wire
        compact = json.dumps(json.loads(written), ensure_ascii=False, separators=(",", ":")).encode()
        assert written == compact


def only(written: Any, of: Any) -> Any:
    """What was written, without the members that the document does not have."""
    match written:
        case dict():
            return {name: only(value, of[name]) for name, value in written.items() if name in of}
        case list():
            return [only(value, like) for value, like in zip(written, of, strict=True)]
        case _:
            return written


def test_an_attribute_that_an_envelope_does_not_have_is_left_out() -> None:
    """Absent attributes are no nulls (CloudEvents JSON format 1.0.2, section 2.3 allows both; it was always this)."""
    document = DOCUMENTS[ENVELOPE]
    optional = {"causationid", "causationsequence", "traceparent"}
    bare = {name: value for name, value in document.items() if name not in optional}
    assert list(json.loads(encode(decode_event(json.dumps(bare).encode())))) == list(bare)
    assert b'"y":null' in encode(decode_event(json.dumps(bare).encode())), "a null in the data is kept"


@pytest.mark.parametrize("model", [*MODELS.values(), CloudEvent], ids=lambda model: model.__name__)
def test_every_moment_of_a_message_says_that_it_is_one(model: type[msgspec.Struct]) -> None:
    """`Instant` and not `datetime`: only so does the schema say `date-time`."""

    def bare(of: msgspec.inspect.Type) -> Iterator[str]:
        match of:
            case msgspec.inspect.StructType():
                for field in of.fields:
                    found = list(bare(field.type))
                    yield from (f"{of.cls.__name__}.{field.name}" for at in found if at == "datetime")
                    yield from (at for at in found if at != "datetime")
            case msgspec.inspect.DateTimeType():
                yield "datetime"
            case msgspec.inspect.UnionType():
                for choice in of.types:
                    yield from bare(choice)
            case msgspec.inspect.ListType():
                yield from bare(of.item_type)
            case msgspec.inspect.DictType():
                yield from bare(of.value_type)

    assert list(bare(msgspec.inspect.type_info(model))) == []


@pytest.mark.parametrize("model", [*MODELS.values(), CloudEvent], ids=lambda model: model.__name__)
def test_every_part_of_a_message_is_immutable_and_built_by_name(model: type[msgspec.Struct]) -> None:
    """Msgspec inherits neither: a class that forgets `kw_only` would take its fields by their place."""
    config = model.__struct_config__
    assert config.frozen
    with pytest.raises(TypeError, match="positional"):
        model("a value")
