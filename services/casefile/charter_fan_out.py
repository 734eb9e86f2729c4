"""Tells the running matches of a programme that another charter may govern them, so many at a time.

It is fired when a version of the programme begins, and goes on from where it was. A case that was told before has
nothing to add, so that it may be killed, repeated or told by two at any time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.casefile.domain.case import CASE
from services.casefile.domain.charter import CHARTER, charter_stream
from services.casefile.domain.charter_change import NoticeCharter
from services.casefile.domain.context import Context
from services.casefile.domain.guards import BOUND
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, KnownProgramme, ProgrammeLearnt
from services.casefile.domain.state import case_stream
from services.casefile.projection import CASES
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.modelling.decider import Actor, Command
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending, sortable

AT_ONCE: Final = 50
LOOK_AGAIN: Final = timedelta(days=1)
"""When a charter that the programme names and the operator has not entered is looked for again."""
_RUNNING: Final = tuple(sorted(state.value for state in BOUND))


class CharterFanOut:
    """Sends the notice to cases, `at_once` of them before other deadlines have their turn; `by` is the service."""

    def __init__(
        self,
        streams: Streams,
        cases: Handler[Command, Context],
        index: IndexReader,
        clock: Clock,
        by: Actor,
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        self._streams = streams
        self._cases = cases
        self._index = index
        self._clock = clock
        self._by = by
        self._at_once = at_once

    async def fire(self, stream: str, due: Pending) -> tuple[Pending, ...]:
        """Tells the next cases of the programme, behind the one that `due` names; returns what is left of it."""
        now = self._clock.now()
        known: KnownProgramme = (await self._streams.fold(stream, KNOWN_PROGRAMME)).state
        if len({learnt.rules.charter_version for learnt in known.begun(now)}) < 2:
            # No pair can go by another charter than the one there is.
            return ()
        if not await self._is_written(known.in_force(now)):
            # Nobody can go by it, or acknowledge it; it is looked for again, from the first case on.
            return (Pending(sortable(now + LOOK_AGAIN), "0", due.kind, due.due),)
        rows = await self._index.find(CASES.name, {"state": _RUNNING}, after=int(due.name), limit=self._at_once)
        for row in rows:
            if row.columns["programme"] == known.programme:
                notice = NoticeCharter(at=now, by=self._by)
                await self._cases.handle(notice, case_stream(row.key), CASE, Call(actor=self._by))
        if len(rows) < self._at_once:
            return ()
        # Behind whatever else is due by now.
        return (Pending(sortable(now), str(rows[-1].seq), due.kind, due.due),)

    async def _is_written(self, governing: ProgrammeLearnt | None) -> bool:
        if governing is None:
            return False
        charter = (await self._streams.fold(charter_stream(governing.rules.charter_version), CHARTER)).state
        return charter.written is not None
