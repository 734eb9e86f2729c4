"""What others get of the events of broadcasts and of their offers: the agency under the case, each organisation apart.

An organisation learns of an anonymous offer neither the case nor the pseudonym, nor who else was asked.
"""

from __future__ import annotations

from typing import Any, Final, TypedDict, assert_never

from contracts import broadcast as messages
from contracts import packet as parts
from contracts.message import ActorRef, Message
from services.chassis.delivery.translation import (
    published_actor,
    published_deadline,
    published_deadlines,
    published_receivers,
)
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor
from services.referral.domain.answering import ReferralAccepted, ReferralDeclined, ReferralReceived
from services.referral.domain.broadcast import (
    BroadcastEnded,
    BroadcastOpened,
    OfferForgotten,
    OfferMoved,
    OfferNoted,
    OfferWon,
)
from services.referral.domain.deadlines import DeadlineMissed, ReferralExpired
from services.referral.domain.ending import AccessEnded, ReferralCompleted, ReferralWithdrawn
from services.referral.domain.entered_in_error import ErrorReported, ReferralEnteredInError
from services.referral.domain.information import InformationProvided, InformationRequested
from services.referral.domain.ladder import DeadlineEscalated, WaitlistAlerted
from services.referral.domain.legal_basis import LegalBasisWithdrawn
from services.referral.domain.offer import Offer, PartEnds
from services.referral.domain.packet import CompletePacket
from services.referral.domain.reminders import DeadlineReminded
from services.referral.domain.submission import ReferralSubmitted
from services.referral.domain.waiting_list import ReferralWaitlisted
from services.referral.packet_parts import legal_basis_ref, packet_parts

SOMEBODY_ELSE: Final = Actor(sub="referral-service", role="SYSTEM", org="caserelay")
"""Who acted, for an organisation that is not to know who did."""


def actor_for_offer(actor: Actor, offer: Offer) -> Actor:
    """Who acted, as the organisation of an anonymous offer is told: not who it is that won another one."""
    return actor if actor.org in (offer.agency, offer.organisation) else SOMEBODY_ELSE


class _Case(TypedDict):
    case: str
    actor: ActorRef
    occurred_at: Any
    recorded_at: Any
    digest: str
    broadcast: str
    agency: str
    programme: str
    programme_version: int


OfCase = BroadcastOpened | OfferMoved | OfferNoted | OfferWon | BroadcastEnded


def of_broadcast(event: OfCase, recorded: Recorded) -> messages.BroadcastMessage:
    """The message of an event of a broadcast."""
    whose, meta = event.whose, recorded.meta
    common = _Case(
        case=whose.case_id,
        actor=published_actor(meta.actor),
        occurred_at=meta.occurred_at,
        recorded_at=meta.recorded_at,
        digest=recorded.digest,
        broadcast=whose.broadcast_id,
        agency=whose.agency,
        programme=whose.programme,
        programme_version=whose.programme_version,
    )
    match event:
        case BroadcastOpened():
            return _opened(event, common)
        case OfferMoved() | OfferNoted():
            return messages.OfferAnswered(
                **common,
                referral=event.referral_id,
                organisation=event.organisation,
                event=event.event,
                state=event.state,
                codes=list(event.codes),
                due_at=event.due_at,
                expected_by=event.expected_by,
                level=event.level or None,
                notified=published_receivers(event.notified),
            )
        case OfferWon():
            return messages.OfferWon(
                **common,
                referral=event.referral_id,
                organisation=event.organisation,
                why=event.why,
                client_ref=event.client_ref,
                previous_referral=event.previous_referral,
                recommended_mentor_kind=event.recommended_mentor_kind,
                legal_basis=legal_basis_ref(event.legal_basis_id, event.given),
                deadlines=published_deadlines(event.deadlines),
            )
        case BroadcastEnded():
            return messages.BroadcastEnded(**common, state=event.state, reason=event.reason)
        case _:
            assert_never(event)


def _opened(event: BroadcastOpened, common: _Case) -> messages.BroadcastOpened:
    packet = event.packet
    choice = packet.participation_choice
    assert choice is not None  # noqa: S101 - the packets were complete
    return messages.BroadcastOpened(
        **common,
        offers=[
            messages.OfferedTo(
                organisation=offer.organisation, referral=offer.referral_id, legal_basis=offer.legal_basis_id
            )
            for offer in event.offers
        ],
        client_ref=packet.client_ref,
        previous_referral=packet.previous_referral,
        support_needs=list(packet.support_needs),
        why_mentoring=packet.why_mentoring or "",
        alternative_considered=packet.alternative_considered or "",
        recommended_mentor_kind=packet.recommended_mentor_kind,
        eligibility=packet.eligibility,
        participation_choice=parts.ParticipationChoice(
            chosen_at=choice.chosen_at, method=choice.method, language=choice.language
        ),
        legal_basis=event.consent.kind,
        deadlines=published_deadlines(event.deadlines),
    )


class _Offer(TypedDict):
    broadcast: str
    actor: ActorRef
    occurred_at: Any
    recorded_at: Any
    digest: str
    referral: str
    agency: str
    organisation: str
    programme: str
    programme_version: int


OfOffer = (
    ReferralSubmitted
    | ReferralReceived
    | InformationRequested
    | InformationProvided
    | ReferralWaitlisted
    | ReferralAccepted
    | ReferralDeclined
    | ReferralWithdrawn
    | ReferralExpired
    | ReferralCompleted
    | ErrorReported
    | ReferralEnteredInError
    | DeadlineMissed
    | DeadlineEscalated
    | WaitlistAlerted
    | DeadlineReminded
    | LegalBasisWithdrawn
    | AccessEnded
)
"""What may happen to an offer, and concerns its organisation."""


