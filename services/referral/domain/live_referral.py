"""What is bound to a live referral: only one of a person is, it relies on a legal basis, and its end lets go of all."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from contracts.codes import ReferralState, Reliance
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Refused, To
from services.referral.domain.broadcast import OfferForgotten, Whose, broadcast_stream
from services.referral.domain.case_key import CaseKeyReleased, case_key_stream
from services.referral.domain.context import Context
from services.referral.domain.legal_basis import LegalBasisReliedOn, legal_basis_stream
from services.referral.domain.offer import Offer
from services.referral.domain.organisation import CapacityReleased, organisation_stream
from services.referral.domain.person import PersonReferred, person_stream


def refuse_if_recorded(referral_id: str, context: Context) -> None:
    """Raises Refused where the id of a new referral is taken."""
    if context.referral.state is not None:
        raise Refused("REFERRAL_EXISTS", f"referral {referral_id} already exists and is {context.referral.state}")


def refuse_second(referral_id: str, context: Context) -> None:
    """Raises Refused where another referral of the person is live, in this programme or in another of its kind."""
    key = context.case_key
    if key.live not in (None, referral_id):
        if not key.live_is_broadcast:
            raise Refused(
                "REFERRAL_LIVE",
                f"referral {key.live} of the same person and programme is live; make another one "
                "once it is declined, withdrawn, expired, completed or confirmed as entered in error",
                who_can_unblock=key.live_ended_by,
            )
        raise Refused(
            "REFERRAL_LIVE",
            f"broadcast {key.live} of the same person and programme is open; offer the person again once it is "
            "withdrawn, or each of its offers is declined or expired",
            who_can_unblock=key.live_ended_by,
        )
    for elsewhere in context.elsewhere:
        if (refusal := elsewhere.refusal()) is not None:
            raise refusal


def referred(offer: Offer, client_ref: str) -> To:
    """The entry in the person's stream for a referral that becomes live."""
    entry = PersonReferred(programme=offer.programme, case_key=offer.case_key, referral_id=offer.referral_id)
    return To(person_stream(offer.agency, client_ref), entry)


def relied_on(context: Context, purpose: Reliance, at: datetime) -> list[To]:
    """An entry of the disclosure ledger, in the legal basis' stream: so a withdrawal in the same moment conflicts."""
    basis = context.referral.legal_basis_id
    if basis is None:
        return []
    return [
        To(
            legal_basis_stream(basis),
            LegalBasisReliedOn(
                legal_basis_id=basis,
                referral_id=context.offer.referral_id,
                recipient=context.offer.organisation or "",
                purpose=purpose.value,
                at=at,
            ),
        )
    ]


def access_after_end(context: Context) -> Deadline | None:
    """When the addressed organisation's access ends, once its part has (rule A): after the programme's NGO_ACCESS.

    A part that ended earlier keeps its end. None for a draft, which nobody else knows of.
    """
    referral = context.referral
    if not referral.offered or not referral.live:
        return referral.access
    return context.deadline("NGO_ACCESS", context.at)


def forgotten(
    context: Context, name: Literal["LegalBasisWithdrawn", "NgoAccessExpired"], at: datetime, by: str
) -> list[To]:
    """The end of what the organisation reads of its offer, where the referral won a broadcast."""
    referral, offer = context.referral, context.offer
    if referral.won is None:
        return []
    whose = Whose(
        broadcast_id=referral.won,
        case_id=offer.case_id,
        case_key=offer.case_key,
        agency=offer.agency,
        programme=offer.programme,
        programme_version=offer.programme_version,
    )
    event = OfferForgotten(
        whose=whose,
        at=at,
        by=by,
        referral_id=offer.referral_id,
        organisation=offer.organisation or "",
        event=name,
    )
    return [To(broadcast_stream(referral.won), event)]


def let_go(context: Context, *, in_error: bool = False) -> list[To]:
    """Releases the case key and the place at the organisation of a referral that is still live."""
    referral, offer = context.referral, context.offer
    if not referral.live or offer.is_anonymous:
        # The offers of a broadcast hold the key together, until the last of them has ended.
        return []
    freed = [
        To(
            case_key_stream(offer.case_key),
            CaseKeyReleased(referral_id=offer.referral_id, offered=referral.offered and not in_error),
        )
    ]
    if referral.state is ReferralState.ACCEPTED and offer.organisation is not None:
        released = CapacityReleased(organisation=offer.organisation, referral_id=offer.referral_id)
        freed.append(To(organisation_stream(offer.organisation), released))
    return freed
