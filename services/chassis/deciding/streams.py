"""The streams of a service, folded: what decisions and views rest on, each at the version that was seen."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from services.chassis.deciding.idempotency import Key, Running
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.modelling.decider import Entity
from services.chassis.modelling.growing import GrowingMap, GrowingSet

S = TypeVar("S")

FOLDS_KEPT = 1024
LONG = 1000
"""Events. A stream with so many is long in folding, and is not to make room for any number of short ones."""
LONG_FOLDS_KEPT = 256
FOLDED_AT_ONCE = 500
"""Events, after which others have a turn: of a long stream there may be seconds of it after a restart."""


class Folded(Struct, Generic[S]):
    """A stream as far as it has been read: its state and what the handler itself needs to know of it.

    `etag` is the version of the last event that is no bystander, and `moved_by` says which it was; `keys` maps
    each idempotency key to the body's fingerprint and the last version and position written under it.
    """

    state: S
    version: int = 0
    etag: int = 0
    moved_by: str = "nobody"
    correlation_id: str | None = None
    keys: GrowingMap[Key, tuple[str | None, int, int]] = GrowingMap()
    causes: GrowingSet[str] = GrowingSet()

    def snapshot(self) -> Folded[S]:
        """A copy that stays as it is while the kept fold moves on under the next reader."""
        return Folded(self.state, self.version, self.etag, self.moved_by, self.correlation_id, self.keys, self.causes)

    def take(self, entity: Entity[S], recorded: Recorded) -> None:
        """Folds one more event."""
        self.advance(entity, recorded.event, recorded.meta, recorded.position)

    def advance(self, entity: Entity[S], event: Any, meta: Metadata, position: int) -> None:
        """Folds one more event, given without its record."""
        self.state = entity.evolve(self.state, event)
        self.version += 1
        if not event.BYSTANDER:
            self.etag = self.version
            self.moved_by = f"{type(event).__name__} by {meta.actor.role} of {meta.actor.org}"
        self.correlation_id = self.correlation_id or meta.correlation_id
        if meta.idempotency_key is not None:
            key = Key.of(meta.actor, meta.idempotency_key)
            self.keys = self.keys.insert(key, (meta.fingerprint, self.version, position))
        if meta.causation_id is not None:
            self.causes |= (meta.causation_id,)


class _Kept(Struct):
    entity: Entity[Any]
    folded: Folded[Any]
    mark: object


class Streams:
    """The streams of one service, folded, with the folds of the busiest ones kept between commands."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.running = Running()
        # The entity is kept along, so that the id in the key is not given to another one.
        self._kept: OrderedDict[tuple[str, int], _Kept] = OrderedDict()
        self._kept_long: OrderedDict[tuple[str, int], _Kept] = OrderedDict()

    async def fold(self, stream: str, entity: Entity[S], mark: object = None) -> Folded[S]:
        """The stream folded up to its last event; only what is new since the last time is read.

        `mark` is the log's, if the caller has just asked for it.
        """
        (folded,) = await self.fold_together([(stream, entity)], mark)
        return folded

    async def fold_together(self, wanted: Sequence[tuple[str, Entity[Any]]], mark: object = None) -> list[Folded[Any]]:
        """Several streams, each as `fold` has it, read in one round trip."""
        if mark is None:
            # Before the read: what is appended meanwhile is then read the next time.
            mark = self.log.mark()
        known = [self._known((stream, id(entity))) for stream, entity in wanted]
        folds: list[Folded[Any]] = [
            Folded(entity.initial) if kept is None else kept.folded
            for (_, entity), kept in zip(wanted, known, strict=True)
        ]
        behind = [n for n, kept in enumerate(known) if kept is None or kept.mark != mark]
        tails = await self.log.read_tails([(wanted[n][0], folds[n].version) for n in behind]) if behind else []
        for n, tail in zip(behind, tails, strict=True):
            await self._take(wanted[n], folds[n], tail, mark)
        return [folded.snapshot() for folded in folds]

    async def _take(
        self, wanted: tuple[str, Entity[Any]], folded: Folded[Any], tail: Sequence[Recorded], mark: object
    ) -> None:
        stream, entity = wanted
        for number, recorded in enumerate(tail, start=1):
            # Two tasks may read the same tail at once: each event is folded once.
            if recorded.version == folded.version + 1:
                folded.take(entity, recorded)
            if number % FOLDED_AT_ONCE == 0:
                await asyncio.sleep(0)
        if folded.version:
            self._keep((stream, id(entity)), _Kept(entity, folded, mark))

    def _known(self, key: tuple[str, int]) -> _Kept | None:
        return self._kept.get(key) or self._kept_long.get(key)

    def _keep(self, key: tuple[str, int], kept: _Kept) -> None:
        among, most = (self._kept, FOLDS_KEPT) if kept.folded.version < LONG else (self._kept_long, LONG_FOLDS_KEPT)
        if among is self._kept_long:
            self._kept.pop(key, None)
        among[key] = kept
        among.move_to_end(key)
        if len(among) > most:
            among.popitem(last=False)

    def known(self, stream: str, entity: Entity[S]) -> S:
        """What is known of a stream without reading it: its state as of the last time, or its initial one."""
        kept = self._known((stream, id(entity)))
        state: S = entity.initial if kept is None else kept.folded.state
        return state

    async def fold_through(self, stream: str, entity: Entity[S], version: int) -> Folded[S]:
        """The stream folded up to and including `version`."""
        folded = Folded(entity.initial)
        for recorded in await self.log.read(stream, through=version):
            folded.take(entity, recorded)
        return folded


