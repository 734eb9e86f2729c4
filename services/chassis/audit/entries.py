"""What the transparency log says of an event: where it stands, and a digest of its stored bytes. No personal data.

The name of a stream may hold who it is about, or a hash of that; it stands in no entry, but what commits to it: a hash
with a salt, which follows from a secret of the log, and is another one for each event. Who is given the salt of an
event can check of which stream its entry is. Nobody can find a name out by trying, nor prove that two entries are of
one stream: who may no longer read a stream, or read a part of it alone, is not told by the log what else happens there.
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


@lru_cache(maxsize=_REMEMBERED)
def _key_of(secret: bytes, stream: str) -> bytes:
    return hmac.digest(secret, stream.encode(), "sha256")


def salt_of(secret: bytes, stream: str, version: int) -> bytes:
    """The salt with which the entry of one event commits to its stream; it opens no other entry."""
    # Half of the hash is kept, so nobody can extend what was hashed: that costs half of what HMAC does, for each event.
    return sha256(_key_of(secret, stream) + b"%d" % version).digest()[:SALT_BYTES]


def commitment(salt: bytes, stream: str) -> str:
    """What stands for a stream in an entry: SHA-256 of salt and name, in hexadecimal. Raises ValueError."""
    if len(salt) != SALT_BYTES:
        # One that ends in the beginning of a name would open the entry for the rest of it, as another stream's.
        raise ValueError("a salt has another length")
    return sha256(salt + stream.encode()).hexdigest()


def committed(secret: bytes, stream: str, version: int) -> str:
    """The same for the event of a version, of the log's secret."""
    # `commitment` of `salt_of`, in a third less time: each event of a log has it made whenever it is verified.
    salt = sha256(_key_of(secret, stream) + b"%d" % version).digest()[:SALT_BYTES]
    return sha256(salt + stream.encode()).hexdigest()


class _Dated(Struct, frozen=True):
    recorded_at: datetime


class _Stored(Struct, frozen=True):
    meta: _Dated


_STORED: Final = Decoder(_Stored)


def entry_of_row(row: Row, secret: bytes) -> bytes | None:
    """The entry that follows from a row as it is stored; None where no event was ever stored so."""
    position, stream, version, topic, state = row
    if not (type(position) is type(version) is int and type(stream) is type(topic) is str and type(state) is bytes):
        return None
    try:
        recorded_at = _STORED.decode(state).meta.recorded_at
        name = committed(secret, stream, version)
    except (ValueError, RecursionError):
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
            committed(secret, recorded.stream, recorded.version),
            recorded.version,
            recorded.topic,
            recorded.meta.recorded_at,
            recorded.digest,
        )
    )
