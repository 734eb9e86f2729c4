"""What a case answers of its escalations."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from contracts.answers import Contract
from contracts.escalation_codes import EscalationReason, EscalationState, HowResolved
from contracts.telling_codes import NotToldReason
from contracts.terms import LadderLevel


class EscalationAnswer(Contract):
    """What somebody was asked to see to; `signals` are the reasons of further signs that joined it.

    One of a missed term has no `contactDueAt`, and is resolved without a `resolution` where the term was met.
    """

    id: str
    reason: EscalationReason
    level: LadderLevel
    match: str | None
    opened_at: datetime
    contact_due_at: datetime | None
    resolution_due_at: datetime | None = Field(description="Until when it is to be resolved.")
    signals: list[EscalationReason]
    state: EscalationState
    resolution: HowResolved | None
    unreached: str | None = Field(default=None, description="Of NOT_TOLD: the organisation that could not be told.")
    unreached_since: datetime | None = Field(default=None, description="Since when there was something to tell it.")
    why_unreached: NotToldReason | None = Field(default=None, description="Why it could not be told.")
