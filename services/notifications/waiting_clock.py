"""Looks, a day after something came that waits for an organisation, whether any of its ways has told it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from services.chassis.deciding.context import OwnState
from services.chassis.deciding.handler import Call, Handler
from services.chassis.deciding.streams import Streams
from services.chassis.engines.store_health import Unavailable
from services.chassis.index.index import IndexReader
from services.chassis.index.projection import Projection
from services.chassis.time.clock import Clock
from services.chassis.time.scheduler import Pending, instant, sortable
from services.notifications.domain.inbox import MessageTaken, inbox_stream
from services.notifications.domain.waiting import WAITING, CheckReached, Waiting, decide_waiting
from services.notifications.lists import taken_at
from services.notifications.projection import item_of_message, parties_of
from services.notifications.reactor import SYSTEM
from services.notifications.read_receipts import ReadReceipts
from services.notifications.ways import Waits, Ways


class WaitingClock:
    """Decides, when the day has passed, whether the other side has to see to it."""

    def __init__(
        self,
        streams: Streams,
        index: IndexReader,
        projection: Projection,
        ways: Ways,
        receipts: ReadReceipts,
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._index = index
        self._projection = projection
        self._ways = ways
        self._receipts = receipts
        self._clock = clock
        self._handler = Handler[CheckReached, Waiting](streams, OwnState(), decide_waiting)

    async def fire(self, stream: str, due: Pending) -> Sequence[Pending]:
        """A day has passed since a message came. Nothing is left of it afterwards."""
        position = int(due.name)
        (message,) = await taken_at(self._streams.log, [position])
        if message.case is None:
            return ()
        with suppress(Unavailable):
            # What was read a moment ago counts.
            if await self._receipts.flush():
                await self._projection.catch_up()
        waits = Waits(
            organisation=stream.removeprefix(f"waiting-{message.case}-"),
            case=message.case,
            event=message.message["id"],
            type=message.type,
            position=position,
            since=instant(due.due),
        )
        reason = await self._why_not(waits, message)
        if reason is None:
            return ()
        if (later := await self._ways.expected(waits)) is not None:
            return [due._replace(at=sortable(later))]
        command = CheckReached(
            at=self._clock.now(),
            by=SYSTEM,
            organisation=waits.organisation,
            case=waits.case,
            event=waits.event,
            position=position,
            since=waits.since,
            reason=reason,
            before=await self._reached_before(stream, waits),
        )
        await self._handler.handle(command, stream, WAITING, Call(actor=SYSTEM), must_exist=False)
        return ()

    async def _why_not(self, waits: Waits, message: MessageTaken) -> str | None:
        # First what nearly always is so, and costs the least.
        if (reason := await self._ways.why_not(waits)) is None:
            return None
        parties = (await parties_of(self._index, [waits.case])).get(waits.case)
        if parties is None or not parties.sees(waits.organisation, item_of_message(message)):
            # It waits for that one no longer.
            return None
        if await self._has_acted(waits):
            return None
        return reason.value

    async def _has_acted(self, waits: Waits) -> bool:
        """Who has acted in the case since knows of it, by whichever way."""
        records = await self._streams.log.read(inbox_stream(waits.case))
        later = (recorded.event.message["data"] for recorded in records if recorded.position > waits.position)
        return any((data.get("actor") or {}).get("org") == waits.organisation for data in later)

    async def _reached_before(self, stream: str, waits: Waits) -> bool:
        held = (await self._streams.fold(stream, WAITING)).state
        if held.position is None:
            return True
        (earlier,) = await taken_at(self._streams.log, [held.position])
        then = waits._replace(event=earlier.message["id"], type=earlier.type, position=held.position)
        return await self._has_acted(then) or await self._ways.why_not(then) is None
