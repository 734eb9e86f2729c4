"""Snapshots of long streams: where a fold begins that would otherwise begin with the first of thousands of events.

A snapshot is never the truth. It is written behind everybody's back, and believed only if it was made by the very code
that reads it, is whole, and ends with the event that the log has at that place; otherwise the stream is folded from its
first event, which costs time and nothing else. What is shown event by event does not come through here.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args, get_origin

from msgspec import convert
from msgspec.json import Decoder, Encoder

import contracts
from services.chassis import deciding, modelling
from services.chassis.deciding.folded import Folded, Kept
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from services.chassis.log.snapshots import Snapshot, SnapshotStore
from services.chassis.modelling.decider import Entity
from services.chassis.modelling.growing import GrowingMap, GrowingSet, GrowingTuple

EVERY: Final = 256
"""Events, after which a stream is worth another snapshot."""
BYTES_PER_EVENT: Final = 1024
"""Of a snapshot: a large one waits for more events, so that writing it does not cost more than what it saves."""
LARGEST: Final = 8 * 2**20
"""Bytes. To write or read more would hold up the process for longer than a request should wait."""
WAITING: Final = 32
"""Streams at most that wait for their snapshots; of more, the oldest go without until their next turn."""
REMEMBERED: Final = 4096
"""Long streams of which it is known when another snapshot is due."""
REST_SECONDS: Final = 0.05
_DIGEST: Final = 32

log = logging.getLogger(__name__)


class Found(NamedTuple):
    """Where a fold begins: the fold, and the events from its last one on."""

    folded: Folded[Any]
    tail: Sequence[Recorded]


class Snapshots:
    """The snapshots of a service's streams. Without a store there are none."""

    def __init__(self, log: EventLog, store: SnapshotStore | None) -> None:
        self._log = log
        self._store = store
        self._codecs: dict[int, tuple[Entity[Any], Codec | None]] = {}
        """The entity is kept along, so that the id in the key is not given to another one."""
        self._due: OrderedDict[tuple[str, int], int] = OrderedDict()
        """The version from which on a fold is worth another snapshot; of one that is not here, any is."""
        self._waiting: OrderedDict[tuple[str, int], tuple[Entity[Any], Folded[Any]]] = OrderedDict()
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    async def latest(self, stream: str, entity: Entity[Any], most: int) -> Found | None:
        """The fold of a stream as far as a snapshot has it, if there is one that holds, with `most` events from there.

        The first of those is the last one in the fold.
        """
        if self._store is None or (codec := self._codec(entity)) is None:
            return None
        try:
            snapshot = await self._store.latest(stream, codec.topic)
            folded = codec.read(snapshot) if snapshot is not None else None
        except Exception as failure:  # noqa: BLE001 - whatever it is, the log has it all
            self._warn("the snapshot of a stream cannot be read", failure)
            return None
        if snapshot is None or folded is None:
            return None
        tail = await self._log.read(stream, after=folded.version - 1, most=most)
        # A log that was restored may have another event at the place, or none.
        if not tail or (tail[0].version, tail[0].position, tail[0].meta.event_id) != (
            folded.version,
            folded.position,
            folded.event_id,
        ):
            return None
        self._put_off(stream, entity, folded.version + _events_before_another(len(snapshot.state)))
        return Found(folded, tail)

    def note(self, stream: str, kept: Kept) -> None:
        """Takes note of a fold; if it has come far since the last snapshot, another one is written soon."""
        entity, folded = kept.entity, kept.folded
        if self._store is None or folded.version < EVERY or self._closed:
            return
        if folded.version < self._due.get((stream, id(entity)), 0):
            return
        self._put_off(stream, entity, folded.version + EVERY)
        self._waiting[stream, id(entity)] = entity, folded.snapshot()
        while len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    def _put_off(self, stream: str, entity: Entity[Any], until: int) -> None:
        self._due[stream, id(entity)] = until
        self._due.move_to_end((stream, id(entity)))
        if len(self._due) > REMEMBERED:
            self._due.popitem(last=False)

    async def _write(self) -> None:
        try:
            while self._waiting and not self._closed:
                # After the answer for which the stream was folded.
                await asyncio.sleep(REST_SECONDS)
                (stream, _), (entity, folded) = self._waiting.popitem(last=False)
                await self._keep(stream, entity, folded)
        finally:
            self._writing = None

    async def _keep(self, stream: str, entity: Entity[Any], folded: Folded[Any]) -> None:
        if self._store is None or (codec := self._codec(entity)) is None:
            return
        try:
            state = await asyncio.to_thread(codec.written, stream, folded)
            size = len(state) if state is not None else LARGEST
            self._put_off(stream, entity, folded.version + _events_before_another(size))
            if state is not None:
                await self._store.keep(Snapshot(stream, codec.topic, codec.made_by, folded.version, state))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the log has it all
            self._warn("a snapshot of a stream cannot be written", failure)

    def _codec(self, entity: Entity[Any]) -> Codec | None:
        if (known := self._codecs.get(id(entity))) is None:
            known = self._codecs[id(entity)] = entity, Codec.of(entity)
        return known[1]

    def _warn(self, what: str, failure: Exception) -> None:
        # No more than the class: words of an engine may quote what it was given.
        log.warning(what, extra={"service": self._log.name, "failure": type(failure).__name__})

    async def written(self) -> None:
        """Returns once nothing waits to be written."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def close(self) -> None:
        """Waits for the one that is being written."""
        self._closed = True
        await self.written()
        if self._store is not None:
            await self._store.close()


def _events_before_another(size: int) -> int:
    return max(EVERY, size // BYTES_PER_EVENT)


class Codec(NamedTuple):
    """Writes and reads the folds of one kind of stream."""

    topic: str
    made_by: str
    decoder: Decoder[Folded[Any]]

    @classmethod
    def of(cls, entity: Entity[Any]) -> Codec | None:
        """The codec of the entity's folds; None where their class, or the code that makes them, cannot be read."""
        evolve = entity.evolve
        try:
            kind: Any = Folded[type(entity.initial)]  # type: ignore[misc]  # known when it runs
            code = code_of(str(sys.modules[evolve.__module__].__file__))
            begins = _ENCODER.encode(entity.initial)
            decoder = Decoder(kind, dec_hook=_grown)
        except (TypeError, NameError, OSError):
            return None
        topic = f"{evolve.__module__}.{evolve.__qualname__}"
        return cls(topic, hashlib.sha256(code + begins).hexdigest(), decoder)

    def written(self, stream: str, folded: Folded[Any]) -> bytes | None:
        """A fold as bytes; None where it is too large, or not the same when it is read again."""
        body = _ENCODER.encode(folded)
        if len(body) > LARGEST or self.decoder.decode(body) != folded:
            return None
        return _digest(stream, self.made_by, body) + body

    def read(self, snapshot: Snapshot) -> Folded[Any] | None:
        """The fold that the bytes hold; None where other code made them, or where they are not what was written.

        Raises MsgspecError.
        """
        digest, body = snapshot.state[:_DIGEST], snapshot.state[_DIGEST:]
        if snapshot.made_by != self.made_by or digest != _digest(snapshot.stream, self.made_by, body):
            return None
        return self.decoder.decode(body)


