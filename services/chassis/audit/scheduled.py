"""Holds a log against what was signed of it, now and then, in the process that leads, beside all that it does.

What comes of it is kept in memory alone: who can tamper with the database cannot have it say that all was well.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from services.chassis.audit.mismatches import Verification, What
from services.chassis.audit.pacing import Slices
from services.chassis.audit.remembered import RememberedCheckpoint
from services.chassis.audit.store import AuditStore
from services.chassis.audit.verifying import verify_settled
from services.chassis.audit.witnesses import Witnesses
from services.chassis.log.event_log import EventLog
from services.chassis.operating.verification_metrics import Place, Verified

FIRST_SECONDS: Final = 60.0
"""After the start, at most: a process that has just started has other things to do first."""
LOOK_SECONDS: Final = 60.0
"""The longest that a round rests: afterwards it may be another process that leads."""
MOST_NAMED: Final = 20
"""Places that are named where a log differs; further ones are counted."""

_log = logging.getLogger(__name__)


class ScheduledVerification:
    """Goes through one log again and again, with a pause of `every` seconds between; the first time soon."""

    def __init__(
        self,
        log: EventLog,
        store: AuditStore,
        remembered: RememberedCheckpoint | None,
        every: float,
        *,
        witnesses: Witnesses | None = None,
        slices: Callable[[], Slices] = Slices,
    ) -> None:
        """`slices` makes what bounds its part of the processor, for each run."""
        self._log = log
        self._store = store
        self._remembered = remembered
        self._every = every
        self._witnesses = witnesses
        self._slices = slices
        self._due = time.monotonic() + min(every, FIRST_SECONDS)
        self.last: Verified | None = None
        """What came of the last run that reached the end of the log."""
        self._since: float | None = None
        """Unix time of the first round."""

    @property
    def known(self) -> Verified | None:
        """What came of the last run; before the first, since when one has been due; None where nobody has begun.

        A log that is never verified is as much a matter for alarm as one that was verified long ago.
        """
        if self.last is None and self._since is not None:
            return Verified(self._since, 0.0, 0, {}, [], done=False)
        return self.last

    async def round(self) -> None:
        """Rests until the next run is due, or for a while; or goes through all of the log."""
        self._since = self._since or time.time()
        if (left := self._due - time.monotonic()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))
            return
        await self.run()

    async def run(self) -> Verified:
        """Goes through the log now. What it fails by leaves the last result as it was, and the next run due."""
        since = time.monotonic()
        pace, held = self._slices().pace, await self._held()
        found = await verify_settled(
            self._log,
            self._store,
            self._read_remembered,
            pace=pace,
            most=MOST_NAMED,
            held=held,
            epochs=self._known_epochs,
        )
        now = time.monotonic()
        counts = {what.value: found.counts[what] for what in What}
        first = [Place(each.position, each.what.value) for each in found.mismatches]
        self.last = Verified(time.time(), now - since, found.checked, counts, first)
        self._due = now + self._every
        self._tell(found)
        return self.last

    def _read_remembered(self) -> bytes:
        return self._remembered.read() if self._remembered is not None else b""

    def _known_epochs(self) -> tuple[str, ...] | None:
        return self._remembered.epochs if self._remembered is not None else None

    async def _held(self) -> list[bytes]:
        """What the witnesses show. Before anything is read of the log, which is never behind them then."""
        if self._witnesses is None or (standing := await self._store.standing()) is None:
            return []
        return await self._witnesses.shown(standing.origin)

    def _tell(self, found: Verification) -> None:
        for what, count in found.counts.items():
            position = next((each.position for each in found.mismatches if each.what is what), None)
            fields = {"service": self._log.name, "code": what.value, "count": count, "position": position}
            _log.error("the log is not what was signed", extra=fields)
