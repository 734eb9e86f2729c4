"""A legal basis: on what the sharing of a person's data rests, for whom, and until when (GDPR Art. 6, 7)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from services.chassis.modelling.days import in_utc
from services.chassis.modelling.decider import Because, Entity, Event, Refused, To
from services.chassis.modelling.growing import GrowingTuple
from services.referral.domain.offer import Offer


def legal_basis_stream(legal_basis_id: str) -> str:
    """The stream of one legal basis."""
    return f"legal-basis-{legal_basis_id}"


class LegalBasisGiven(Struct, frozen=True, kw_only=True):
    """What the counsellor recorded of the basis: kind, recipient, text version and its language, since when."""

    kind: str
    recipient: str
    text_version: str
    language: str
    given_at: datetime


class LegalBasisRecorded(Event, frozen=True, kw_only=True):
    """The basis that a referral named when it was submitted."""

    legal_basis_id: str
    offer: Offer
    at: datetime
    by: str
    client_ref: str
    given: LegalBasisGiven


class LegalBasisReliedOn(Event, frozen=True, kw_only=True):
    """A referral disclosed data on this basis, or was about to: an entry of the disclosure ledger.

    `purpose` is a `contracts.codes.Reliance`.
    """

    BYSTANDER: ClassVar[bool] = True
    legal_basis_id: str
    referral_id: str
    recipient: str
    purpose: str
    at: datetime


class LegalBasisWithdrawn(Event, frozen=True, kw_only=True):
    """Valid in [given_at, withdrawn_at); what was shared before stays lawful (GDPR Art. 7(3))."""

    legal_basis_id: str
    offer: Offer
    by: str
    withdrawn_at: datetime
    channel: str | None = None


class LegalBasis(Struct, frozen=True, kw_only=True):
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

    def refusal(self, *records: To) -> Refused | None:
        """The refusal of an act that discloses or uses data, once the basis is withdrawn; `records` stand of it."""
        if self.withdrawn_at is None:
            return None
        return Refused(
            "LEGAL_BASIS_WITHDRAWN",
            f"the person withdrew the legal basis at {in_utc(self.withdrawn_at)}: CONSENT_WITHDRAWN; stop",
            because=Because.RIGHTS,
            who_can_unblock="the person, by a new consent in a new referral",
            records=records,
        )


LegalBasisEvent = LegalBasisRecorded | LegalBasisReliedOn | LegalBasisWithdrawn


def evolve(basis: LegalBasis, event: LegalBasisEvent) -> LegalBasis:
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
            assert_never(event)


LEGAL_BASIS: Entity[LegalBasis] = Entity(LegalBasis(), evolve)
