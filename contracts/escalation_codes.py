"""The closed code lists of escalations: why somebody is asked to see to a case, and what was done about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class EscalationReason(StrEnum):
    """Why somebody is asked to see to a case."""

    LOW_PULSE = "LOW_PULSE"
    ROLE_OVERLOAD = "ROLE_OVERLOAD"
    ONE_SIDED = "ONE_SIDED"
    SAFETY = "SAFETY"
    TWO_REJECTIONS = "TWO_REJECTIONS"
    SILENCE = "SILENCE"
    SUBSTITUTION_SIGNAL = "SUBSTITUTION_SIGNAL"
    DEADLINE_MISSED = "DEADLINE_MISSED"
    NOT_TOLD = "NOT_TOLD"
    OTHER = "OTHER"
    ACCESS_ENDED = "ACCESS_ENDED"


DISTRESS: Final = frozenset(
    {
        EscalationReason.LOW_PULSE,
        EscalationReason.ROLE_OVERLOAD,
        EscalationReason.ONE_SIDED,
        EscalationReason.SAFETY,
        EscalationReason.TWO_REJECTIONS,
        EscalationReason.SILENCE,
    }
)
"""The reasons that are about how a match goes: further ones join the escalation of that match that is open."""


class RaisedReason(StrEnum):
    """Why a person asks somebody to see to a case."""

    LOW_PULSE = "LOW_PULSE"
    ROLE_OVERLOAD = "ROLE_OVERLOAD"
    ONE_SIDED = "ONE_SIDED"
    SAFETY = "SAFETY"
    TWO_REJECTIONS = "TWO_REJECTIONS"
    SILENCE = "SILENCE"
    SUBSTITUTION_SIGNAL = "SUBSTITUTION_SIGNAL"
    DEADLINE_MISSED = "DEADLINE_MISSED"
    NOT_TOLD = "NOT_TOLD"
    OTHER = "OTHER"


class EscalationState(StrEnum):
    """Whether somebody still sees to it."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class Resolution(StrEnum):
    """What was done about what was escalated."""

    TALK = "TALK"
    REMATCH = "REMATCH"
    PAUSE = "PAUSE"
    END_WITH_HANDBACK = "END_WITH_HANDBACK"
    PUBLIC_SERVICE_ACTION = "PUBLIC_SERVICE_ACTION"


class HowResolved(StrEnum):
    """How what was escalated came to its end: by what somebody did, or by itself."""

    TALK = "TALK"
    REMATCH = "REMATCH"
    PAUSE = "PAUSE"
    END_WITH_HANDBACK = "END_WITH_HANDBACK"
    PUBLIC_SERVICE_ACTION = "PUBLIC_SERVICE_ACTION"
    REACHED = "REACHED"
    """Who could not be told was told after all."""
