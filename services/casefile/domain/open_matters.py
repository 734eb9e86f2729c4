"""What waits for the agency beside the way of a case: gaps in services, and changes that the organisation proposed."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from contracts.change_codes import ProposalState
from contracts.gap_codes import GapState
from services.casefile.domain.steps import Party
from services.chassis.modelling.deadline import Deadline


class GapAnswer(Struct, frozen=True, kw_only=True):
    """What the agency answered to a gap (texts are vault references), and since when what it promised is done."""

    accepted: bool
    action_ref: str | None
    due: date | None
    reason_ref: str | None
    deadline: Deadline | None
    answered_by: Party
    answered_at: datetime
    completed_at: datetime | None = None


class Gap(Struct, frozen=True, kw_only=True):
    """A public service that falls short, as somebody reported it, and the agency's answer, awaited until `due_at`.

    `referral` and `organisation` are those that the case was with, or was offered to.
    """

    gap: str
    service_kind: str
    gap_type: str
    provider_ref: str | None
    task: str | None
    reported_by: Party
    reported_at: datetime
    due_at: datetime
    referral: str | None
    organisation: str | None
    answer: GapAnswer | None = None

    @property
    def state(self) -> GapState:
        """Whether the agency has answered."""
        return GapState.OPEN if self.answer is None else GapState.ANSWERED

    @property
    def action_due(self) -> Deadline | None:
        """What runs until the agency has done what it promised; None where nothing does, or it is done."""
        answer = self.answer
        return answer.deadline if answer is not None and answer.completed_at is None else None


class Proposal(Struct, frozen=True, kw_only=True):
    """A change that the organisation proposed, by whom, and what became of it; the agency decides by the `deadline`."""

    proposal: str
    change: str
    state: ProposalState
    proposed_by: Party
    proposed_at: datetime
    reason: str | None
    end: date | None
    coordinator: Party | None
    deadline: Deadline
    referral: str
    organisation: str
