"""Taking in causes before their effects, although they arrive on two topics, perhaps in two processes.

The casefile service acts on what the referral service publishes, and its messages name those that they follow from.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from contracts.message import Envelope
from services.chassis.deciding.row import Row
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer import BehindItsCause, CauseGivenUp, Consumer, React, Standing
from services.chassis.delivery.together import Add
from services.notifications.domain.inbox import INBOX, inbox_stream

NO_POSITION: Final = 2**62
"""The position after all others: that of a cause whose effect was recorded before effects named it."""


class CausesFirst:
    """Lets an event pass once the message that caused it, which `causes` consumes, is in the inbox of its case.

    Whom a message concerns may be known only from its cause, and a reader who has passed a place is not shown messages
    that turn up before it later. The event is also handled when `causes` has passed its cause and parked nothing: then
    the cause is gone.
    """

    def __init__(self, streams: Streams, causes: Consumer) -> None:
        self._streams = streams
        self._causes = causes

    async def check(self, event: Envelope) -> None:
        """Raises BehindItsCause where the event has to wait."""
        if event.causationid is None:
            return
        await self._check(event, (await self._streams.fold(inbox_stream(event.partitionkey), INBOX)).causes)

    async def _check(self, event: Envelope, taken: Container[str]) -> None:
        # A repeat came after its cause when it came first.
        if event.causationid is not None and event.causationid not in taken and event.id not in taken:
            position = int(event.causationsequence) if event.causationsequence is not None else NO_POSITION
            _let_pass(await self._causes.standing(event.partitionkey, position))

    def then(self, react: React) -> React:
        """`react`, once its cause is there. Raises BehindItsCause."""

        async def reacting(event: Envelope) -> None:
            await self.check(event)
            await react(event)

        return reacting

    def then_add(self, add: Add) -> Add:
        """The same for what is taken in together."""

        async def adding(row: Row, event: Envelope) -> None:
            if event.causationid is not None:
                # As read for the row, which it belongs to.
                await self._check(event, (await row.fold(inbox_stream(event.partitionkey), INBOX)).causes)
            await add(row, event)

        return adding


def _let_pass(cause: Standing) -> None:
    if cause is Standing.GIVEN_UP:
        raise CauseGivenUp
    if cause is not Standing.HANDLED:
        raise BehindItsCause(soon=cause is Standing.COMING)
