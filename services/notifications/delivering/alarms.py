"""When endpoints are to be looked at next, by one clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush

from services.notifications.delivering.endpoint import Endpoint


class Alarms:
    """One instant for each endpoint: the earliest that was set since it rang the last time."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Endpoint]] = []
        self._set: dict[Endpoint, datetime] = {}
        self._count = 0

    def set(self, endpoint: Endpoint, due: datetime) -> bool:
        """Has it ring for an endpoint; says whether that is news."""
        held = self._set.get(endpoint)
        if held is not None and held <= due:
            return False
        self._set[endpoint] = due
        self._count += 1
        heappush(self._heap, (due, self._count, endpoint))
        return True

    def ringing(self, now: datetime) -> Iterator[Endpoint]:
        """The endpoints whose instant has come; it is theirs no more."""
        while self._heap and self._heap[0][0] <= now:
            due, _, endpoint = heappop(self._heap)
            if self._set.get(endpoint) == due:
                del self._set[endpoint]
                yield endpoint

    @property
    def first(self) -> datetime | None:
        """The earliest instant."""
        return self._heap[0][0] if self._heap else None