def of_offer(event: OfOffer, broadcast: str, recorded: Recorded) -> Message:
    """The message of an event of an anonymous offer."""
    offer, meta = event.offer, recorded.meta
    common = _Offer(
        broadcast=broadcast,
        actor=published_actor(actor_for_offer(meta.actor, offer)),
        occurred_at=meta.occurred_at,
        recorded_at=meta.recorded_at,
        digest=recorded.digest,
        referral=offer.referral_id,
        agency=offer.agency,
        organisation=offer.organisation or "",
        programme=offer.programme,
        programme_version=offer.programme_version,
    )
    if isinstance(event, ReferralSubmitted):
        return _made(event, event.packet, common)
    return _moved(event, common)


def of_forgotten(event: OfferForgotten, recorded: Recorded) -> Message:
    """The message of the end of what the one who won reads of its offer."""
    whose, meta = event.whose, recorded.meta
    return messages.OfferMoved(
        broadcast=whose.broadcast_id,
        actor=published_actor(meta.actor),
        occurred_at=meta.occurred_at,
        recorded_at=meta.recorded_at,
        digest=recorded.digest,
        referral=event.referral_id,
        agency=whose.agency,
        organisation=event.organisation,
        programme=whose.programme,
        programme_version=whose.programme_version,
        event=event.event,
    )


def _made(event: ReferralSubmitted, packet: CompletePacket, common: _Offer) -> messages.OfferMade:
    return messages.OfferMade(
        **common,
        **packet_parts(event, packet),
    )


def _moved(event: OfOffer, common: _Offer) -> messages.OfferMoved:
    if isinstance(event, LegalBasisWithdrawn):
        return messages.OfferMoved(**common, event="LegalBasisWithdrawn")
    if isinstance(event, DeadlineReminded | DeadlineMissed | DeadlineEscalated | WaitlistAlerted):
        return _of_a_term(event, common)
    if isinstance(event, PartEnds):
        return _ended(event, common)
    running = published_deadlines(event.deadlines)
    match event:
        case ReferralReceived():
            return messages.OfferMoved(**common, event="ReferralReceived", state="RECEIVED", deadlines=running)
        case InformationRequested():
            codes = list(event.codes)
            return messages.OfferMoved(
                **common, event="InformationRequested", state="INFO_REQUESTED", codes=codes, deadlines=running
            )
        case InformationProvided():
            codes = [answer.code for answer in event.answers]
            return messages.OfferMoved(
                **common, event="InformationProvided", state="RECEIVED", codes=codes, deadlines=running
            )
        case ReferralWaitlisted():
            return messages.OfferMoved(
                **common,
                event="ReferralWaitlisted",
                state="WAITLISTED",
                reason=event.reason,
                expected_by=event.expected_by,
                deadlines=running,
            )
        case ErrorReported():
            return messages.OfferMoved(**common, event="ErrorReported", deadlines=running)
        case AccessEnded():
            return messages.OfferMoved(**common, event="NgoAccessExpired")
        case _:
            raise TypeError(f"{type(event).__name__} never happens to an anonymous offer")


_OfTerm = DeadlineReminded | DeadlineMissed | DeadlineEscalated | WaitlistAlerted


def _of_a_term(event: _OfTerm, common: _Offer) -> messages.OfferMoved:
    level, receivers = event.level or None, published_receivers(event.notified)
    if isinstance(event, WaitlistAlerted):
        # Whether anything else was offered meanwhile would say that others were asked.
        return messages.OfferMoved(
            **common, event="WaitlistAlerted", expected_by=event.expected_by, level=level, notified=receivers
        )
    if isinstance(event, DeadlineEscalated):
        return messages.OfferMoved(
            **common,
            event="DeadlineEscalated",
            codes=[event.deadline],
            due_at=event.due_at,
            awaited=event.awaited,
            level=level,
            notified=receivers,
        )
    due = event.deadline
    return messages.OfferMoved(
        **common,
        event="DeadlineMissed" if isinstance(event, DeadlineMissed) else "DeadlineReminded",
        codes=[due.name],
        due_at=due.due_at,
        awaited=event.awaited,
        deadlines=published_deadlines(event.deadlines) if isinstance(event, DeadlineMissed) else [],
        level=level,
        notified=receivers,
    )


def _ended(event: PartEnds, common: _Offer) -> messages.OfferMoved:
    access = None if event.access is None else published_deadline(event.access)
    match event:
        case ReferralDeclined():
            return messages.OfferMoved(
                **common,
                event="ReferralDeclined",
                state="DECLINED",
                reason=event.reason,
                suggestion=event.suggestion_ref,
                access=access,
            )
        case ReferralWithdrawn():
            return messages.OfferMoved(
                **common, event="ReferralWithdrawn", state="WITHDRAWN", reason=event.reason, access=access
            )
        case ReferralExpired():
            return messages.OfferMoved(
                **common,
                event="ReferralExpired",
                state="EXPIRED",
                awaited=event.last_actor,
                access=access,
                level=event.level or None,
                notified=published_receivers(event.notified),
            )
        case ReferralEnteredInError():
            return messages.OfferMoved(
                **common, event="ReferralEnteredInError", state="ENTERED_IN_ERROR", access=access
            )
        case _:
            raise TypeError(f"{type(event).__name__} never ends an anonymous offer")
