"""Fires deadlines: reminders, breaches, expiries, each exactly once, also those that fell due while nothing ran.

What is pending stands in the index (`deadlines`, ordered by `at`): a row per stream, set by the projection of each
event and moved on by who fires the first instant in it. Whether a deadline still holds is the domain's decision, which
answers a repeat with nothing. So a restart, a second scheduler or a lost index change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from services.chassis.index.index import Changes, Index, Row, Table
from services.chassis.index.projection import Projection
from services.chassis.log.metadata import Recorded
from services.chassis.time.clock import Clock

DEADLINES: Final = Table("deadlines", columns=("at", "pending", "position"), orders=(("at",),))
"""One row per stream of which anything is pending, by the stream's name.

`pending` is all of it as JSON, the earliest first, and `at` when that one is. `position` is that of the event that set
the row: so a row that a later event has set again is never taken for the one before it.
"""

LONGEST_NAP = 1.0


class Pending(NamedTuple):
    """What is to be fired `at` an instant of the deadline `name`, which is `due`; both `sortable`.

    `kind` is REMIND, PASS, or the level that it comes to once it has passed.
    """

    at: str
    name: str
    kind: str
    due: str


_PENDING: Final = msgspec.json.Decoder(list[Pending])
_ENCODER: Final = msgspec.json.Encoder()

Fire = Callable[[str, Pending], Awaitable[Sequence[Pending] | None]]
"""Sends the command for a deadline of a stream that fell due. What it returns is still to be fired in its place."""


def by_kind(kinds: Mapping[str, Fire], others: Fire) -> Fire:
    """Who sees to what falls due, by its kind."""

    async def fire(stream: str, due: Pending) -> Sequence[Pending] | None:
        return await kinds.get(due.kind, others)(stream, due)

    return fire


def set_pending(
    changes: Changes, stream: str, recorded: Recorded, pending: Iterable[Pending], table: str = DEADLINES.name
) -> None:
    """All that is pending of a stream after one of its events; what was before it is nothing any more."""
    if columns := _columns(sorted(pending)):
        changes.put(table, stream, recorded.position, **columns, position=recorded.position)
    elif recorded.version > 1:
        changes.delete(table, stream)


async def move_on(index: Index, row: Row, pending: Iterable[Pending], table: str = DEADLINES.name) -> None:
    """What is pending by a row once its first instant was fired; what an event has set meanwhile stands."""
    await index.replace(table, row, _columns(sorted(pending)))


def _columns(pending: list[Pending]) -> dict[str, str]:
    return {"at": pending[0].at, "pending": _ENCODER.encode(pending).decode()} if pending else {}


def pending_in(row: Row) -> list[Pending]:
    """What is pending by a row of DEADLINES, the earliest first."""
    return _PENDING.decode(str(row.columns["pending"]))


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
        fired, failures, held_up = 0, list[Exception](), set[str]()
        async with self._running:
            while (row := await self._first_due(held_up)) is not None:
                first, *behind = pending_in(row)
                try:
                    left = await self._fire(row.key, first)
                except Exception as failure:  # noqa: BLE001 - whatever it is, other streams must not miss their terms
                    failures.append(failure)
                    held_up.add(row.key)
                    continue
                # Not left to the projection: a deadline that no longer holds writes no event, and a reminder may write
                # it to another stream. What an event has set by then stands, even if it is the same again.
                await move_on(self._index, row, [*(left or ()), *behind])
                fired += 1
        if failures:
            raise failures[0]
        return fired

    async def _first_due(self, held_up: Collection[str]) -> Row | None:
        # Looked up again for each, over a complete index: a deadline that the one before has settled must not be fired,
        # and what it has set may be due before the others.
        await self._projection.catch_up()
        now, limit = sortable(self._clock.now()), 1
        while rows := await self._index.first(DEADLINES.name, "at", at_most=now, limit=limit):
            if (row := next((row for row in rows if row.key not in held_up), None)) is not None:
                return row
            if len(rows) < limit:
                return None
            limit *= 2
        return None

    async def round(self) -> None:
        """Fires what is due, then naps until the next deadline, at most a second: the clock may be moved."""
        if await self.fire_due():
            return
        due = await self.next_due()
        left = (due - self._clock.now()).total_seconds() if due is not None else LONGEST_NAP
        await asyncio.sleep(min(max(left, 0.01), LONGEST_NAP))
