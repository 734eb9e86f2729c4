"""What a mailbox is told of at once, at night and at weekends too: that somebody may not be safe."""

from __future__ import annotations

from typing import Final

from contracts import casefile
from contracts.escalation_codes import EscalationReason
from services.notifications.domain.inbox import MessageTaken

URGENT_TYPES: Final = (casefile.escalation.EscalationRaised.TYPE, casefile.escalation.EscalationJoined.TYPE)


def is_urgent(event: MessageTaken) -> bool:
    """Whether a message waits for no morning."""
    return event.type in URGENT_TYPES and event.message["data"]["reason"] == EscalationReason.SAFETY
