"""Reading a person's contact data: to whom, when, on which basis. In a stream of its own, so no ETag moves by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.chassis.modelling.decider import Because, Entity, Refused, To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.offer import Offer, acts_for


class DiscloseContact(ReferralCommand, frozen=True, kw_only=True):
    """Read the contact data of the person of a referral."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDisclosed:
    """The contact data were shown to somebody of the organisation `to` under this legal basis."""

    offer: Offer
    at: datetime
    to: str
    legal_basis_id: str | None


def disclosures_stream(referral_id: str) -> str:
    """The stream of the disclosures of one referral."""
    return f"disclosures-{referral_id}"


def disclose(command: DiscloseContact, context: Context) -> list[Any]:
    """Records the reading; the organisation's only while the legal basis holds. The agency reads its own data."""
    reader, offer = acts_for(command.by), context.offer
    if reader != offer.agency:
        if (refusal := context.legal_basis.refusal()) is not None:
            raise refusal
        if not context.legal_basis.valid_at(command.at):
            raise Refused(
                "LEGAL_BASIS_MISSING", "nothing may be shared before the legal basis is given", because=Because.RIGHTS
            )
    disclosed = ContactDisclosed(offer=offer, at=command.at, to=reader, legal_basis_id=context.referral.legal_basis_id)
    return [To(disclosures_stream(offer.referral_id), disclosed)]


DISCLOSURES: Entity[int] = Entity(0, lambda count, _event: count + 1)
"""How often contact data were read."""
