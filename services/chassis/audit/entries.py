"""What the transparency log says of an event: where it stands, and a digest of its stored bytes. No personal data.

The name of a stream may hold who it is about, or a hash of that; it stands in no entry, but what commits to it: a hash
with a salt, which follows from a secret of the log. Who is given the salt of a stream can check that an entry is of it,
and nobody else can find a name out by trying.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from services.chassis.log.event_log import Row
from services.chassis.log.metadata import Recorded

SECRET_BYTES: Final = 32
SALT_BYTES: Final = 16
_REMEMBERED: Final = 4096
_ENCODER: Final = Encoder()
_Read = TypeVar("_Read")


class Entry(Struct, frozen=True, rename="camel"):
    """An entry, member by member in the order in which they are written. `stream` is a commitment, `sha256` hex."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: datetime
    sha256: str


_ENTRY: Final = Decoder(Entry)


def salt_of(secret: bytes, stream: str) -> bytes:
    """The salt with which a stream is committed to."""
    return hmac.digest(secret, stream.encode(), "sha256")[:SALT_BYTES]


def commitment(salt: bytes, stream: str) -> str:
    """What stands for a stream in entries: SHA-256 of salt and name, in hexadecimal."""
    return sha256(salt + stream.encode()).hexdigest()


@lru_cache(maxsize=_REMEMBERED)
def committed(secret: bytes, stream: str) -> str:
    """The same, of the log's secret."""
    return commitment(salt_of(secret, stream), stream)


class _Dated(Struct, frozen=True):
    recorded_at: datetime


class _Stored(Struct, frozen=True):
    meta: _Dated


_STORED: Final = Decoder(_Stored)


_COLUMNS: Final = (int, str, int, str, bytes)


def entry_of_row(row: Row, secret: bytes) -> bytes | None:
    """The entry that follows from a row as it is stored; None where no event was ever stored so."""
    position, stream, version, topic, state = row
    if tuple(map(type, row)) != _COLUMNS:
        return None
    try:
        recorded_at = recorded_at_of(state)
        name = committed(secret, stream)
    except ValueError:
        return None
    return _ENCODER.encode(Entry(position, name, version, topic, recorded_at, sha256(state).hexdigest()))


def recorded_at_of(state: bytes) -> datetime:
    """When an event was recorded, of its stored bytes. Raises ValueError."""
    return _decoded(_STORED, state).meta.recorded_at


def written(entry: Entry) -> bytes:
    """An entry as it is written: one line of JSON, without its end."""
    return _ENCODER.encode(entry)


def read_entry(entry: bytes) -> Entry:
    """What an entry says. Raises ValueError."""
    return _decoded(_ENTRY, entry)


def _decoded(decoder: Decoder[_Read], content: bytes) -> _Read:
    try:
        return decoder.decode(content)
    except RecursionError:
        # Somebody has nested it more deeply than anything of ours, to have who looks for that stumble.
        raise ValueError("the bytes are nested too deeply") from None


def entry_of(recorded: Recorded, secret: bytes) -> bytes:
    """The entry of an event: one line of JSON, without its end."""
    return _ENCODER.encode(
        Entry(
            recorded.position,
            committed(secret, recorded.stream),
            recorded.version,
            recorded.topic,
            recorded.meta.recorded_at,
            recorded.digest,
        )
    )
