"""A legal basis: on what the sharing of a person's data rests, for whom, and until when (GDPR Art. 6, 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from services.chassis.modelling.decider import Because, Command, Entity, Refused
from services.chassis.modelling.growing import GrowingTuple
from services.referral.domain.offer import Offer


def legal_basis_stream(legal_basis_id: str) -> str:
    """The stream of one legal basis."""
    return f"legal-basis-{legal_basis_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasisGiven:
    """What the counsellor recorded of the basis: kind, recipient, text version and its language, since when."""

    kind: str
    recipient: str
    text_version: str
    language: str
    given_at: datetime


class WithdrawLegalBasis(Command, frozen=True, kw_only=True):
    """The person withdraws, through either side. Effective at once: withdrawing moves responsibility.

    `channel` is the code of the way that they took, where the caller says it.
    """

    legal_basis_id: str
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasisRecorded:
    """The basis that a referral named when it was submitted."""

    legal_basis_id: str
    offer: Offer
    at: datetime
    by: str
    client_ref: str
    given: LegalBasisGiven


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasisReliedOn:
    """A referral disclosed something, or was about to, on this basis: one entry of the disclosure ledger.

    `purpose` is a `contracts.codes.Reliance`.
    """

    BYSTANDER: ClassVar[bool] = True
    legal_basis_id: str
    referral_id: str
    recipient: str
    purpose: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasisWithdrawn:
    """Valid in [given_at, withdrawn_at); what was shared before stays lawful (GDPR Art. 7(3))."""

    legal_basis_id: str
    offer: Offer
    by: str
    withdrawn_at: datetime
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasis:
    """What was given, for which offer, and since when it is no longer valid."""

    legal_basis_id: str | None = None
    given: LegalBasisGiven | None = None
    offer: Offer | None = None
    client_ref: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    relied_on: GrowingTuple[LegalBasisReliedOn] = GrowingTuple()

    def valid_at(self, at: datetime) -> bool:
        """Whether the basis holds at `at`."""
        if self.given is None or at < self.given.given_at:
            return False
        return self.withdrawn_at is None or at < self.withdrawn_at

    def refusal(self) -> Refused | None:
        """The refusal of an act that discloses or uses data, once the basis is withdrawn."""
        if self.withdrawn_at is None:
            return None
        return Refused(
            "LEGAL_BASIS_WITHDRAWN",
            f"the person withdrew the legal basis at {self.withdrawn_at.isoformat()}: CONSENT_WITHDRAWN; stop",
            because=Because.RIGHTS,
            who_can_unblock="the person, by a new consent in a new referral",
        )


def evolve(basis: LegalBasis, event: Any) -> LegalBasis:
    """The legal basis after one more event."""
    match event:
        case LegalBasisRecorded():
            return replace(
                basis,
                legal_basis_id=event.legal_basis_id,
                given=event.given,
                offer=event.offer,
                client_ref=event.client_ref,
            )
        case LegalBasisReliedOn():
            return replace(basis, relied_on=basis.relied_on.plus(event))
        case LegalBasisWithdrawn():
            return replace(basis, withdrawn_at=event.withdrawn_at, withdrawn_by=event.by)
        case _:
            return basis


LEGAL_BASIS: Entity[LegalBasis] = Entity(LegalBasis(), evolve)
