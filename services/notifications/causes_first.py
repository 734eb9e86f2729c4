"""Taking causes in before their effects, although they come on two topics, perhaps to two processes.

The casefile service acts on what the referral service publishes, and its messages name those that they follow from.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from contracts.message import CloudEvent
from services.chassis.consumer import Consumer, React
from services.chassis.eventlog import Unavailable
from services.chassis.streams import Streams
from services.notifications.domain import INBOX, inbox_stream

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25
PATIENCE_SECONDS = 10.0
"""Before the bus is asked. Nearly every cause comes sooner, and a bus that lost its newest messages has them again."""


class CauseWaitsAside(Exception):  # noqa: N818 - reads as what happened
    """The cause of a message failed, or is behind one of its case that did: this one has to wait aside as well."""


def after_its_cause(react: React, streams: Streams, *, causes: Consumer, patience: float) -> React:
    """`react`, once the message that an event follows from, and that `causes` follows, is in the inbox of its case.

    Whom a message concerns may be known only from its cause, and who reads on from a place is not shown what turns out
    later to have been before it. Whoever acted on the cause had it from its topic. So when an event has waited for
    `patience` seconds, the bus is asked where that topic ends, until it answers, and the event goes on when `causes`
    has come to there: what did not come by then will not come. Raises CauseWaitsAside.
    """

    async def reacting(event: CloudEvent) -> None:
        if event.causationid is not None:
            await taken_in(event.causationid, event.partitionkey)
        await react(event)

    async def taken_in(cause: str, case: str) -> None:
        pause, asks_at, end = FIRST_PAUSE, time.monotonic() + patience, None
        while cause not in (await streams.fold(inbox_stream(case), INBOX)).causes:
            come = end is not None and causes.has_come_to(end)
            # In this order: what fails is put aside as the place behind it is saved.
            if causes.holds_up(case):
                raise CauseWaitsAside
            if come:
                return
            if end is None and time.monotonic() >= asks_at:
                end = await end_of_causes()
            # Perhaps another process takes it.
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def end_of_causes() -> Mapping[int, int] | None:
        try:
            return await causes.end()
        except Unavailable:
            return None

    return reacting
