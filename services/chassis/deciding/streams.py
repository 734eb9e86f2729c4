"""The streams of a service, folded: what decisions and views rest on, each at the version that was seen."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from services.chassis.deciding.folded import Folded, Kept
from services.chassis.deciding.idempotency import Running
from services.chassis.deciding.snapshots import Snapshots
from services.chassis.log.event_log import Conflict, EventLog, Write
from services.chassis.log.metadata import Metadata, Recorded
from services.chassis.log.snapshots import SnapshotStore
from services.chassis.modelling.decider import Entity
from services.chassis.vault.vault import Deposit

S = TypeVar("S")
T = TypeVar("T")

FOLDS_KEPT = 1024
LONG = 1000
"""Events. A stream with so many is long in folding, and is not to make room for any number of short ones."""
LONG_FOLDS_KEPT = 256
READ_AT_ONCE = 256
"""Events of a stream, after which others have a turn and the snapshots are asked: short streams need neither."""


class Streams:
    """The streams of one service, folded, with the folds of the busiest ones kept between commands."""

    def __init__(self, log: EventLog, snapshots: SnapshotStore | None = None) -> None:
        """`snapshots` are where a long stream need not be folded from its first event again."""
        self.log = log
        self._snapshots = Snapshots(log, snapshots)
        self.running = Running()
        self.turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Of the streams for which commands queue up, whatever their kind."""
        # The entity is kept along, so that the id in the key is not given to another one.
        self._kept: OrderedDict[tuple[str, int], Kept] = OrderedDict()
        self._kept_long: OrderedDict[tuple[str, int], Kept] = OrderedDict()

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
        kept = [
            Kept(entity, Folded(entity.initial)) if found is None else found
            for (_, entity), found in zip(wanted, known, strict=True)
        ]
        behind = [n for n, found in enumerate(known) if found is None or found.mark != mark]
        ends = [(wanted[n][0], kept[n].folded.version) for n in behind]
        tails = await self.log.read_tails(ends, most=READ_AT_ONCE) if behind else []
        for n, tail in zip(behind, tails, strict=True):
            await self._take(wanted[n][0], kept[n], tail, mark)
        return [each.folded.snapshot() for each in kept]

    async def _take(self, stream: str, kept: Kept, tail: Sequence[Recorded], mark: object) -> None:
        entity = kept.entity
        if len(tail) == READ_AT_ONCE and not kept.folded.version:
            # It is long. What comes back is only where the fold begins: the rest is read behind it.
            found = await self._snapshots.latest(stream, entity, READ_AT_ONCE)
            kept.folded, tail = found or (kept.folded, tail)
        while True:
            for recorded in tail:
                # Two tasks may read the same tail at once: each event is folded once.
                if recorded.version == kept.folded.version + 1:
                    kept.folded.take(entity, recorded)
            if len(tail) < READ_AT_ONCE:
                break
            await asyncio.sleep(0)
            tail = await self.log.read(stream, after=kept.folded.version, most=READ_AT_ONCE)
        if kept.folded.version:
            kept.mark = mark
            self._keep((stream, id(entity)), kept)
            self._snapshots.note(stream, kept)

    @asynccontextmanager
    async def turn(self, streams: frozenset[str]) -> AsyncIterator[None]:
        """Holds the streams for a command that met a conflict on them, once those that came before it are through."""
        # Commands that met a conflict queue up for the streams that they write, and newcomers behind them; those that
        # go on meeting one on a stream that they only read, for that as well. Without it, of n commands deciding on one
        # version each round lets one through, and the last would need n rounds.
        async with AsyncExitStack() as held:
            for name in sorted(streams):
                await held.enter_async_context(self.turns.setdefault(name, asyncio.Lock()))
            yield

    async def append(
        self,
        written: Mapping[str, Sequence[tuple[Any, Metadata]]],
        turn: frozenset[str],
        reads: Reads,
        records: Deposit | None = None,
    ) -> tuple[Sequence[Write], int]:
        """Stores what was decided on `reads` by the holder of `turn`; what was written, and its end. Or Conflict."""
        writes = [Write(name, await reads.version(name), pairs) for name, pairs in written.items()]
        if any(name in self.turns for name in written if name not in turn):
            raise Conflict(list(written))
        position = await self.log.append(writes, read=await reads.only_read(written), records=records)
        return writes, position

    def _known(self, key: tuple[str, int]) -> Kept | None:
        return self._kept.get(key) or self._kept_long.get(key)

    def _keep(self, key: tuple[str, int], kept: Kept) -> None:
        among, most = (self._kept, FOLDS_KEPT) if kept.folded.version < LONG else (self._kept_long, LONG_FOLDS_KEPT)
        if among is self._kept_long:
            self._kept.pop(key, None)
        among[key] = kept
        among.move_to_end(key)
        if len(among) > most:
            among.popitem(last=False)

    def kept(self, stream: str, entity: Entity[S]) -> Folded[S] | None:
        """The stream as far as it was read the last time; None where no fold is kept."""
        key = stream, id(entity)
        if (kept := self._known(key)) is None:
            return None
        (self._kept if key in self._kept else self._kept_long).move_to_end(key)
        return kept.folded.snapshot()

    def wrote(self, write: Write, entity: Entity[Any], before: int) -> None:
        """Takes what was just appended, behind position `before`, into a fold that is kept."""
        kept = self._known((write.stream, id(entity)))
        # Unless somebody has read it already.
        if kept is not None and kept.folded.version == write.expected_version:
            for position, (event, meta) in enumerate(write.events, start=before + 1):
                kept.folded.advance(entity, event, meta, position)
            self._snapshots.note(write.stream, kept)

    def decided(self, stream: str, entity: Entity[S], folded: Folded[S], position: int) -> None:
        """Keeps a fold that holds what was just stored, up to `position`: the next reader reads on from there."""
        kept = self._known((stream, id(entity)))
        if folded.version and (kept is None or kept.folded.version < folded.version):
            # It was folded before it had a position.
            folded.position = position
            # Under no mark: others may have stored something behind it meanwhile.
            kept = Kept(entity, folded)
            self._keep((stream, id(entity)), kept)
            self._snapshots.note(stream, kept)

    def known(self, stream: str, entity: Entity[S]) -> S:
        """What is known of a stream without reading it: its state as of the last time, or its initial one."""
        kept = self._known((stream, id(entity)))
        state: S = entity.initial if kept is None else kept.folded.state
        return state

    async def fold_through(self, stream: str, entity: Entity[S], version: int) -> Folded[S]:
        """The stream folded up to and including `version`."""
        folded = Folded(entity.initial)
        while folded.version < version:
            after = folded.version
            for recorded in await self.log.read(stream, after=after, through=version, most=READ_AT_ONCE):
                folded.take(entity, recorded)
            if folded.version == after:
                break
        return folded

    async def written(self) -> None:
        """Returns once no snapshot waits to be written."""
        await self._snapshots.written()

    async def close(self) -> None:
        """Waits for a snapshot that is being written, and lets go of where they are."""
        await self._snapshots.close()


