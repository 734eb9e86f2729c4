"""Taking causes in before their effects, although they come on two topics.

The casefile service acts on what the referral service publishes. Whatever it publishes in consequence was on the bus
later than its cause, so the cause is taken in once the referral topic is covered as far as it goes now.
"""

from __future__ import annotations

import asyncio
import contextlib

from contracts.message import CloudEvent
from services.chassis.bus import Bus
from services.chassis.consumer import Consumer, React


def after_its_causes(react: React, *, causes: Consumer, bus: Bus, patience: float) -> React:
    """`react`, for a topic whose messages follow from those that `causes` consumes.

    It waits at most `patience` seconds: who may see a message does not depend on the order in which both were taken,
    so a topic that is stuck need not stop the other one.
    """

    async def reacting(event: CloudEvent) -> None:
        published = await bus.published_through(causes.topic)
        if causes.through < published:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await causes.wait_through(published)
        await react(event)

    return reacting
