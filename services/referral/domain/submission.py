"""Submission: the offer is made, the packet disclosed, and the clocks start."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from contracts.codes import DeadlineName, ReferralState, Reliance
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Fault, To
from services.referral.domain.case_key import CaseKeyTaken, case_key_stream
from services.referral.domain.context import Context, ReferralCommand, nothing_recorded
from services.referral.domain.guards import allow
from services.referral.domain.legal_basis import LegalBasisRecorded, LegalBasisReliedOn, legal_basis_stream
from services.referral.domain.live_referral import referred, refuse_if_recorded, refuse_second
from services.referral.domain.offer import Offer, OfReferral, acts_for
from services.referral.domain.packet import CompletePacket, Packet, completed


class SubmitReferral(ReferralCommand, frozen=True, kw_only=True):
    """Make an offer at once, without a draft.

    The packet's basis is recorded under `legal_basis_id`; `new_case_id` is used where the person has no open case in
    the programme. `contact_faults` are the faults of the contact data, which the command does not carry.
    """

    packet: Packet
    legal_basis_id: str
    new_case_id: str
    contact_faults: tuple[Fault, ...] = ()


class SubmitDraft(ReferralCommand, frozen=True, kw_only=True):
    """Make the offer that was drafted; ids and `contact_faults` are as in SubmitReferral."""

    legal_basis_id: str
    new_case_id: str
    contact_faults: tuple[Fault, ...] = ()


class ReferralSubmitted(OfReferral, frozen=True, kw_only=True):
    """The offer was made, with this packet, under this legal basis."""

    packet: CompletePacket
    legal_basis_id: str


def submit(command: SubmitReferral, context: Context) -> list[ReferralSubmitted | To]:
    """Submits a new referral."""
    if context.referral.legal_basis_id == command.legal_basis_id:
        return []
    refuse_if_recorded(command.referral_id, context)
    return _submitted(command, command.packet, context)


def submit_draft(command: SubmitDraft, context: Context) -> list[ReferralSubmitted | To]:
    """Submits the draft. A draft that was submitted and is not answered yet stays as it is."""
    if context.referral.state is ReferralState.SUBMITTED:
        return []
    allow("submit", context, command.by)
    if context.referral.packet is None:
        raise nothing_recorded()
    return _submitted(command, context.referral.packet, context)


def _submitted(command: SubmitReferral | SubmitDraft, packet: Packet, context: Context) -> list[ReferralSubmitted | To]:
    complete = completed(packet, context.circumstances, command.contact_faults)
    refuse_second(command.referral_id, context)
    drafted, key = context.referral.offer, context.case_key
    agency = drafted.agency if drafted is not None else acts_for(command.by)
    case_id = key.case_for(command.new_case_id)
    if complete.previous_referral is None and (previous := key.latest_in(case_id)) is not None:
        # A later referral in an open case follows on the one before it, whether or not the caller says so.
        complete = replace(complete, previous_referral=previous)
    offer = Offer(
        referral_id=command.referral_id,
        case_id=case_id,
        case_key=context.case_key_id,
        agency=agency,
        organisation=complete.to,
        programme=packet.programme,
        programme_version=context.version.version,
    )
    return [
        *disclosed(offer, complete, command.legal_basis_id, command.at),
        # A draft holds the key already; writing it again keeps the case from being closed in the same moment.
        To(
            case_key_stream(offer.case_key),
            CaseKeyTaken(referral_id=command.referral_id, case_id=case_id, submitted=True),
        ),
        # A draft has recorded it already, and has kept every other programme out since.
        *((referred(offer, packet.client_ref),) if drafted is None else ()),
        submitted(offer, complete, command.legal_basis_id, command.at, context),
    ]


def disclosed(offer: Offer, packet: CompletePacket, legal_basis_id: str, at: datetime) -> list[To]:
    """The legal basis of an offer, and that the offer relies on it."""
    stream = legal_basis_stream(legal_basis_id)
    recorded = LegalBasisRecorded(
        legal_basis_id=legal_basis_id,
        offer=offer,
        at=at,
        by=offer.agency,
        client_ref=packet.client_ref,
        given=packet.legal_basis,
    )
    relied_on = LegalBasisReliedOn(
        legal_basis_id=legal_basis_id,
        referral_id=offer.referral_id,
        recipient=packet.to,
        purpose=Reliance.SUBMIT.value,
        at=at,
    )
    return [To(stream, recorded), To(stream, relied_on)]


def submitted(
    offer: Offer, packet: CompletePacket, legal_basis_id: str, at: datetime, context: Context
) -> ReferralSubmitted:
    """The offer is made, and its clocks start."""
    return ReferralSubmitted(
        offer=offer,
        at=at,
        by=offer.agency,
        deadlines=terms_of_an_offer(context, at),
        packet=packet,
        legal_basis_id=legal_basis_id,
    )


def terms_of_an_offer(context: Context, at: datetime) -> tuple[Deadline, ...]:
    """The deadlines that start with an offer."""
    started = (DeadlineName.RECEIPT, DeadlineName.DECISION, DeadlineName.EXPIRY)
    return tuple(context.deadline(name.value, at) for name in started)
