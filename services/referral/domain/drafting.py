"""A referral as a draft: only its agency knows of it, and it lapses when nobody submits it."""

from __future__ import annotations

from contracts.codes import DeadlineName, ReferralState
from contracts.identifiers import is_one_person
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.case_key import CaseKeyTaken, case_key_stream
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.live_referral import referred, refuse_if_recorded, refuse_second
from services.referral.domain.offer import Offer, OfReferral, acts_for
from services.referral.domain.packet import Packet, wrong_in_draft


class CreateDraft(ReferralCommand, frozen=True, kw_only=True):
    """Start a referral. `new_case_id` is used where the person has no open case in the programme.

    `contact_faults` are the faults of the contact data, which the command does not carry.
    """

    packet: Packet
    new_case_id: str
    contact_faults: tuple[Fault, ...] = ()


class EditDraft(ReferralCommand, frozen=True, kw_only=True):
    """Replace the draft's packet by `packet`: the old one with the changes already merged into it.

    `contact_faults` as in CreateDraft.
    """

    packet: Packet
    contact_faults: tuple[Fault, ...] = ()


class ReferralDrafted(OfReferral, frozen=True, kw_only=True):
    """A draft was started."""

    packet: Packet


class DraftEdited(OfReferral, frozen=True, kw_only=True):
    """The draft's packet is now this one."""

    packet: Packet


def create(command: CreateDraft, context: Context) -> list[ReferralDrafted | To]:
    """Starts a draft, which holds the case key like any live referral."""
    referral, packet = context.referral, command.packet
    if referral.state is ReferralState.DRAFT and referral.packet == packet:
        return []
    refuse_if_recorded(command.referral_id, context)
    if faults := [*wrong_in_draft(packet, context.circumstances), *command.contact_faults]:
        raise Refused.input(*faults)
    refuse_second(command.referral_id, context)
    agency = acts_for(command.by)
    offer = Offer(
        referral_id=command.referral_id,
        case_id=context.case_key.case_for(command.new_case_id),
        case_key=context.case_key_id,
        agency=agency,
        organisation=None,
        programme=packet.programme,
        programme_version=context.version.version,
    )
    lapse = context.deadline(DeadlineName.DRAFT_LAPSE.value, command.at)
    return [
        ReferralDrafted(offer=offer, at=command.at, by=agency, deadlines=(lapse,), packet=packet),
        To(case_key_stream(offer.case_key), CaseKeyTaken(referral_id=command.referral_id, case_id=offer.case_id)),
        referred(offer, packet.client_ref),
    ]


def edit(command: EditDraft, context: Context) -> list[DraftEdited]:
    """Changes a draft. The person and the programme are its identity and stay; its term runs on."""
    allow("edit", context, command.by)
    referral, packet = context.referral, command.packet
    if referral.packet == packet:
        return []
    faults = [*wrong_in_draft(packet, context.circumstances), *command.contact_faults]
    drafted = referral.packet
    for pointer, kept in (
        ("/programme", drafted is None or packet.programme == drafted.programme),
        ("/client/ref", drafted is None or is_one_person(packet.client_ref, drafted.client_ref)),
    ):
        if not kept:
            detail = "a draft keeps its person and programme; withdraw it and start a new one"
            faults.append(Fault(pointer, "FIXED_BY_DRAFT", detail))
    if faults:
        raise Refused.input(*faults)
    return [
        DraftEdited(
            offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=referral.running, packet=packet
        )
    ]
