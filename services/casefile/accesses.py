"""Who has read a case, of those whose readings are on record, for a caller."""

from __future__ import annotations

import asyncio

from services.casefile.queries import Queries
from services.chassis.access.identity import Caller
from services.chassis.http.response.rendering import Json
from services.chassis.reads.readings import Readings
from services.chassis.service import CatchingUp


class Accesses:
    """Answers who has read a case, whichever service answered them."""

    def __init__(self, queries: Queries, readings: Readings, wait_seconds: float) -> None:
        self._queries = queries
        self._readings = readings
        self._wait_seconds = wait_seconds

    async def page(self, caller: Caller, case_id: str, after: int, limit: int) -> tuple[list[Json], int | None]:
        """The readings behind a position of the log of readings, oldest first, and behind which one the next begins.

        Raises Hidden or Forbidden, and CatchingUp where what was read last cannot be found yet.
        """
        await self._queries.find(caller, case_id, "read-accesses")
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._readings.caught_up()
        except TimeoutError:
            raise CatchingUp from None
        return await self._readings.of_thing(f"case/{case_id}", after, limit)
