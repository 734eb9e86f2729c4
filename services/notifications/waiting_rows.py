"""What is pending of what waits for organisations: a row for each organisation and case, whatever waits in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from contracts.visibility import Parties, item_of, message_place
from services.chassis.index.index import Changes, IndexReader
from services.chassis.log.metadata import Recorded
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import DEADLINES, Pending, pending_in, set_pending, sortable
from services.notifications.domain.inbox import MessageTaken
from services.notifications.domain.waiting import TERM, waited_for, waiting_stream
from services.notifications.ways import Ways

TELLING: Final = "TELLING"
"""The kind of what is pending: a day has passed since a message came. Its name is the message's position."""
LONG_AGO: Final = timedelta(days=30)
"""What came before is not looked at again when the index is made again."""


class Taken(NamedTuple):
    """A message about a case, and the parties of the case after it."""

    recorded: Recorded
    event: MessageTaken
    case: str
    parties: Parties


class WaitingRows:
    """Finds in a batch of messages what waits for whom, where that one has set up a way to be told."""

    def __init__(self, index: IndexReader, ways: Ways, clock: Clock) -> None:
        self._index = index
        self._ways = ways
        self._clock = clock
        self._rows: dict[int, tuple[str, list[Pending]]] = {}

    async def look(self, batch: Iterable[Taken]) -> None:
        """What is pending after each message that waits for somebody."""
        self._rows.clear()
        addressed = [
            (taken, organisation)
            for taken in batch
            if taken.recorded.meta.recorded_at + LONG_AGO >= self._clock.now()
            and (organisation := _waits_for(taken)) is not None
        ]
        set_up = await self._ways.set_up({organisation for _, organisation in addressed})
        waits = [
            (taken, waiting_stream(taken.case, organisation))
            for taken, organisation in addressed
            if set_up.failing(organisation, taken.event.type, taken.recorded.meta.recorded_at) is not None
        ]
        if not waits:
            return
        rows = await self._index.rows(DEADLINES.name, sorted({stream for _, stream in waits}))
        pending = {stream: pending_in(row) for stream, row in rows.items()}
        for taken, stream in waits:
            came = taken.recorded.meta.recorded_at
            due = Pending(sortable(came + TERM), str(taken.recorded.position), TELLING, sortable(came))
            pending[stream] = [*pending.get(stream, ()), due]
            self._rows[taken.recorded.position] = stream, pending[stream]

    def project(self, recorded: Recorded, changes: Changes) -> None:
        """The row after one message."""
        if (found := self._rows.pop(recorded.position, None)) is not None:
            stream, pending = found
            set_pending(changes, stream, recorded, pending)


def _waits_for(taken: Taken) -> str | None:
    """The organisation that has to act on a message, which sees it and has not sent it."""
    event, parties = taken.event, taken.parties
    data: Mapping[str, object] = event.message["data"]
    organisation = waited_for(event.name, data, parties)
    actor = data.get("actor")
    if organisation is None or (isinstance(actor, dict) and actor.get("org") == organisation):
        return None
    item = item_of(event.name, data, message_place(event.recorded_at, taken.recorded.version))
    return organisation if parties.sees(organisation, item) else None
