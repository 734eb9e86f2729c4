"""Taking causes in before their effects, although they come on two topics, perhaps to two processes.

The casefile service acts on what the referral service publishes, and its messages name those that they follow from.
"""

from __future__ import annotations

import asyncio
import time

from contracts.message import CloudEvent
from services.chassis.bus import Bus
from services.chassis.consumer import Consumer, React
from services.chassis.streams import Streams
from services.notifications.domain import INBOX, inbox_stream

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25
PATIENCE_SECONDS = 30.0
"""Longer than it takes until a broker that died or hung is back, causes are followed again, and their progress is
announced; shorter than a member of a group may stay away."""


def after_its_cause(react: React, streams: Streams, bus: Bus, *, causes: Consumer, patience: float) -> React:
    """`react`, once the message that an event follows from, and that `causes` follows, is in the inbox of its case.

    Whom a message concerns may be known only from its cause, and who reads on from a place is not shown what turns out
    later to have been before it. So an event waits for `patience` seconds, and then for as long as `causes` has not
    come to all that was published by then. It does not wait for a cause that was put aside.
    """

    async def reacting(event: CloudEvent) -> None:
        if event.causationid is not None:
            pause, ends, published = FIRST_PAUSE, time.monotonic() + patience, 0
            while not await settled(event.causationid, event.partitionkey):
                if time.monotonic() < ends:
                    published = max(published, await bus.published_through(causes.topic))
                elif causes.through >= published:
                    break
                # Perhaps another process takes it.
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        await react(event)

    async def settled(cause: str, case: str) -> bool:
        return cause in (await streams.fold(inbox_stream(case), INBOX)).causes or causes.holds_up(case)

    return reacting
