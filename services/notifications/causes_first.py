"""Taking causes in before their effects, although they come on two topics, perhaps to two processes.

The casefile service acts on what the referral service publishes, and its messages name those that they follow from.
"""

from __future__ import annotations

from contracts.message import CloudEvent
from services.chassis.consumer import BehindItsCause, Consumer, React, Standing


def after_its_cause(react: React, causes: Consumer) -> React:
    """`react`, once the message that an event follows from, and that `causes` follows, is taken in.

    Whom a message concerns may be known only from its cause, and who reads on from a place is not shown what turns out
    later to have been before it. Raises BehindItsCause.
    """

    async def reacting(event: CloudEvent) -> None:
        if event.causationsequence is not None:
            cause = causes.standing(event.partitionkey, int(event.causationsequence))
            if cause is not Standing.HANDLED:
                raise BehindItsCause(cause)
        await react(event)

    return reacting
