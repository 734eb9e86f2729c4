"""The event log in memory, for tests and experiments: nothing survives the process.

It keeps the same bytes as every other engine, so an event that could not be read again fails here as well.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.chassis.engines.waiters import Waiters
from services.chassis.log.epochs import Epochs, Row, another
from services.chassis.log.event_log import NOTHING_READ, Conflict, Write
from services.chassis.log.event_log import Row as StoredRow
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Recorded
from services.chassis.vault.vault import Deposit


class _Stored(NamedTuple):
    stream: str
    version: int
    topic: str
    state: bytes


class MemoryLogContents:
    """What is in one log, for everybody in the process who opens it."""

    def __init__(self) -> None:
        self.events: list[_Stored] = []
        self.positions: dict[str, list[int]] = {}
        """Of the events of each stream, in order."""
        self.waiters = Waiters()
        self._epochs: list[Row] = []

    def epochs(self) -> Epochs:
        """The epochs of the log; the first begins when they are asked for the first time."""
        if not self._epochs:
            self._epochs.append(another((), len(self.events)))
        return Epochs.of(self._epochs)


class MemoryEventLog:
    """An `EventLog` in memory, used from one event loop."""

    def __init__(self, name: str, contents: MemoryLogContents, types: EventTypes) -> None:
        self.name = name
        self._contents = contents
        self.types = types
        self.remote = False
        self._read: dict[int, Recorded] = {}

    async def append(
        self, writes: Sequence[Write], *, read: Mapping[str, int] = NOTHING_READ, records: Deposit | None = None
    ) -> int:
        """See `EventLog.append`."""
        if not any(write.events for write in writes):
            msg = "an append needs at least one event"
            raise ValueError(msg)
        encoded = [
            _Stored(write.stream, version, *self.types.encode(event, meta))
            for write in writes
            for version, (event, meta) in enumerate(write.events, start=write.expected_version + 1)
        ]
        # As with every other engine, others have their turn between what was decided and what is stored.
        await asyncio.sleep(0)
        if records is not None:
            await records.keep()
        return self._store(encoded, read)

    def _store(self, encoded: Sequence[_Stored], read: Mapping[str, int]) -> int:
        contents = self._contents
        for stream, seen in read.items():
            if len(contents.positions.get(stream, ())) != seen:
                raise Conflict((each.stream for each in encoded), stale=stream)
        expected: dict[str, int] = {}
        for event in encoded:
            version = expected.get(event.stream, len(contents.positions.get(event.stream, ())))
            if event.version != version + 1:
                raise Conflict(each.stream for each in encoded)
            expected[event.stream] = event.version
        for event in encoded:
            contents.events.append(event)
            contents.positions.setdefault(event.stream, []).append(len(contents.events))
        contents.waiters.wake()
        return len(contents.events)

    async def read(
        self, stream: str, *, after: int = 0, through: int | None = None, most: int | None = None
    ) -> list[Recorded]:
        """See `EventLog.read`."""
        positions = self._contents.positions.get(stream, [])
        return [self._recorded(position) for position in positions[after:through][:most]]

    async def read_tails(self, tails: Sequence[tuple[str, int]], *, most: int | None = None) -> list[list[Recorded]]:
        """See `EventLog.read_tails`."""
        return [await self.read(stream, after=after, most=most) for stream, after in tails]

    async def beginnings(self, after: int, limit: int) -> list[tuple[int, str]]:
        """See `EventLog.beginnings`."""
        later = self._contents.events[after:]
        first = ((position, event.stream) for position, event in enumerate(later, after + 1) if event.version == 1)
        return list(itertools.islice(first, limit))

    async def read_all(self, after: int, limit: int) -> list[Recorded]:
        """See `EventLog.read_all`."""
        last = min(after + limit, len(self._contents.events))
        return [self._recorded(position) for position in range(after + 1, last + 1)]

    async def stored(self, first: int, limit: int) -> list[StoredRow]:
        """See `EventLog.stored`."""
        first = max(first, 1)
        found = self._contents.events[first - 1 : first - 1 + limit]
        return [(position, *event) for position, event in enumerate(found, first)]

    def _recorded(self, position: int) -> Recorded:
        if (recorded := self._read.get(position)) is None:
            stream, version, topic, state = self._contents.events[position - 1]
            event, meta = self.types.decode(topic, state)
            recorded = self._read[position] = Recorded(position, stream, version, topic, event, meta, state)
        return recorded

    def mark(self) -> object:
        """See `EventLog.mark`."""
        return len(self._contents.events)

    async def head(self) -> int:
        """See `EventLog.head`."""
        return len(self._contents.events)

    async def wait(self, after: int, timeout: float) -> bool:
        """See `EventLog.wait`."""
        if len(self._contents.events) > after:
            return False
        await self._contents.waiters.wait(lambda: len(self._contents.events) > after, timeout)
        return True

    async def close(self) -> None:
        """See `EventLog.close`."""
        # An append that is under way is stored within its next turn, which comes before this one's.
        await asyncio.sleep(0)
        self._contents.waiters.wake()
