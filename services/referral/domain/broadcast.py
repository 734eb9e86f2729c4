"""A broadcast: offers of one person to several organisations at once, of which one may win; and what became of each.

Every move of an offer is written here too, in the same transaction. So of two organisations that accept at once one
finds that the other was first, and the record of the allocation is in one place: who was asked when, who answered
what, and why one won.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal, assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from contracts.broadcast_codes import AllocationRule, BroadcastState
from contracts.codes import ReferralState
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Entity, Event
from services.chassis.modelling.ladder import Receiver
from services.referral.domain.legal_basis import LegalBasisGiven
from services.referral.domain.offer import Offer
from services.referral.domain.packet import Packet
from services.referral.domain.referral_state import TERMINAL

OfferMove = Literal[
    "ReferralSubmitted",
    "ReferralReceived",
    "InformationRequested",
    "InformationProvided",
    "ReferralWaitlisted",
    "WaitingCorrected",
    "ReferralAccepted",
    "ReferralDeclined",
    "ReferralWithdrawn",
    "ReferralExpired",
    "ErrorReported",
    "ReferralEnteredInError",
    "DeadlineReminded",
    "DeadlineMissed",
    "DeadlineEscalated",
    "WaitlistAlerted",
]
"""What may happen to an offer, by the name of the event in its own stream."""


def broadcast_stream(broadcast_id: str) -> str:
    """The stream of one broadcast."""
    return f"broadcast-{broadcast_id}"


class OfferTo(Struct, frozen=True, kw_only=True):
    """One of the offers: to whom, by which referral, on which legal basis."""

    organisation: str
    referral_id: str
    legal_basis_id: str


class Consent(Struct, frozen=True, kw_only=True):
    """The legal basis for sharing with all of them, as the counsellor recorded it."""

    kind: str
    text_version: str
    language: str
    given_at: datetime

    def to(self, organisation: str) -> LegalBasisGiven:
        """The part of it that is about one of them."""
        return LegalBasisGiven(
            kind=self.kind,
            recipient=organisation,
            text_version=self.text_version,
            language=self.language,
            given_at=self.given_at,
        )


class Whose(Struct, frozen=True, kw_only=True):
    """What every event of a broadcast repeats, so that it can be published without another look-up."""

    broadcast_id: str
    case_id: str
    case_key: str
    agency: str
    programme: str
    programme_version: int


class OfBroadcast(Event, frozen=True, kw_only=True):
    """What all events of a broadcast have in common; `by` is the organisation that acted."""

    whose: Whose
    at: datetime
    by: str


class BroadcastOpened(OfBroadcast, frozen=True, kw_only=True):
    """The person was offered to several. `packet` is that of every offer, but for the addressee and its legal basis."""

    packet: Packet
    consent: Consent
    offers: tuple[OfferTo, ...]
    deadlines: tuple[Deadline, ...]


class OfferMoved(OfBroadcast, frozen=True, kw_only=True):
    """An offer was made or answered, or ended: `event` is that in its own stream, `state` its state then."""

    referral_id: str
    organisation: str
    event: OfferMove
    state: str
    codes: tuple[str, ...] = ()
    expected_by: date | None = None
    due_at: datetime | None = None
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET


class OfferNoted(OfferMoved, frozen=True, kw_only=True):
    """Something happened to an offer that moves it nowhere, such as a reminder; so the broadcast's ETag stays."""

    BYSTANDER: ClassVar[bool] = True


class OfferWon(OfBroadcast, frozen=True, kw_only=True):
    """An organisation won: by which rule, on which legal basis, and whose offer it was."""

    referral_id: str
    organisation: str
    why: str
    client_ref: str
    previous_referral: str | None
    recommended_mentor_kind: str | None
    legal_basis_id: str
    given: LegalBasisGiven
    deadlines: tuple[Deadline, ...]


class BroadcastEnded(OfBroadcast, frozen=True, kw_only=True):
    """The last offer ended without a winner; `reason` is that of the withdrawal of all, `text_ref` its text."""

    state: str
    reason: str | None = None
    text_ref: str | None = None


class OfferForgotten(OfBroadcast, frozen=True, kw_only=True):
    """The one who won reads nothing more of the case, and so nothing more of its offer: by which `event`."""

    BYSTANDER: ClassVar[bool] = True
    referral_id: str
    organisation: str
    event: Literal["LegalBasisWithdrawn", "NgoAccessExpired"]


class Answer(Struct, frozen=True, kw_only=True):
    """What happened to an offer: by the name of the event, when, and what was given as codes."""

    event: OfferMove
    at: datetime
    codes: tuple[str, ...] = ()


class Standing(Struct, frozen=True, kw_only=True):
    """One offer as it stands, and all that happened to it."""

    to: OfferTo
    state: ReferralState
    offered_at: datetime
    answers: tuple[Answer, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it can still be answered."""
        return self.state not in TERMINAL and self.state is not ReferralState.ACCEPTED


class Broadcast(Struct, frozen=True, kw_only=True):
    """The offers and where they stand; `state` is None as long as nothing is recorded."""

    state: BroadcastState | None = None
    whose: Whose | None = None
    packet: Packet | None = None
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    offers: tuple[Standing, ...] = ()
    winner: str | None = None
    why: str | None = None
    reason: str | None = None
    text_ref: str | None = None

    @property
    def open_offers(self) -> tuple[Standing, ...]:
        """The offers that can still be answered."""
        return tuple(offer for offer in self.offers if offer.open)

    def offer(self, standing: Standing, version: int) -> Offer:
        """An offer as its own stream has it, under a version of the programme."""
        assert self.whose is not None  # noqa: S101 - it has offers
        return Offer(
            referral_id=standing.to.referral_id,
            case_id=self.whose.case_id,
            case_key=self.whose.case_key,
            agency=self.whose.agency,
            organisation=standing.to.organisation,
            programme=self.whose.programme,
            programme_version=version,
            broadcast=self.whose.broadcast_id,
        )


BroadcastEvent = BroadcastOpened | OfferMoved | OfferNoted | OfferWon | BroadcastEnded | OfferForgotten
"""Every event of a broadcast's own stream."""


def evolve(broadcast: Broadcast, event: BroadcastEvent) -> Broadcast:
    """The broadcast after one more event."""
    match event:
        case BroadcastOpened():
            return replace(
                broadcast,
                state=BroadcastState.OPEN,
                whose=event.whose,
                packet=event.packet,
                opened_at=event.at,
                offers=tuple(
                    Standing(to=offer, state=ReferralState.SUBMITTED, offered_at=event.at) for offer in event.offers
                ),
            )
        case OfferNoted() | OfferForgotten():
            return broadcast
        case OfferMoved():
            return replace(broadcast, offers=tuple(_after(offer, event) for offer in broadcast.offers))
        case OfferWon():
            return replace(
                broadcast,
                state=BroadcastState.WON,
                winner=event.organisation,
                why=AllocationRule(event.why).value,
                ended_at=event.at,
            )
        case BroadcastEnded():
            return replace(
                broadcast,
                state=BroadcastState(event.state),
                reason=event.reason,
                text_ref=event.text_ref,
                ended_at=event.at,
            )
        case _:
            assert_never(event)


def _after(offer: Standing, event: OfferMoved) -> Standing:
    if offer.to.referral_id != event.referral_id:
        return offer
    answer = Answer(event=event.event, at=event.at, codes=event.codes)
    return replace(offer, state=ReferralState(event.state), answers=(*offer.answers, answer))


BROADCAST: Entity[Broadcast] = Entity(Broadcast(), evolve)
