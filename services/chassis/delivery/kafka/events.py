"""CloudEvents on Kafka (protocol binding 1.0.2): binary mode, with the attributes in headers and the data as the value.

Two headers of our own go with each record. `position` is that of the event in its source's log. `previous` is the
position of the record that the publisher put into the partition before it, so that a reader notices a gap: a client
that retries may let a later record overtake an earlier one, and the publisher will send both again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec import Raw
from msgspec.json import Decoder
from pydantic_core import to_json

from services.chassis.delivery.bus import BusMessage
from services.chassis.delivery.kafka.upstream import murmur2

Headers = Sequence[tuple[str, bytes]]

_ATTRIBUTES: Final = Decoder(dict[str, Raw])
_TEXT: Final = Decoder(str)
_DATA: Final = "data"
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED: Final = b"application/cloudevents+json"
_PREFIX: Final = "ce_"


class Record(NamedTuple):
    """What is sent: the headers and the value of a Kafka record."""

    headers: list[tuple[str, bytes]]
    value: bytes


class Received(NamedTuple):
    """What came: the message, and the position of the one before it in its partition."""

    message: BusMessage
    previous: int


def partition_of(key: str, partitions: int) -> int:
    """Where a key's messages go: the default of Kafka's own clients, so that others can find them."""
    hashed: int = murmur2(key.encode())
    return (hashed & 0x7FFFFFFF) % partitions


def encode(message: BusMessage, previous: int) -> Record:
    """A message as a record. A body that is no CloudEvent travels as it is, in structured mode."""
    own = [("position", str(message.position).encode()), ("previous", str(previous).encode())]
    try:
        # The data are neither read nor written: they travel as the bytes that the publisher made.
        read = _ATTRIBUTES.decode(message.body)
        data = bytes(read.pop(_DATA))
        event = {name: _TEXT.decode(value) for name, value in read.items()}
        content = event.pop("datacontenttype")
        headers = [(_PREFIX + name, value.encode()) for name, value in event.items()]
        if event["id"] != message.id:
            raise ValueError("the envelope is another one's")
    except (ValueError, TypeError, KeyError, AttributeError):
        return Record([(_CONTENT_TYPE, _STRUCTURED), ("id", message.id.encode()), *own], message.body)
    return Record([(_CONTENT_TYPE, content.encode()), *headers, *own], data)


def decode(key: bytes, headers: Headers, value: bytes) -> Received:
    """The inverse. Raises KeyError or ValueError for a record that no publisher of ours has made."""
    found = dict(headers)
    position, previous = int(found["position"]), int(found["previous"])
    if found[_CONTENT_TYPE] == _STRUCTURED:
        return Received(BusMessage(position, key.decode(), found["id"].decode(), value), previous)
    event: dict[str, Any] = {
        name.removeprefix(_PREFIX): text.decode() for name, text in headers if name.startswith(_PREFIX)
    }
    event["datacontenttype"] = found[_CONTENT_TYPE].decode()
    # The data are bytes of JSON already, and go behind the attributes as they are.
    body = to_json(event)[:-1] + b',"data":' + value + b"}"
    return Received(BusMessage(position, key.decode(), found["ce_id"].decode(), body), previous)
