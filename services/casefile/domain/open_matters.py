"""What waits beside the way of a case: gaps in services, changes that the organisation proposed, and missed terms.

And, in what was recorded earlier, an offer that nobody waits for.
"""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from contracts.change_codes import ProposalState
from contracts.gap_codes import GapState
from services.casefile.domain.steps import Party
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.ladder import LevelDue, Receiver


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


class LateOffer(Struct, frozen=True, kw_only=True):
    """Which of several offers a term is late of: to whom, and the action that it waits for, of which organisation."""

    referral: str
    organisation: str
    awaited: str
    action: str


class LateTerm(Struct, frozen=True, kw_only=True):
    """A missed term whose act is still awaited: the level it has come to, who was told, and the levels to come.

    `key` is that of the step it runs in, or the name of the term where it runs behind its step. Of one of several
    offers `offer` says which it is: its name has the offer's referral, and its levels to come are not the case's.
    """

    name: str
    key: str
    due_at: datetime
    level: str
    notified: tuple[Receiver, ...]
    to_come: tuple[LevelDue, ...] = ()
    offer: LateOffer | None = None

    @property
    def about(self) -> str:
        """What the step behind the term is about; nothing, for most."""
        return self.key.partition(":")[2]

    def is_of(self, name: str, due_at: datetime) -> bool:
        """Whether it is that term, due at that time: one that recurs is missed again."""
        return (self.name, self.due_at) == (name, due_at)


class StrandedOffer(Struct, frozen=True, kw_only=True):
    """An offer that is live in the referral service and in no step of the case, which was final as it came.

    An earlier version took it in so. `offer` is a referral, or a broadcast until somebody wins it: it has no
    `organisation`.
    """

    offer: str
    organisation: str
    since: datetime