class Needed(NamedTuple):
    """A stream that a decision rests on, and as what it is folded."""

    stream: str
    entity: Entity[Any]


class Reads:
    """The streams that one decision rests on, each at the version that the decision saw."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._mark = streams.log.mark()
        self._seen: dict[str, dict[int, tuple[Entity[Any], Folded[Any]]]] = {}
        self._guess: tuple[object, object, Mapping[str, Needed]] | None = None

    def guess(self, command: object, own: object, needs: Mapping[str, Needed]) -> None:
        """Notes what a command was taken to rest on, while its own stream was taken to be in a state."""
        self._guess = command, own, needs

    def guessed(self, command: object, own: object) -> Mapping[str, Needed] | None:
        """What was noted for that command and that very state; None where it may be something else."""
        if self._guess is None or self._guess[0] is not command or self._guess[1] is not own:
            return None
        return self._guess[2]

    @property
    def log(self) -> EventLog:
        """The log itself, for a decision that rests on single events of a stream."""
        return self._streams.log

    async def fold(self, stream: str, entity: Entity[S]) -> Folded[S]:
        """The stream folded; asked again, the same snapshot."""
        seen = self._seen.setdefault(stream, {})
        if id(entity) not in seen:
            seen[id(entity)] = entity, await self._streams.fold(stream, entity, self._mark)
        return seen[id(entity)][1]

    async def together(self, wanted: Iterable[tuple[str, Entity[Any]]]) -> None:
        """Reads several streams in one round trip, for `fold`, `state` and `seen` to find them read."""
        missing = [(stream, entity) for stream, entity in wanted if id(entity) not in self._seen.setdefault(stream, {})]
        if missing:
            folds = await self._streams.fold_together(missing, self._mark)
            for (stream, entity), folded in zip(missing, folds, strict=True):
                self._seen[stream][id(entity)] = entity, folded

    async def state(self, stream: str, entity: Entity[S]) -> S:
        """The state of a stream; an append to it is checked against the version of this read."""
        return (await self.fold(stream, entity)).state

    def seen(self, stream: str, entity: Entity[S]) -> S:
        """The state of a stream that was read in advance. Raises KeyError if it was not."""
        state: S = self._seen[stream][id(entity)][1].state
        return state

    def take_as_new(self, stream: str, entity: Entity[Any]) -> None:
        """Takes a stream for empty without reading it: its id is new. An append to it fails if it is not."""
        self._seen.setdefault(stream, {}).setdefault(id(entity), (entity, Folded(entity.initial)))

    async def version(self, stream: str) -> int:
        """The version that an append to the stream must find."""
        if stream not in self._seen:
            await self.fold(stream, _UNREAD)
        # Folded as two entities, the stream may have moved in between: the older sight counts.
        return min(folded.version for _, folded in self._seen[stream].values())


_UNREAD: Entity[None] = Entity(None, lambda state, _event: state)
"""For streams that a decision appends to without reading what they say."""
