"""Where in the log a moment is."""

from __future__ import annotations

from datetime import datetime

from services.chassis.log.event_log import EventLog


async def through_before(log: EventLog, at: datetime) -> int:
    """The last position whose event was recorded before an instant; 0 where none was.

    The log is in the order of its recording, so that few of its events are looked at, however long it is.
    """
    low, high = 0, await log.head()
    while low < high:
        middle = (low + high) // 2
        (found,) = await log.read_all(middle, 1)
        if found.meta.recorded_at < at:
            low = found.position
        else:
            high = middle
    return low
