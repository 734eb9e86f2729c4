"""A referral as a draft: nobody but its agency knows of it, and it lapses when it is left lying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.codes import DeadlineName, ReferralState
from contracts.identifiers import is_one_person
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.case_key import CaseKeyTaken, case_key_stream
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.offer import Offer, ReferralEvent, acts_for
from services.referral.domain.packet import Packet, wrong_in_draft
from services.referral.domain.person import PersonReferred, person_stream


class CreateDraft(ReferralCommand, frozen=True, kw_only=True):
    """Begin a referral. `new_case_id` is used where the person has no open case in the programme.

    `contact_faults` is what is wrong with the contact data, which are not on the command.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralDrafted(ReferralEvent):
    """A draft was begun."""

    packet: Packet


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftEdited(ReferralEvent):
    """The draft's packet is now this one."""

    packet: Packet


def create(command: CreateDraft, context: Context) -> list[Any]:
    """Begins a draft, which holds the case key like any live referral."""
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


def referred(offer: Offer, client_ref: str) -> To:
    """What the person's stream is told of a referral that becomes live."""
    told = PersonReferred(programme=offer.programme, case_key=offer.case_key, referral_id=offer.referral_id)
    return To(person_stream(offer.agency, client_ref), told)


def edit(command: EditDraft, context: Context) -> list[Any]:
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
            faults.append(
                Fault(pointer, "FIXED_BY_DRAFT", "a draft keeps its person and its programme; withdraw it, begin anew")
            )
    if faults:
        raise Refused.input(*faults)
    return [
        DraftEdited(
            offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=referral.running, packet=packet
        )
    ]


def refuse_if_recorded(referral_id: str, context: Context) -> None:
    """Raises Refused where something else is recorded under the id of a new referral."""
    if context.referral.state is not None:
        raise Refused("REFERRAL_EXISTS", f"referral {referral_id} exists and is {context.referral.state}")


def refuse_second(referral_id: str, context: Context) -> None:
    """Raises Refused where another referral of the person is live, in this programme or in another of its kind."""
    if context.case_key.live not in (None, referral_id):
        raise Refused(
            "REFERRAL_LIVE",
            f"referral {context.case_key.live} of the same person and programme is live; another one is possible "
            "when it has been declined, withdrawn, expired, completed or confirmed as entered in error",
            who_can_unblock="the agency, by withdraw, or by accepting the handback once the referral is accepted",
        )
    for elsewhere in context.elsewhere:
        if (refusal := elsewhere.refusal()) is not None:
            raise refusal
