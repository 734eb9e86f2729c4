"""Reading messages where they lie in the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.chassis.log.event_log import EventLog


async def messages_at(log: EventLog, positions: Sequence[int]) -> list[dict[str, Any]]:
    """The messages at these positions of the log, in order."""
    found: list[dict[str, Any]] = []
    for first, count in _runs(positions):
        after, last = first - 1, first + count - 1
        while after < last:
            read = await log.read_all(after, last - after)
            found.extend(recorded.event.message for recorded in read)
            after = read[-1].position
    return found


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring positions are read together: (first, how many)."""
    runs: list[tuple[int, int]] = []
    for position in positions:
        if runs and position == sum(runs[-1]):
            first, count = runs[-1]
            runs[-1] = first, count + 1
        else:
            runs.append((position, 1))
    return runs