def _digest(stream: str, made_by: str, body: bytes) -> bytes:
    return hashlib.sha256(f"{stream} {made_by} ".encode() + body).digest()


@cache
def code_of(file: str) -> bytes:
    """A digest of all code that has a say in what a fold becomes, but for that of Python itself. Raises OSError.

    That is what lies beside the file that makes it, and what such a file may import: a rule that changes leaves no fold
    by the old one behind, whether or not the class of the state has changed.
    """
    rooms = (Path(file).parent, *(Path(str(room.__file__)).parent for room in (contracts, modelling, deciding)))
    digest = hashlib.sha256(version("msgspec").encode())
    for room in rooms:
        for source in sorted(room.rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.digest()


def _plain(value: Any) -> Any:
    if isinstance(value, GrowingMap):
        return list(value.items())
    if isinstance(value, GrowingSet | GrowingTuple):
        return list(value)
    raise TypeError(type(value).__name__)


def _grown(kind: Any, value: Any) -> Any:
    made, of = get_origin(kind) or kind, get_args(kind)
    if made is GrowingMap:
        pairs: Any = tuple[of]  # type: ignore[valid-type]
        return GrowingMap(convert(value, list[pairs], dec_hook=_grown))
    if made is GrowingSet or made is GrowingTuple:
        (element,) = of
        return made(convert(value, list[element], dec_hook=_grown))  # type: ignore[valid-type]
    raise TypeError(str(kind))


_ENCODER: Final = Encoder(enc_hook=_plain)
