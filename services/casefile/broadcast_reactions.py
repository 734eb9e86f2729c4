"""What casefile does when the referral service tells of offers to several organisations: it becomes a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from contracts import broadcast
from contracts.message import Message
from services.casefile.domain.broadcast import (
    OfferedTo,
    TakeBroadcast,
    TakeBroadcastEnd,
    TakeOfferAnswer,
    TakeOfferWon,
)
from services.casefile.domain.opening import LegalBasisRecorded, ParticipationChosen, TakeSubmission
from services.casefile.domain.referral_entry import ReferralMessage
from services.casefile.domain.steps import Party
from services.chassis.delivery.translation import actor_of, deadline_of, receivers_of
from services.chassis.modelling.decider import Command
from services.chassis.modelling.delivery import Delivery

OfSeveral = broadcast.BroadcastOpened | broadcast.OfferAnswered | broadcast.OfferWon | broadcast.BroadcastEnded


def when_a_broadcast_opens_open_or_refer_the_case(
    message: broadcast.BroadcastOpened, delivery: Delivery
) -> TakeBroadcast:
    """Offers to several open or refer the case like one to a single organisation."""
    choice = message.participation_choice
    submission = TakeSubmission(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry_of_several(message, delivery, message.broadcast),
        case=message.case,
        client_ref=message.client_ref,
        previous_referral=message.previous_referral,
        recommended_mentor_kind=message.recommended_mentor_kind,
        eligibility=message.eligibility,
        participation=ParticipationChosen(chosen_at=choice.chosen_at, method=choice.method, language=choice.language),
        # Whose it becomes is known once one has won.
        legal_basis=LegalBasisRecorded(
            legal_basis="",
            kind=message.legal_basis,
            recipient="",
            text_version="",
            language="",
            given_at=choice.chosen_at,
        ),
        deadlines=tuple(map(deadline_of, message.deadlines)),
        support_needs=tuple(message.support_needs),
        why_mentoring=message.why_mentoring,
        alternative_considered=message.alternative_considered,
    )
    return TakeBroadcast(
        at=delivery.at,
        by=submission.by,
        submission=submission,
        offers=tuple(
            OfferedTo(organisation=offer.organisation, referral=offer.referral, legal_basis=offer.legal_basis)
            for offer in message.offers
        ),
    )


def when_an_offer_is_answered_note_it(message: broadcast.OfferAnswered, delivery: Delivery) -> TakeOfferAnswer:
    """The history says who was asked when, and who answered what."""
    noted = _entry_of_several(message, delivery, message.referral, message.organisation, *message.codes)
    noted = replace(
        noted, expected_by=message.expected_by, level=message.level, notified=receivers_of(message.notified)
    )
    return TakeOfferAnswer(at=delivery.at, by=actor_of(message.actor), message=noted, due_at=message.due_at)


def when_an_offer_is_won_refer_the_case_to_the_winner(message: broadcast.OfferWon, delivery: Delivery) -> TakeOfferWon:
    """From now on the referral is the case's; its acceptance follows."""
    basis = message.legal_basis
    return TakeOfferWon(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry_of_several(message, delivery, message.referral, message.organisation),
        broadcast=message.broadcast,
        previous_referral=message.previous_referral,
        recommended_mentor_kind=message.recommended_mentor_kind,
        legal_basis=LegalBasisRecorded(
            legal_basis=basis.id,
            kind=basis.kind,
            recipient=basis.recipient,
            text_version=basis.text_version,
            language=basis.language,
            given_at=basis.given_at,
        ),
        deadlines=tuple(map(deadline_of, message.deadlines)),
    )


def when_a_broadcast_ends_return_the_case(message: broadcast.BroadcastEnded, delivery: Delivery) -> TakeBroadcastEnd:
    """Nobody won; the lead decides again."""
    codes = (message.reason,) if message.reason is not None else ()
    return TakeBroadcastEnd(
        at=delivery.at,
        by=actor_of(message.actor),
        message=_entry_of_several(message, delivery, message.broadcast, "", *codes),
        broadcast=message.broadcast,
    )


def _entry_of_several(
    message: OfSeveral, delivery: Delivery, referral_id: str, organisation: str = "", *codes: str
) -> ReferralMessage:
    return ReferralMessage(
        name=message.NAME if not isinstance(message, broadcast.OfferAnswered) else message.event,
        referral=referral_id,
        agency=message.agency,
        organisation=organisation,
        programme=message.programme,
        programme_version=message.programme_version,
        source_position=delivery.source_position,
        source_event_id=delivery.source_event_id,
        digest=message.digest,
        occurred_at=message.occurred_at,
        recorded_at=message.recorded_at,
        actor=Party(role=message.actor.role, org=message.actor.org, sub=message.actor.sub),
        codes=codes,
    )


OF_SEVERAL: Final[dict[type[Message], Callable[[Any, Delivery], Command]]] = {
    broadcast.BroadcastOpened: when_a_broadcast_opens_open_or_refer_the_case,
    broadcast.OfferAnswered: when_an_offer_is_answered_note_it,
    broadcast.OfferWon: when_an_offer_is_won_refer_the_case_to_the_winner,
    broadcast.BroadcastEnded: when_a_broadcast_ends_return_the_case,
}
"""The messages about offers to several organisations."""
