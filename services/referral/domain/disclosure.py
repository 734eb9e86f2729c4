"""Reading a person's contact data: by whom, when, on which basis. In a stream of its own, so that no ETag moves."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from services.chassis.modelling.decider import Because, Entity, Event, Refused, To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.offer import Offer, acts_for


class DiscloseContact(ReferralCommand, frozen=True, kw_only=True):
    """Read the contact data of the person of a referral."""


class ContactDisclosed(Event, frozen=True, kw_only=True):
    """The contact data were shown to somebody of the organisation `to` under this legal basis."""

    offer: Offer
    at: datetime
    to: str
    legal_basis_id: str | None


DisclosureEvent = ContactDisclosed


def disclosures_stream(referral_id: str) -> str:
    """The stream of the disclosures of one referral."""
    return f"disclosures-{referral_id}"


def disclose(command: DiscloseContact, context: Context) -> list[To]:
    """Records the reading. The organisation reads only while the legal basis holds; the agency reads its own data."""
    reader, offer = acts_for(command.by), context.offer
    if reader != offer.agency:
        if offer.is_anonymous:
            raise Refused(
                "OFFER_ANONYMOUS",
                "the person is offered to several organisations, and none knows whose offer it is before it wins; "
                "accept, and the contact data are yours to read",
                because=Because.RIGHTS,
                who_can_unblock="the organisation, by accept",
            )
        if (refusal := context.legal_basis.refusal()) is not None:
            raise refusal
        if not context.legal_basis.valid_at(command.at):
            raise Refused(
                "LEGAL_BASIS_MISSING", "data may be shared only once the legal basis is given", because=Because.RIGHTS
            )
    disclosed = ContactDisclosed(offer=offer, at=command.at, to=reader, legal_basis_id=context.referral.legal_basis_id)
    return [To(disclosures_stream(offer.referral_id), disclosed)]


def evolve(readings: int, event: DisclosureEvent) -> int:
    """How often contact data were read, after another event."""
    match event:
        case ContactDisclosed():
            return readings + 1
        case _:
            assert_never(event)


DISCLOSURES: Entity[int] = Entity(0, evolve)
