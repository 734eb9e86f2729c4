"""The state of a referral: what decisions and views need to know of its past.

One class with optional parts, and not a class for each state: ends, error reports and corrections come in nearly every
state and keep what was there, so such classes would repeat most fields, and each event rebuild one from another. That
the parts fit the state is up to `evolve` (`services/referral/domain/referral.py`), and random histories test it.
"""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from contracts.codes import DeadlineName, ReferralState
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.growing import GrowingSet
from services.referral.domain.offer import LateTerm, Offer
from services.referral.domain.packet import Packet


class Moved(Struct, frozen=True, kw_only=True):
    """Which command of which organisation brought the referral into its state, and when: for refusals to name."""

    command: str
    by: str
    at: datetime


class OpenQuestion(Struct, frozen=True, kw_only=True):
    """What the organisation asked, and the decision clock that stands still meanwhile; None on the waiting list.

    Where the decision was overdue, its ladder (`late`) stands still with it.
    """

    codes: tuple[str, ...]
    at: datetime
    paused: Deadline | None
    late: tuple[LateTerm, ...] = ()


class Waiting(Struct, frozen=True, kw_only=True):
    """The place on the waiting list. `since` is the first time: asking a question does not lengthen the wait."""

    reason: str
    since: datetime
    expected_by: date


class ErrorReport(Struct, frozen=True, kw_only=True):
    """Who reported that the referral was entered in error; another person has to confirm it."""

    org: str
    sub: str


class EndedWith(Struct, frozen=True, kw_only=True):
    """The reason that the organisation or the agency gave for an end, to recognise a repeat."""

    reason: str
    refs: tuple[str | None, ...] = ()


class Referral(Struct, frozen=True, kw_only=True):
    """The state of one referral; `state` is None as long as nothing is recorded.

    `running` are the deadlines that somebody still has to meet, overdue ones included; `missed` those of them, and
    of earlier ones, whose breach is recorded. `access` is when the organisation's access ends, once its part has. `won`
    is the broadcast of which it is the offer that won. `late` are the ladders of terms that were missed.
    """

    state: ReferralState | None = None
    offer: Offer | None = None
    packet: Packet | None = None
    legal_basis_id: str | None = None
    moved: Moved | None = None
    running: tuple[Deadline, ...] = ()
    missed: GrowingSet[Deadline] = GrowingSet()
    information_requests: int = 0
    question: OpenQuestion | None = None
    waiting: Waiting | None = None
    coordinator: str | None = None
    ended_with: EndedWith | None = None
    error: ErrorReport | None = None
    access: Deadline | None = None
    access_ended: bool = False
    won: str | None = None
    late: tuple[LateTerm, ...] = ()

    @property
    def offered(self) -> bool:
        """Whether it was ever submitted: before that, nobody outside the agency knows of it."""
        return self.offer is not None and self.offer.organisation is not None

    @property
    def live(self) -> bool:
        """Whether it holds the case key."""
        return self.state is not None and self.state not in TERMINAL

    def awaited(self, deadline: str) -> str:
        """The organisation that a deadline waits for. An expiry waits for the one that has to act in this state."""
        if self.offer is None or self.offer.organisation is None:
            return self.offer.agency if self.offer is not None else ""
        agency_acts = deadline == DeadlineName.INFORMATION or (
            deadline == DeadlineName.EXPIRY and self.state is ReferralState.INFO_REQUESTED
        )
        return self.offer.agency if agency_acts else self.offer.organisation


TERMINAL = frozenset(
    {
        ReferralState.DECLINED,
        ReferralState.WITHDRAWN,
        ReferralState.EXPIRED,
        ReferralState.COMPLETED,
        ReferralState.ENTERED_IN_ERROR,
    }
)
UNANSWERED = (
    ReferralState.SUBMITTED,
    ReferralState.RECEIVED,
    ReferralState.INFO_REQUESTED,
    ReferralState.WAITLISTED,
)
