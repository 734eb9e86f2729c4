"""Broadcasts in the office of the tests: what its users do with them, in few words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from contracts.codes import DeclineReason, WithdrawReason
from services.chassis.modelling.decider import Actor
from services.referral.domain import answering, broadcasting, ending
from services.referral.domain.broadcast import BROADCAST, Broadcast, Consent, OfferTo, broadcast_stream
from services.referral.domain.broadcasting import BroadcastContext, OpenBroadcast, WithdrawBroadcast
from services.referral.domain.submission import SubmitReferral
from tests.referral.office import SAMIRA, Office
from tests.support.actors import INES, KARIM, LOTTE
from tests.support.dates import FRIDAY, MONDAY, TUESDAY

BROADCAST_ID: Final = "B-1"
OFFERS: Final = {"brugwerk": "R-1", "samenstap": "R-2"}
"""The referral of each offer."""
STAFF: Final = {"R-1": LOTTE, "R-2": KARIM}


class BroadcastOffice(Office):
    """The office with a broadcast to its two organisations, once it is opened."""

    def broadcast(self) -> Broadcast:
        """The state of the broadcast."""
        return self.fold(broadcast_stream(BROADCAST_ID), BROADCAST)

    def around(self, at: datetime) -> BroadcastContext:
        """What a decision on it rests on."""
        new = SubmitReferral(
            at=at, by=INES, referral_id="R-new", packet=SAMIRA, legal_basis_id="LB-new", new_case_id="C-new"
        )
        return BroadcastContext(
            broadcast=self.broadcast(),
            context=self.context("R-new", at, new),
            organisations={name: self.organisation(name) for name in OFFERS},
        )

    def open(self, at: datetime = MONDAY) -> list[Any]:
        """The counsellor offers the person to both."""
        basis = SAMIRA.legal_basis
        assert basis is not None
        command = OpenBroadcast(
            at=at,
            by=INES,
            broadcast_id=BROADCAST_ID,
            packet=replace(SAMIRA, to=None, legal_basis=None),
            offers=tuple(
                OfferTo(organisation=name, referral_id=referral, legal_basis_id=f"LB-{referral}")
                for name, referral in OFFERS.items()
            ),
            recipients=tuple(OFFERS),
            consent=Consent(
                kind=basis.kind, text_version=basis.text_version, language=basis.language, given_at=basis.given_at
            ),
            new_case_id="C-1",
        )
        return self.store(broadcast_stream(BROADCAST_ID), broadcasting.decide(command, self.around(at)))

    def withdraw_all(self, at: datetime = FRIDAY, reason: str = "CLIENT_MOVED") -> list[Any]:
        """The counsellor takes all offers back."""
        command = WithdrawBroadcast(at=at, by=INES, broadcast_id=BROADCAST_ID, reason=WithdrawReason(reason))
        return self.store(broadcast_stream(BROADCAST_ID), broadcasting.decide(command, self.around(at)))

    def receive_both(self) -> None:
        """Both organisations have it."""
        for referral, staff in STAFF.items():
            self.receive(referral, TUESDAY, staff)

    def accepts(self, referral: str = "R-1", at: datetime = FRIDAY) -> list[Any]:
        """An organisation accepts its offer."""
        staff: Actor = STAFF[referral]
        return self.accept(referral, at, staff, staff.sub)

    def declines(self, referral: str = "R-1", at: datetime = FRIDAY) -> list[Any]:
        """An organisation declines its offer."""
        reason = DeclineReason.CAPACITY_FULL
        return self.handle(answering.Decline(at=at, by=STAFF[referral], referral_id=referral, reason=reason))

    def withdraws(self, referral: str = "R-1", at: datetime = FRIDAY) -> list[Any]:
        """The counsellor takes one offer back."""
        reason = WithdrawReason.CLIENT_MOVED
        return self.handle(ending.Withdraw(at=at, by=INES, referral_id=referral, reason=reason))

    def expires(self, referral: str = "R-1") -> list[Any]:
        """The term of an offer passes."""
        due = next(deadline.due_at for deadline in self.referral(referral).running if deadline.name == "EXPIRY")
        return self.handle(self.passed("EXPIRY", due, referral))
