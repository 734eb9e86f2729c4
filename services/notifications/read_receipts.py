"""What organisations have read, or were sent over a stream that they hold open: noted from time to time.

A request notes a number in memory and nothing else. What it means is looked up a little later, and what was read since
the last time becomes one append. A process that dies loses what it had noted: readers send their cursors again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from contracts.codes import Role
from contracts.staff import COORDINATORS, COUNSELLORS
from contracts.telling_codes import TellingState, ToldBy
from services.chassis.access.identity import Caller
from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.index.index import IndexReader
from services.chassis.time.clock import Clock
from services.notifications.access import READ_FEED
from services.notifications.catalogue import OFFERS
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.reading import READING, NoteReading, OfCase, Reading, decide_reading, reading_stream
from services.notifications.lists import page, taken_at
from services.notifications.reactor import SYSTEM

AT_ONCE: Final = 200
MOST: Final = 10_000
"""Readers that are noted at a time; the cursor of any other comes again."""
_READING: Final = COUNSELLORS | COORDINATORS
"""Whose reading counts as the organisation's: that of an officer who looks into it does not."""


class _Reader(NamedTuple):
    organisation: str
    channel: ToldBy
    state: TellingState
    types: tuple[str, ...] | None


class ReadReceipts:
    """Gathers how far readers have come, and notes it."""

    def __init__(
        self,
        streams: Streams,
        index: IndexReader,
        clock: Clock,
        pause: float = 2.0,
    ) -> None:
        """`pause`: seconds for which what is read is gathered before it is noted."""
        self._pause = pause
        self._streams = streams
        self._index = index
        self._clock = clock
        self._handler = Handler[NoteReading, Reading](streams, OwnState(), decide_reading)
        self._gathered: dict[_Reader, tuple[int, datetime]] = {}
        self._any = asyncio.Event()

    def note(
        self, caller: Caller, channel: ToldBy, state: TellingState, types: Collection[str] | None, through: int
    ) -> None:
        """The caller has come to position `through`: costs no look and no wait."""
        if through <= 0 or caller.role not in _READING:
            return
        self.note_organisation(caller.org, channel, state, None if types is None else tuple(sorted(types)), through)

    def note_organisation(
        self, organisation: str, channel: ToldBy, state: TellingState, types: tuple[str, ...] | None, through: int
    ) -> None:
        """The same of an organisation, by whatever of its systems."""
        reader = _Reader(organisation, channel, state, types)
        gathered = self._gathered.get(reader)
        if gathered is None and len(self._gathered) >= MOST:
            return
        if gathered is None or gathered[0] < through:
            self._gathered[reader] = through, self._clock.now()
            self._any.set()

    async def round(self) -> None:
        """Waits until something was read, and a little longer, and notes it."""
        await self._any.wait()
        await asyncio.sleep(self._pause)
        await self.flush()

    async def flush(self) -> bool:
        """Notes everything that was gathered, if anything was: whether so.

        What fails is tried again, and then the first failure is raised.
        """
        self._any.clear()
        gathered, self._gathered = self._gathered, {}
        failures = list[Exception]()
        for reader, (through, at) in gathered.items():
            try:
                await self._note(reader, through, at)
            except Exception as failure:  # noqa: BLE001 - one reader must not hold up the others
                failures.append(failure)
                self._gathered.setdefault(reader, (through, at))
                self._any.set()
        if failures:
            raise failures[0]
        return bool(gathered)

    async def _note(self, reader: _Reader, through: int, at: datetime) -> None:
        stream = reading_stream(*reader)
        # An officer sees everything that their organisation sees.
        caller = Caller("read-receipts", reader.organisation, Role.DPO)
        while (after := (await self._streams.fold(stream, READING)).state.through) < through:
            found = await page(
                self._index, caller, READ_FEED, after=after, limit=AT_ONCE, types=reader.types, known=through
            )
            command = NoteReading(
                at=at,
                by=SYSTEM,
                organisation=reader.organisation,
                channel=reader.channel.value,
                state=reader.state.value,
                types=reader.types,
                after=after,
                through=found.next,
                events=_by_case(await taken_at(self._streams.log, found.positions)),
                more=found.more,
            )
            call = Call(actor=SYSTEM, occurred_at=at)
            outcome = await self._handler.handle(command, stream, READING, call, must_exist=False)
            if outcome.position is None and outcome.state.through == after:
                # Nothing new was there, and that is known already.
                return


def _by_case(messages: list[MessageTaken]) -> tuple[OfCase, ...]:
    """The events of each case; not those of an anonymous offer, whose case its readers do not know."""
    cases: dict[str, list[str]] = {}
    for message in messages:
        if message.case is not None and message.type not in OFFERS:
            cases.setdefault(message.case, []).append(message.message["id"])
    return tuple(OfCase(case=case, events=tuple(events)) for case, events in cases.items())
