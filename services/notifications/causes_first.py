"""Taking in causes before their effects, although they arrive on two topics, perhaps in two processes.

The casefile service acts on what the referral service publishes, and its messages name those that they follow from.
"""

from __future__ import annotations

from typing import Final

from contracts.message import CloudEvent
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer import BehindItsCause, CauseGivenUp, Consumer, React, Standing
from services.notifications.domain.inbox import INBOX, inbox_stream

NO_POSITION: Final = 2**62
"""The position after all others: that of a cause whose effect was recorded before effects named it."""


def after_its_cause(react: React, streams: Streams, causes: Consumer) -> React:
    """`react`, once the message that caused an event, which `causes` consumes, is in the inbox of its case.

    Whom a message concerns may be known only from its cause, and a reader who has passed a place is not shown messages
    that turn up before it later. The event is also handled when `causes` has passed its cause and parked nothing: then
    the cause is gone. Raises BehindItsCause.
    """

    async def reacting(event: CloudEvent) -> None:
        if event.causationid is not None:
            taken = (await streams.fold(inbox_stream(event.partitionkey), INBOX)).causes
            # A repeat came after its cause when it came first.
            if event.causationid not in taken and event.id not in taken:
                position = int(event.causationsequence) if event.causationsequence is not None else NO_POSITION
                _let_pass(await causes.standing(event.partitionkey, position))
        await react(event)

    return reacting


def _let_pass(cause: Standing) -> None:
    if cause is Standing.GIVEN_UP:
        raise CauseGivenUp
    if cause is not Standing.HANDLED:
        raise BehindItsCause(soon=cause is Standing.COMING)
