"""The shape of every message: a payload with a stable CloudEvents type, the envelope around it, and their codec.

Messages are msgspec Structs. The published schemas are generated from them (`deploy/contracts/schemas.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from contracts.coded import LadderLevelCode, PauseCode, RoleCode

Instant = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A moment, in UTC: RFC 3339 on the wire."""


class Published(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything that is published: camelCase on the wire, immutable, and tolerant of fields that it does not know.

    Tolerance lets new writers run beside old readers; the golden corpus proves that old messages still read. The
    constructor does not check types: mypy checks what is written, the decoders below what is read.
    """


class ActorRef(Published, frozen=True, kw_only=True):
    """Who acted: the organisation's own staff identifier, role, organisation.

    `on_behalf_of` is whose word it was, where somebody passed on another's, and `on_behalf_reason` the code of the
    reason why (`contracts.casefile_codes.OnBehalfReason`); or a colleague who is away, with `ABSENCE`, where a
    substitute acted. `method` is how they proved who they are, where it was not by a token: `LINK_AND_CODE`.
    """

    sub: str
    role: RoleCode
    org: str
    on_behalf_of: str | None = None
    on_behalf_reason: str | None = None
    method: str | UnsetType = UNSET


class Deadline(Published, frozen=True, kw_only=True):
    """A running deadline: what is due, until when, and when its owner is reminded (80 % of the term)."""

    name: str
    due_at: Instant
    remind_at: Instant


class PausedDeadline(Published, frozen=True, kw_only=True):
    """A term that stands still: what it is, when it would have been due, and why it does not run."""

    deadline: str
    due_at: Instant
    reason: PauseCode


class Receiver(Published, frozen=True, kw_only=True):
    """Those who are told of a term: in a role of an organisation; None, in the role wherever they are."""

    role: RoleCode
    org: str | None = None


class LevelDue(Published, frozen=True, kw_only=True):
    """The level that a missed term comes to at an instant, unless what it waits for is done before."""

    level: LadderLevelCode
    at: Instant


class Message(Published, frozen=True, kw_only=True):
    """The payload of a CloudEvent. `TYPE` is its stable name with a version; a published version is never edited."""

    TYPE: ClassVar[str]
    NAME: ClassVar[str]
    """The event's name in docs/domain.md, which the timeline shows."""
    FED: ClassVar[bool] = True
    """Whether it goes into feeds; otherwise the services tell it to each other alone."""


class CaseMessage(Message, frozen=True, kw_only=True):
    """A message about one case; `digest` is the SHA-256 of the private event behind it, in hexadecimal."""

    case: str
    actor: ActorRef
    occurred_at: Instant
    recorded_at: Instant
    digest: str


def occurred_at_of(message: Message) -> datetime | None:
    """When it happened that a message is about; None where only the envelope has a time."""
    return message.occurred_at if isinstance(message, CaseMessage) else None


class Attributes(Published, frozen=True, kw_only=True):
    """What a CloudEvent says of its data."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: Instant
    dataschema: str
    datacontenttype: str = "application/json"
    sequence: str
    partitionkey: str
    causationid: str | None = None
    causationsequence: str | None = None
    traceparent: str | None = None


class CloudEvent(Attributes, frozen=True, kw_only=True):
    """CloudEvents 1.0, with the partitioning, sequence, correlation and distributed-tracing extensions.

    `id` is the event's id, `sequence` its position in the source's log, `subject` and `partitionkey` the case
    (for an organisation or a programme: its own id), `causationid` the id of the message that this one follows from,
    which came from another service, and `causationsequence` the `sequence` of that one.
    """

    data: dict[str, Any]


class Envelope(Attributes, frozen=True, kw_only=True):
    """A CloudEvent as a consumer gets it: its attributes, and its data as the JSON that came.

    A service that reacts to its type reads as much of the data as it needs; for all others they stay unread.
    """

    data: msgspec.Raw


M = TypeVar("M", bound=Published)


def _number(text: str) -> int | float:
    """JSON has one kind of number: 1.0 is an integer, as the schemas have it too."""
    number = float(text)
    return int(number) if number.is_integer() else number


_ENVELOPE = msgspec.json.Decoder(CloudEvent, float_hook=_number)
_CLOSED = msgspec.json.Decoder(Envelope)
_PLAIN = msgspec.json.Decoder(dict[str, Any], float_hook=_number)
_ENCODER = msgspec.json.Encoder()


def published(*modules: ModuleType) -> dict[str, type[Message]]:
    """The messages of modules by their CloudEvents type, sorted; those that are only built upon have none.

    Those of a package are in its modules.
    """
    kinds = (kind for module in modules for kind in _classes(module))
    found = {kind.TYPE: kind for kind in kinds if issubclass(kind, Message) and hasattr(kind, "TYPE")}
    return dict(sorted(found.items()))


def _classes(module: ModuleType) -> Iterator[type]:
    for held in vars(module).values():
        if isinstance(held, type):
            yield held
        elif isinstance(held, ModuleType) and held.__name__.startswith(f"{module.__name__}."):
            yield from _classes(held)


def decode_event(body: bytes) -> CloudEvent:
    """A CloudEvent of its structured JSON.

    Raises UnicodeDecodeError, msgspec.DecodeError for what is not JSON, and its subclass ValidationError.
    """
    return _ENVELOPE.decode(body)


def open_envelope(body: bytes) -> Envelope:
    """The envelope of a CloudEvent in structured JSON. Raises as `decode_event` does, but for what its data hold."""
    return _CLOSED.decode(body)


def plain_data(envelope: Envelope) -> dict[str, Any]:
    """The data of an envelope, as JSON has them. Raises UnicodeDecodeError, and msgspec.ValidationError."""
    return _PLAIN.decode(envelope.data)


def read_data(kind: type[M], envelope: Envelope) -> M:
    """The data of an envelope as a message: no more of them than the message has. Raises as `plain_data` does."""
    try:
        message: M = _reader(kind).decode(envelope.data)
    except msgspec.ValidationError:
        # There a 1.0 is no integer; here it is.
        return decode_data(kind, plain_data(envelope))
    return message


@cache
def _reader(kind: type[Published]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode_data(kind: type[M], data: Any) -> M:
    """A message of what JSON made of its payload. Raises msgspec.ValidationError."""
    return msgspec.convert(data, kind)


def encode(value: Any) -> bytes:
    """The JSON of a message, of its envelope, or of what holds them; an envelope as `as_json` has it."""
    return _ENCODER.encode(as_json(value) if isinstance(value, CloudEvent) else value)


def as_json(message: Published) -> dict[str, Any]:
    """What JSON makes of a message: times are texts. An attribute that an envelope does not have is left out."""
    made: dict[str, Any] = msgspec.to_builtins(message)
    if isinstance(message, Attributes):
        return {name: value for name, value in made.items() if value is not None}
    return made


def envelope_as_json(envelope: Envelope, data: dict[str, Any]) -> dict[str, Any]:
    """The same of an envelope whose data were read as `plain_data` has them."""
    made: dict[str, Any] = msgspec.to_builtins(envelope, builtin_types=(msgspec.Raw,))
    made["data"] = data
    return {name: value for name, value in made.items() if value is not None}
