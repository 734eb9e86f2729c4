"""Several commands decided one after the other, each on what the one before it leaves, and stored in one append."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.chassis.deciding.streams import Reads, Streams, ends_of
from services.chassis.log.event_log import Conflict, Write
from services.chassis.modelling.decider import Entity


class Row(Reads):
    """What the commands of a row rest on, and what they have decided until now; nothing of it is stored before `store`.

    For reactions, which carry no idempotency key and no record.
    """

    def __init__(self, streams: Streams) -> None:
        super().__init__(streams)
        self._writes: dict[str, list[Write]] = {}
        self._in_order: list[Write] = []

    def decide(self) -> None:
        """All decisions of the row count: none of what they rested on is forgotten."""

    async def together(self, wanted: Iterable[tuple[str, Entity[Any]]]) -> None:
        """See `Reads.together`; what the row has decided for a stream comes behind what is stored."""
        wanted = dict.fromkeys(wanted)
        first = [(stream, entity) for stream, entity in wanted if id(entity) not in self._seen.get(stream, ())]
        await super().together(wanted)
        for stream, entity in first:
            for write in self._writes.get(stream, ()):
                self._take(write, entity)

    def _take(self, write: Write, entity: Entity[Any]) -> None:
        folded = self._seen[write.stream][id(entity)][1]
        for event, meta in write.events:
            folded.advance(entity, event, meta, 0)

    def add(self, writes: Sequence[Write]) -> None:
        """Takes in what a command has decided: the next one finds it in the streams."""
        for write in writes:
            self._writes.setdefault(write.stream, []).append(write)
            self._in_order.append(write)
            for entity, _ in self._seen[write.stream].values():
                self._take(write, entity)

    async def store(self) -> None:
        """Stores all that was decided, in that order, or nothing. Raises Conflict, Unavailable."""
        if not self._in_order:
            return
        if any(stream in self._streams.turns for stream in self._writes):
            # Commands queue up for it: the reactions queue up behind them, one by one.
            raise Conflict(self._writes)
        last = await self._streams.log.append(self._in_order, read=await self.only_read(self._writes))
        for stream, position in ends_of(self._in_order, last).items():
            for entity, folded in self._seen[stream].values():
                self._streams.decided(stream, entity, folded, position)
