"""Taking causes in before their effects, although they come on two topics, perhaps to two processes.

The casefile service acts on what the referral service publishes, and its messages name those that they follow from.
"""

from __future__ import annotations

import asyncio
import time

from contracts.message import CloudEvent
from services.chassis.consumer import Consumer, React
from services.chassis.streams import Streams
from services.notifications.domain import INBOX, inbox_stream

LOOK_AGAIN_SECONDS = 0.005


def after_its_cause(react: React, streams: Streams, *, causes: Consumer, patience: float) -> React:
    """`react`, once the message that an event follows from, and that `causes` follows, is in the inbox of its case.

    It does not wait for one that was put aside, and at most `patience` seconds: who may see a message does not depend
    on the order in which both were taken, so a topic that is stuck need not stop the other one.
    """

    async def reacting(event: CloudEvent) -> None:
        if event.causationid is not None:
            until = time.monotonic() + patience
            while not await settled(event.causationid, event.partitionkey) and time.monotonic() < until:  # noqa: ASYNC110 - perhaps another process takes it
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
        await react(event)

    async def settled(cause: str, case: str) -> bool:
        return cause in (await streams.fold(inbox_stream(case), INBOX)).causes or causes.holds_up(case)

    return reacting
