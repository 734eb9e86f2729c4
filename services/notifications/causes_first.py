"""Taking causes in before their effects, although they come on two topics, perhaps to two processes.

The casefile service acts on what the referral service publishes, and its messages name those that they follow from.
"""

from __future__ import annotations

from typing import Final

from contracts.message import CloudEvent
from services.chassis.deciding.streams import Streams
from services.chassis.delivery.consumer import BehindItsCause, CauseGivenUp, Consumer, React, Standing
from services.notifications.domain.inbox import INBOX, inbox_stream

NO_POSITION: Final = 2**62
"""A position behind all others, of a cause whose effect was recorded before effects told it."""


def after_its_cause(react: React, streams: Streams, causes: Consumer) -> React:
    """`react`, once the message that an event follows from, and that `causes` follows, is in the inbox of its case.

    Whom a message concerns may be known only from its cause, and who reads on from a place is not shown what turns out
    later to have been before it. The event also goes on when `causes` has passed its cause and put nothing aside: then
    the cause is gone. Raises BehindItsCause.
    """

    async def reacting(event: CloudEvent) -> None:
        if event.causationid is not None:
            taken = (await streams.fold(inbox_stream(event.partitionkey), INBOX)).causes
            # A repeat was behind its cause when it came first.
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
