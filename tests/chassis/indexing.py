"""Filling an index: by hand, and by a projection that notices what it takes in twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.chassis.index.index import Changes, Index, Table
from services.chassis.index.projection import READ_AT_ONCE, Look, Projection
from services.chassis.log.event_log import EventLog
from services.chassis.log.metadata import Recorded
from tests.chassis.counters import Closed, Counted

# The names are SQL's own words: a service may call its columns what it likes.
COUNTERS = Table("group", columns=("case", "total", "order"), indexes=((), ("case",)), orders=(("order",),))
OPEN = Table("open_counters", columns=("to",))
TABLES = (COUNTERS, OPEN)

OpenIndex = Callable[..., Index]


@asynccontextmanager
async def changing(index: Index, through: int | None = None) -> AsyncIterator[Changes]:
    """What is to be changed; on the way out it is applied, and the index brought to `through` (None: left there)."""
    changes, after = Changes(), await index.through()
    yield changes
    assert await index.apply(changes, after=after, through=after if through is None else through)


async def put(index: Index, table: str, key: str, seq: int, **columns: Any) -> None:
    """Puts one row."""
    async with changing(index) as changes:
        changes.put(table, key, seq, **columns)


class Totals:
    """Totals of all counters, and which ones are open. Adds up, so that an event projected twice shows."""

    def __init__(self, index: Index, look: Look | None = None) -> None:
        self._index = index
        self._look = look
        self._totals: dict[str, int] = {}

    async def look(self, batch: Sequence[Recorded]) -> None:
        """What the index has come to, before anything else is looked up."""
        for stream in {recorded.stream for recorded in batch}:
            row = await self._index.get("group", stream)
            self._totals[stream] = int(row.columns["total"] or 0) if row else 0
        if self._look is not None:
            await self._look(batch)

    def project(self, recorded: Recorded, changes: Changes) -> None:
        """Takes in one event."""
        match recorded.event:
            case Counted(by=by):
                total = self._totals[recorded.stream] = self._totals[recorded.stream] + by
                changes.put("group", recorded.stream, recorded.position, total=total, case=f"{by % 3}")
                changes.put("open_counters", recorded.stream, recorded.position)
            case Closed():
                changes.put("group", recorded.stream, recorded.position, order="closed")
                changes.delete("open_counters", recorded.stream)


def totals(log: EventLog, index: Index, look: Look | None = None, at_once: int = READ_AT_ONCE) -> Projection:
    """A projection of them; `look` is what else is to be looked up."""
    filling = Totals(index, look)
    return Projection(log, index, filling.project, filling.look, at_once=at_once)
