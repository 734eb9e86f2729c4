"""Who read a person's contact data or had it revealed who they are; and who tried to use what is shared no more.

All of it is in a stream of its own, so that no ETag moves.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from services.chassis.modelling.decider import Actor, Because, Command, Entity, Event, Refused, To
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


class RevealIdentity(ReferralCommand, frozen=True, kw_only=True):
    """Show who the person of a referral is to somebody who oversees the record; `kept`: there is something to show."""

    reason_ref: str
    kept: bool


class IdentityRevealed(Event, frozen=True, kw_only=True):
    """Who the person is was shown to somebody of the organisation `to`, for a reason that stands in the vault."""

    offer: Offer
    at: datetime
    to: str
    legal_basis_id: str | None
    reason_ref: str


class Attempt(ReferralCommand, frozen=True, kw_only=True):
    """What was refused before it was decided on: a read, or a command on a version that is no more."""


class NoteRefusal(Command, frozen=True, kw_only=True):
    """Casefile refused at `refused_at` what `by` tried there after the person withdrew the legal basis."""

    referral_id: str
    refused_at: datetime
    legal_basis_id: str
    attempt: str


class DisclosureRefused(Event, frozen=True, kw_only=True):
    """Somebody of `by` tried to read or use what the person shares with the organisation no more; nothing was done.

    `attempt` is the action, by its name in the table of access, and `legal_basis_id` the one that was withdrawn.
    """

    BYSTANDER: ClassVar[bool] = True
    offer: Offer
    at: datetime
    by: str
    legal_basis_id: str | None
    attempt: str


class RefusalNoted(Event, frozen=True, kw_only=True):
    """The same of what was tried in casefile, which told of it."""

    at: datetime
    by: str
    legal_basis_id: str
    attempt: str


DisclosureEvent = ContactDisclosed | IdentityRevealed | DisclosureRefused | RefusalNoted


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
        if (refusal := stopped(context, command.by, "read-contact")) is not None:
            raise refusal
        if not context.legal_basis.valid_at(command.at):
            raise _without_basis()
    disclosed = ContactDisclosed(offer=offer, at=command.at, to=reader, legal_basis_id=context.referral.legal_basis_id)
    return [To(disclosures_stream(offer.referral_id), disclosed)]


def _without_basis() -> Refused:
    return Refused(
        "LEGAL_BASIS_MISSING", "data may be shared only once the legal basis is given", because=Because.RIGHTS
    )


def reveal(command: RevealIdentity, context: Context) -> list[To]:
    """Records that the identity is shown."""
    refuse_to_reveal(context, command.at, kept=command.kept)
    reader, offer = acts_for(command.by), context.offer
    revealed = IdentityRevealed(
        offer=offer,
        at=command.at,
        to=reader,
        legal_basis_id=context.referral.legal_basis_id,
        reason_ref=command.reason_ref,
    )
    return [To(disclosures_stream(offer.referral_id), revealed)]


def refuse_to_reveal(context: Context, at: datetime, *, kept: bool) -> None:
    """Raises Refused after a withdrawal, when nothing more is disclosed to anybody, and where nothing is `kept`."""
    if (refusal := context.legal_basis.refusal()) is not None:
        raise refusal
    if not context.legal_basis.valid_at(at):
        raise _without_basis()
    if not kept:
        raise Refused("IDENTITY_NOT_KEPT", "nothing is kept any more that says who the person is")


def stopped(context: Context, by: Actor, attempt: str) -> Refused | None:
    """The refusal of what uses or discloses the person's data, once they have withdrawn the legal basis of it."""
    offer = context.referral.offer
    if offer is None:
        return context.legal_basis.refusal()
    refused = DisclosureRefused(
        offer=offer,
        at=context.at,
        by=acts_for(by),
        legal_basis_id=context.referral.legal_basis_id,
        attempt=attempt,
    )
    return context.legal_basis.refusal(To(disclosures_stream(offer.referral_id), refused))


def note_refusal(command: NoteRefusal, _readings: int) -> list[RefusalNoted]:
    """Notes beside the disclosures what casefile refused."""
    noted = RefusalNoted(
        at=command.refused_at,
        by=acts_for(command.by),
        legal_basis_id=command.legal_basis_id,
        attempt=command.attempt,
    )
    return [noted]


def evolve(readings: int, event: DisclosureEvent) -> int:
    """How often contact data were read, after another event."""
    match event:
        case ContactDisclosed():
            return readings + 1
        case IdentityRevealed() | DisclosureRefused() | RefusalNoted():
            return readings
        case _:
            assert_never(event)


DISCLOSURES: Entity[int] = Entity(0, evolve)
