"""Offering one person to several organisations at once, and taking all of the offers back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from contracts.broadcast_codes import BroadcastState
from contracts.codes import SYSTEM_WITHDRAW_REASONS, WithdrawReason
from services.chassis.modelling.decider import Command, Fault, Refused, To
from services.referral.domain.broadcast import (
    Broadcast,
    BroadcastEvent,
    BroadcastOpened,
    Consent,
    OfferMoved,
    OfferTo,
    Whose,
)
from services.referral.domain.case_key import CaseKeyTaken, case_key_stream
from services.referral.domain.context import Context
from services.referral.domain.live_referral import refuse_second
from services.referral.domain.offer import Offer, acts_for, referral_stream
from services.referral.domain.offer_moves import ended, withdrawn
from services.referral.domain.organisation import Organisation
from services.referral.domain.packet import Circumstances, CompletePacket, Packet, completed, faults_in
from services.referral.domain.person import PersonReferred, person_stream
from services.referral.domain.submission import disclosed, submitted, terms_of_an_offer


class OpenBroadcast(Command, frozen=True, kw_only=True):
    """Offer a person to several organisations at once, and to each by a referral of its own.

    `packet` is that of every offer; it has neither addressee nor legal basis, which `offers` and `consent` have.
    `recipients` are those whom the consent names. The rest is as in SubmitReferral.
    """

    broadcast_id: str
    packet: Packet
    offers: tuple[OfferTo, ...]
    recipients: tuple[str, ...]
    consent: Consent | None
    new_case_id: str
    contact_faults: tuple[Fault, ...] = ()


class WithdrawBroadcast(Command, frozen=True, kw_only=True):
    """Take all offers back that are still open. Free text goes with OTHER only; it is in the vault."""

    broadcast_id: str
    reason: WithdrawReason
    text_ref: str | None = None


BroadcastCommand = OpenBroadcast | WithdrawBroadcast


class BroadcastContext(Struct, frozen=True, kw_only=True):
    """What a decision on a broadcast rests on: the broadcast, the `organisations` that are offered something, by id.

    `context` is that of a new referral of the person; where offers are taken back, the terms in force are all that it
    has.
    """

    broadcast: Broadcast
    context: Context
    organisations: Mapping[str, Organisation] = {}


def decide(command: BroadcastCommand, around: BroadcastContext) -> Sequence[BroadcastEvent | To]:
    """What follows from a command on a broadcast; nothing where it is so already. Raises Refused."""
    if isinstance(command, OpenBroadcast):
        return _opened(command, around)
    return _withdrawn(command, around)


def _opened(command: OpenBroadcast, around: BroadcastContext) -> list[BroadcastEvent | To]:
    if around.broadcast.state is not None:
        return []
    context, at, by = around.context, command.at, acts_for(command.by)
    packets = _packets(command, around)
    assert command.consent is not None  # noqa: S101 - a packet without one is not complete
    refuse_second(command.broadcast_id, context)
    key = context.case_key
    case_id = key.case_for(command.new_case_id)
    whose = Whose(
        broadcast_id=command.broadcast_id,
        case_id=case_id,
        case_key=context.case_key_id,
        agency=by,
        programme=command.packet.programme,
        programme_version=context.version.version,
    )
    previous = command.packet.previous_referral or key.latest_in(case_id)
    events: list[BroadcastEvent | To] = [
        BroadcastOpened(
            whose=whose,
            at=at,
            by=by,
            packet=replace(
                command.packet,
                previous_referral=previous,
                participation_choice=packets[0].participation_choice,
            ),
            consent=replace(command.consent, given_at=packets[0].legal_basis.given_at),
            offers=command.offers,
            deadlines=terms_of_an_offer(context, at),
        )
    ]
    for offered, packet in zip(command.offers, packets, strict=True):
        events += _offer(offered, replace(packet, previous_referral=previous), whose, command, context)
    held = CaseKeyTaken(referral_id=command.broadcast_id, case_id=case_id, submitted=True, is_broadcast=True)
    entry = PersonReferred(programme=whose.programme, case_key=whose.case_key, referral_id=command.broadcast_id)
    person = person_stream(by, command.packet.client_ref)
    return [*events, To(case_key_stream(whose.case_key), held), To(person, entry)]


def _offer(
    offered: OfferTo, packet: CompletePacket, whose: Whose, command: OpenBroadcast, context: Context
) -> list[BroadcastEvent | To]:
    offer = Offer(
        referral_id=offered.referral_id,
        case_id=whose.case_id,
        case_key=whose.case_key,
        agency=whose.agency,
        organisation=offered.organisation,
        programme=whose.programme,
        programme_version=whose.programme_version,
        broadcast=whose.broadcast_id,
    )
    made = submitted(offer, packet, offered.legal_basis_id, command.at, context)
    noted = OfferMoved(
        whose=whose,
        at=command.at,
        by=whose.agency,
        referral_id=offered.referral_id,
        organisation=offered.organisation,
        event="ReferralSubmitted",
        state="SUBMITTED",
    )
    return [
        *disclosed(offer, packet, offered.legal_basis_id, command.at),
        To(referral_stream(offered.referral_id), made),
        noted,
    ]


def _packets(command: OpenBroadcast, around: BroadcastContext) -> list[CompletePacket]:
    """The packet of each offer. Raises Refused with every fault found, of whichever of them, once."""
    wanted: list[tuple[Packet, Circumstances]] = []
    faults: dict[tuple[str, str], Fault] = {}
    for place, offered in enumerate(command.offers):
        circumstances = replace(
            around.context.circumstances,
            organisation=around.organisations.get(offered.organisation, Organisation()),
        )
        basis = command.consent.to(offered.organisation) if command.consent is not None else None
        packet = replace(command.packet, to=offered.organisation, legal_basis=basis)
        wanted.append((packet, circumstances))
        for fault in faults_in(packet, circumstances, command.contact_faults):
            pointer = f"/to/{place}" if fault.pointer == "/to" else fault.pointer
            faults.setdefault((pointer, fault.code), replace(fault, pointer=pointer))
    if found := [*faults.values(), *_unnamed(command)]:
        raise Refused.input(*found)
    return [completed(packet, circumstances) for packet, circumstances in wanted]


def _unnamed(command: OpenBroadcast) -> list[Fault]:
    left = [offered.organisation for offered in command.offers if offered.organisation not in command.recipients]
    if command.consent is None or not left:
        return []
    return [
        Fault(
            "/legalBasis/recipients",
            "RECIPIENTS_MISSING",
            f"the consent has to name every organisation that the person is offered to; it lacks {', '.join(left)}",
            rests_on=("/to",),
        )
    ]


def _withdrawn(command: WithdrawBroadcast, around: BroadcastContext) -> list[BroadcastEvent | To]:
    broadcast = around.broadcast
    if broadcast.whose is None:
        raise Refused("BROADCAST_UNKNOWN", "no such broadcast")
    if broadcast.state is BroadcastState.WITHDRAWN and (broadcast.reason, broadcast.text_ref) == (
        command.reason.value,
        command.text_ref,
    ):
        return []
    if broadcast.state is not BroadcastState.OPEN:
        by = f" by {broadcast.winner}" if broadcast.winner is not None else ""
        raise Refused(
            "BROADCAST_ENDED",
            f"the broadcast is {broadcast.state}{by}; withdraw is possible while it is OPEN",
        )
    if command.reason in SYSTEM_WITHDRAW_REASONS:
        raise Refused.input(Fault("/reason", "SYSTEM_REASON", "only the system records this reason"))
    if command.text_ref is not None and command.reason is not WithdrawReason.OTHER:
        detail = "free text is allowed only with the reason OTHER"
        raise Refused.input(Fault("/text", "TEXT_ONLY_WITH_OTHER", detail, rests_on=("/reason",)))
    whose = replace(broadcast.whose, programme_version=around.context.version.version)
    by, reason = acts_for(command.by), command.reason.value
    return [
        *withdrawn(around.context, broadcast, whose, command.at, by, reason, command.text_ref),
        *ended(broadcast, whose, command.at, by, reason, command.text_ref),
    ]