def ends_of(writes: Sequence[Write], last: int) -> dict[str, int]:
    """Of each stream in an append that ended at position `last`, the position of its last event."""
    position, ends = last - sum(len(write.events) for write in writes), dict[str, int]()
    for write in writes:
        ends[write.stream] = position = position + len(write.events)
    return ends


class Doubtful(Exception):  # noqa: N818 - reads as what happened
    """What was known of the streams without reading them may not hold any more; nothing was stored."""


async def at_second_sight(work: Callable[[bool], Awaitable[T]]) -> T:
    """What comes of `work(True)`, by what is known; where that is doubtful, of `work(False)`, by what it reads."""
    try:
        return await work(True)  # noqa: FBT003
    except Doubtful:
        return await work(False)  # noqa: FBT003


class Needed(NamedTuple):
    """A stream that a decision rests on, and as what it is folded."""

    stream: str
    entity: Entity[Any]


class Reads:
    """The streams that one decision rests on, each at the version that the decision saw.

    They are `doubtful` where what is known of a stream was taken instead of reading it: then the decision stands only
    if its append finds that all of it still holds.
    """

    def __init__(self, streams: Streams, *, known: bool = False, new: bool = False) -> None:
        """`known`: what a fold is kept of is not read; `new`: nor is anything else, which is taken as new."""
        self._streams = streams
        self.doubtful = known
        self._new = new
        self._mark = streams.log.mark()
        self._seen: dict[str, dict[int, tuple[Entity[Any], Folded[Any]]]] = {}
        self._guess: tuple[object, object, Mapping[str, Needed]] | None = None
        self._rests_on: set[str] = set()

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
        self._rests_on.add(stream)
        seen = self._seen.setdefault(stream, {})
        if id(entity) not in seen:
            await self.together([(stream, entity)])
        return seen[id(entity)][1]

    async def together(self, wanted: Iterable[tuple[str, Entity[Any]]]) -> None:
        """Reads several streams in one round trip, for `fold`, `state` and `seen` to find them read."""
        missing = [(stream, entity) for stream, entity in wanted if id(entity) not in self._seen.setdefault(stream, {})]
        if missing and self.doubtful:
            missing = [stream for stream in missing if not self._take_known(*stream)]
        if missing:
            folds = await self._streams.fold_together(missing, self._mark)
            for (stream, entity), folded in zip(missing, folds, strict=True):
                self._seen[stream][id(entity)] = entity, folded

    def _take_known(self, stream: str, entity: Entity[Any]) -> bool:
        folded = self._streams.kept(stream, entity)
        if folded is None and self._new:
            folded = Folded(entity.initial)
        if folded is not None:
            self._seen[stream][id(entity)] = entity, folded
        return folded is not None

    async def state(self, stream: str, entity: Entity[S]) -> S:
        """The state of a stream; an append to it is checked against the version of this read."""
        return (await self.fold(stream, entity)).state

    def seen(self, stream: str, entity: Entity[S]) -> S:
        """The state of a stream that was read in advance. Raises KeyError if it was not."""
        self._rests_on.add(stream)
        state: S = self._seen[stream][id(entity)][1].state
        return state

    def decide(self) -> None:
        """A decision begins: what it looks at from here on, it rests on."""
        # What its sender looked at has been read, or has to be found as it was known.
        if not self.doubtful:
            self._rests_on.clear()

    async def only_read(self, written: Container[str]) -> dict[str, int]:
        """The streams that the decision has looked at and does not write, each at the version that it saw."""
        return {stream: await self.version(stream) for stream in sorted(self._rests_on) if stream not in written}

    def take_as_new(self, stream: str, entity: Entity[Any]) -> None:
        """Takes a stream for empty without reading it: its id is new. An append to it fails if it is not."""
        self._seen.setdefault(stream, {}).setdefault(id(entity), (entity, Folded(entity.initial)))

    def wrote(self, writes: Sequence[Write], last: int) -> None:
        """What was decided is stored, up to position `last`."""
        if not self._streams.log.remote:
            return
        before = last - sum(len(write.events) for write in writes)
        for write in writes:
            for entity, _ in self._seen[write.stream].values():
                self._streams.wrote(write, entity, before)
            before += len(write.events)

    async def version(self, stream: str) -> int:
        """The version that an append to the stream must find."""
        if stream not in self._seen:
            await self.fold(stream, _UNREAD)
        # Folded as two entities, the stream may have moved in between: the older sight counts.
        return min(folded.version for _, folded in self._seen[stream].values())


_UNREAD: Entity[None] = Entity(None, lambda state, _event: state)
"""For streams that a decision appends to without reading what they say."""
