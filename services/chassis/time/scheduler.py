"""Fires deadlines: reminders, breaches, expiries, each exactly once, also those that fell due while nothing ran.

What is pending stands in the index (`deadlines`, ordered by `at`); the decision whether it still holds is the
domain's, which answers a repeat with nothing. So a restart, a second scheduler or a lost index change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

from services.chassis.index.index import Index, Row, Table, Value
from services.chassis.index.projection import Projection
from services.chassis.time.clock import Clock

DEADLINES = Table(
    "deadlines", columns=("stream", "name", "kind", "at", "due"), indexes=(("stream",),), orders=(("at",),)
)
"""One row per pending instant: `kind` is REMIND or PASS, `at` that instant and `due` the deadline's, as `sortable`."""

LONGEST_NAP = 1.0

Fire = Callable[[Row, datetime], Awaitable[None]]
"""Sends the command for a deadline that fell due at the given instant."""


def sortable(at: datetime) -> str:
    """An aware UTC instant as text whose order is that of time."""
    return f"{at.isoformat(timespec='microseconds')[:26]}Z"


def instant(text: str) -> datetime:
    """The inverse of `sortable`."""
    return datetime.fromisoformat(text)


class Scheduler:
    """Fires the deadlines of one service."""

    def __init__(self, index: Index, projection: Projection, clock: Clock, fire: Fire) -> None:
        self._index = index
        self._projection = projection
        self._clock = clock
        self._fire = fire
        self._running = asyncio.Lock()

    async def next_due(self) -> datetime | None:
        """When the next pending deadline falls due."""
        rows = await self._index.first(DEADLINES.name, "at")
        return instant(str(rows[0].columns["at"])) if rows else None

    async def fire_due(self) -> int:
        """Fires everything that is due by the clock, in order; returns how many.

        One that fails holds up only its own stream: the rest is fired, and then the first failure is raised.
        """
        fired, failures, held_up = 0, list[Exception](), set[Value]()
        async with self._running:
            while (row := await self._first_due(held_up)) is not None:
                try:
                    await self._fire(row, instant(str(row.columns["at"])))
                except Exception as failure:  # noqa: BLE001 - whatever it is, other streams must not miss their terms
                    failures.append(failure)
                    held_up.add(row.columns["stream"])
                    continue
                await self._forget(row)
                fired += 1
        if failures:
            raise failures[0]
        return fired

    async def _first_due(self, held_up: Collection[Value]) -> Row | None:
        # Looked up again for each, over a complete index: a deadline that the one before has settled must not be fired,
        # and what it has set may be due before the others.
        await self._projection.catch_up()
        now, limit = sortable(self._clock.now()), 1
        while rows := await self._index.first(DEADLINES.name, "at", at_most=now, limit=limit):
            if (row := next((row for row in rows if row.columns["stream"] not in held_up), None)) is not None:
                return row
            if len(rows) < limit:
                return None
            limit *= 2
        return None

    async def _forget(self, row: Row) -> None:
        # Not left to the projection alone: a deadline that no longer holds writes no event. But what followed from
        # firing may have set the same deadline again.
        await self._projection.catch_up()
        # In one statement: one that arrives late must not take away what has been set again by then.
        columns = row.columns
        same = {name: columns[name] for name in ("stream", "name", "kind", "at")}
        await self._index.delete_where(DEADLINES.name, **same)

    async def round(self) -> None:
        """Fires what is due, then naps until the next deadline, at most a second: the clock may be moved."""
        if await self.fire_due():
            return
        due = await self.next_due()
        left = (due - self._clock.now()).total_seconds() if due is not None else LONGEST_NAP
        await asyncio.sleep(min(max(left, 0.01), LONGEST_NAP))
