"""A stream that is told event by event is read on from where it was read last, and each event is taken once."""

from __future__ import annotations

import asyncio
from typing import Any

from services.chassis.deciding.read_on import KEPT, ReadOn
from services.chassis.deciding.streams import READ_AT_ONCE
from services.chassis.log.event_log import EventLog, Write
from services.chassis.log.metadata import Recorded
from tests.chassis.counters import Counted, metadata

A = "counter-a"


class Noting:
    """A log that notes behind which version it was read, and how many events it gave."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.given: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read(
        self, stream: str, *, after: int = 0, through: int | None = None, most: int | None = None
    ) -> list[Recorded]:
        """As the log does."""
        read = await self._log.read(stream, after=after, through=through, most=most)
        self.given.append((after, len(read)))
        return read


class Sum:
    """What a counter was counted up by, in order."""

    def __init__(self) -> None:
        self.by: list[int] = []

    def take(self, recorded: Recorded) -> None:
        """One more event."""
        self.by.append(recorded.event.by)


async def counted(log: EventLog, stream: str, first: int, many: int) -> None:
    """So many events more in a stream; each counts up by its version."""
    versions = range(first, first + many)
    await log.append([Write(stream, first - 1, [(Counted(by=n), metadata(f"{stream}-{n}")) for n in versions])])


async def test_only_what_has_come_since_is_read(log: EventLog) -> None:
    """The first time in portions, and then behind the last version."""
    long = READ_AT_ONCE + 4
    await counted(log, A, 1, long)
    noting = Noting(log)
    reads: ReadOn[Sum] = ReadOn(noting)
    assert (await reads.through(A, Sum)).by == [*range(1, long + 1)]
    assert noting.given == [(0, READ_AT_ONCE), (READ_AT_ONCE, 4)]
    noting.given.clear()
    await reads.through(A, Sum)
    await counted(log, A, long + 1, 2)
    assert (await reads.through(A, Sum)).by == [*range(1, long + 3)]
    assert noting.given == [(long, 0), (long, 2)]


async def test_who_ask_at_once_are_told_each_event_once(log: EventLog) -> None:
    """Both read the same tail, and both get all of it."""
    await counted(log, A, 1, 300)
    reads: ReadOn[Sum] = ReadOn(log)
    first, second = await asyncio.gather(reads.through(A, Sum), reads.through(A, Sum))
    assert first.by == second.by == [*range(1, 301)]


async def test_what_is_asked_about_another_is_kept_apart(log: EventLog) -> None:
    """One stream may tell of several."""
    await counted(log, A, 1, 2)
    reads: ReadOn[Sum] = ReadOn(log)
    assert await reads.through(A, Sum, "one") is not await reads.through(A, Sum, "another")


async def test_what_nobody_asks_for_any_more_is_let_go(log: EventLog) -> None:
    """And read again from its first event by who asks for it then."""
    await counted(log, A, 1, 3)
    reads: ReadOn[Sum] = ReadOn(log)
    known = await reads.through(A, Sum)
    for n in range(KEPT - 1):
        await reads.through(f"counter-{n}", Sum)
    assert await reads.through(A, Sum) is known
    for n in range(KEPT):
        await reads.through(f"counter-{n}", Sum)
    again = await reads.through(A, Sum)
    assert again is not known
    assert again.by == [1, 2, 3]
