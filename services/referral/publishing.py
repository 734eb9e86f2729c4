"""What others get of each private event: a message with the fields that concern them, and none where nothing does."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, assert_never

from msgspec import UNSET

from contracts import referral as messages
from contracts.acts_by_link import ActByLinkAnswered
from contracts.code_lists import sectors
from contracts.letters import MenteesLetterPosted
from contracts.message import ActorRef, Deadline, Message
from contracts.programme_parameters import ProgrammeParameters, Term
from services.chassis.deciding.idempotency import KeyRefused, KeyUsed
from services.chassis.delivery.translation import (
    published_actor,
    published_deadline,
    published_deadlines,
    published_levels,
    published_pauses,
    published_receivers,
)
from services.chassis.log.metadata import Recorded
from services.chassis.mail.postbox import LetterPosted, LetterTaken
from services.referral.domain.answering import ReferralAccepted, ReferralDeclined, ReferralReceived
from services.referral.domain.broadcast import (
    BroadcastEnded,
    BroadcastOpened,
    OfferForgotten,
    OfferMoved,
    OfferNoted,
    OfferWon,
)
from services.referral.domain.by_link import ActByLinkNoted
from services.referral.domain.case_key import CaseEnded, CaseKeyReleased, CaseKeyTaken, CaseResumed
from services.referral.domain.corrected_wait import WaitingCorrected
from services.referral.domain.deadlines import DeadlineMissed, ReferralExpired
from services.referral.domain.disclosure import ContactDisclosed, DisclosureRefused, IdentityRevealed, RefusalNoted
from services.referral.domain.drafting import DraftEdited, ReferralDrafted
from services.referral.domain.ending import AccessEnded, ReferralCompleted, ReferralWithdrawn
from services.referral.domain.entered_in_error import ErrorReported, ReferralEnteredInError
from services.referral.domain.information import InformationProvided, InformationRequested
from services.referral.domain.ladder import DeadlineEscalated, WaitlistAlerted
from services.referral.domain.legal_basis import (
    LegalBasisRecorded,
    LegalBasisReliedOn,
    LegalBasisWithdrawn,
)
from services.referral.domain.offer import Offer, PartEnds
from services.referral.domain.organisation import CapacityReleased, CapacityTaken, OrganisationDescribed
from services.referral.domain.person import PersonReferred
from services.referral.domain.programme import ProgrammeVersionPublished
from services.referral.domain.reminders import DeadlineReminded
from services.referral.domain.submission import ReferralSubmitted
from services.referral.domain.waiting_list import ReferralWaitlisted
from services.referral.events import Event
from services.referral.offer_messages import of_broadcast, of_forgotten, of_offer
from services.referral.packet_parts import packet_parts


def publish(recorded: Recorded) -> tuple[str, Message] | None:
    """The case, organisation or programme and the message of an event; None where it concerns nobody outside."""
    event: Event = recorded.event
    match event:
        case OrganisationDescribed():
            return event.organisation, _organisation(event)
        case ProgrammeVersionPublished():
            return event.programme, _programme(event)
        case ActByLinkNoted():
            return event.case, ActByLinkAnswered(
                link=event.link, case=event.case, referral=event.referral, act=event.action, refusal=event.refusal
            )
        case LetterPosted():
            return event.addressee, MenteesLetterPosted(
                letter=event.letter,
                number=event.number,
                case=event.addressee,
                result=event.result,
                language=event.language,
                secret=event.secret,
                at=event.at,
            )
        case (
            LetterTaken()
            | ReferralDrafted()
            | DraftEdited()
            | WaitingCorrected()
            | ContactDisclosed()
            | RefusalNoted()
            | LegalBasisRecorded()
            | LegalBasisReliedOn()
            | CaseKeyTaken()
            | CaseKeyReleased()
            | CaseEnded()
            | CaseResumed()
            | PersonReferred()
            | CapacityTaken()
            | CapacityReleased()
            | KeyUsed()
            | KeyRefused()
        ):
            return None
        case BroadcastOpened() | OfferMoved() | OfferNoted() | OfferWon() | BroadcastEnded():
            return event.whose.case_id, of_broadcast(event, recorded)
        case DisclosureRefused():
            # To the agency, under the case, also of an anonymous offer: the organisation is told nothing of it.
            return event.offer.case_id, _refused(event, recorded)
        case IdentityRevealed():
            common = _common(event.offer, event.offer.organisation or "", recorded)
            return event.offer.case_id, messages.IdentityRevealed(**common, legal_basis=event.legal_basis_id)
        case OfferForgotten():
            return event.whose.broadcast_id, of_forgotten(event, recorded)
        case _ if (broadcast := event.offer.broadcast) is not UNSET:
            return broadcast, of_offer(event, broadcast, recorded)
        case AccessEnded():
            return None
        case _:
            offer = event.offer
            # A draft is an offer to nobody yet: neither it nor its end concerns anybody else.
            if offer.organisation is None:
                return None
            return offer.case_id, _of_referral(event, _common(offer, offer.organisation, recorded))


class _Common(TypedDict):
    case: str
    actor: ActorRef
    occurred_at: datetime
    recorded_at: datetime
    digest: str
    referral: str
    agency: str
    organisation: str
    programme: str
    programme_version: int


def _common(offer: Offer, organisation: str, recorded: Recorded) -> _Common:
    meta = recorded.meta
    return _Common(
        case=offer.case_id,
        actor=published_actor(meta.actor),
        occurred_at=meta.occurred_at,
        recorded_at=meta.recorded_at,
        digest=recorded.digest,
        referral=offer.referral_id,
        agency=offer.agency,
        organisation=organisation,
        programme=offer.programme,
        programme_version=offer.programme_version,
    )


_Published = (
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
)
"""What concerns the other party of a referral."""


def _of_referral(event: _Published, common: _Common) -> messages.ReferralMessage:
    match event:
        case ReferralSubmitted():
            return _submitted(event, common)
        case ReferralReceived():
            return messages.ReferralReceived(**common)
        case InformationRequested():
            running = published_deadlines(event.deadlines)
            return messages.InformationRequested(
                **common, codes=list(event.codes), deadlines=running, paused=published_pauses(event.paused)
            )
        case InformationProvided():
            running = published_deadlines(event.deadlines)
            answered = [answer.code for answer in event.answers]
            return messages.InformationProvided(**common, codes=answered, deadlines=running)
        case ReferralWaitlisted():
            return messages.ReferralWaitlisted(
                **common,
                reason=event.reason,
                since=event.since,
                expected_by=event.expected_by,
                deadlines=published_deadlines(event.deadlines),
            )
        case ReferralAccepted():
            return messages.ReferralAccepted(**common, coordinator=event.coordinator)
        case ReferralDeclined():
            return messages.ReferralDeclined(
                **common,
                reason=event.reason,
                re_referable=event.re_referable,
                suggestion=event.suggestion_ref,
                agency_action=event.agency_action,
                access=_access(event),
            )
        case ReferralWithdrawn():
            return messages.ReferralWithdrawn(**common, reason=event.reason, access=_access(event))
        case ReferralExpired():
            return messages.ReferralExpired(
                **common,
                last_actor=event.last_actor,
                access=_access(event),
                level=event.level or None,
                notified=published_receivers(event.notified),
            )
        case ReferralCompleted():
            return messages.ReferralCompleted(**common, closure=event.closure, loop_closed_at=event.loop_closed_at)
        case ErrorReported():
            return messages.ErrorReported(**common)
        case ReferralEnteredInError():
            return messages.ReferralEnteredInError(**common, access=_access(event))
        case LegalBasisWithdrawn():
            return messages.LegalBasisWithdrawn(
                **common, legal_basis=event.legal_basis_id, withdrawn_at=event.withdrawn_at
            )
        case DeadlineReminded() | DeadlineMissed() | DeadlineEscalated() | WaitlistAlerted():
            return _of_a_term(event, common)
        case _:
            assert_never(event)


_OfTerm = DeadlineReminded | DeadlineMissed | DeadlineEscalated | WaitlistAlerted


def _of_a_term(event: _OfTerm, common: _Common) -> messages.ReferralMessage:
    receivers = published_receivers(event.notified)
    match event:
        case DeadlineReminded():
            return messages.ReferralDeadlineReminded(
                **common,
                deadline=event.deadline.name,
                due_at=event.deadline.due_at,
                awaited=event.awaited,
                level=event.level or None,
                notified=receivers,
            )
        case DeadlineMissed():
            own = next(
                (late for late in event.late or () if late.is_of(event.deadline.name, event.deadline.due_at)), None
            )
            return messages.ReferralDeadlineMissed(
                **common,
                deadline=event.deadline.name,
                due_at=event.deadline.due_at,
                awaited=event.awaited,
                deadlines=published_deadlines(event.deadlines),
                level=event.level or None,
                notified=receivers,
                to_come=published_levels(own.to_come if own is not None else ()),
            )
        case DeadlineEscalated():
            return messages.ReferralDeadlineEscalated(
                **common,
                deadline=event.deadline,
                due_at=event.due_at,
                awaited=event.awaited,
                level=event.level,
                notified=receivers,
            )
        case WaitlistAlerted():
            return messages.WaitlistAlerted(
                **common,
                since=event.since,
                expected_by=event.expected_by,
                considered=event.considered,
                alternative_offered=event.alternative_offered,
                level=event.level,
                notified=receivers,
            )


def _refused(event: DisclosureRefused, recorded: Recorded) -> messages.ReferralDisclosureRefused:
    common = _common(event.offer, event.offer.organisation or "", recorded)
    return messages.ReferralDisclosureRefused(**common, legal_basis=event.legal_basis_id, attempt=event.attempt)


def _submitted(event: ReferralSubmitted, common: _Common) -> messages.ReferralSubmitted:
    packet = event.packet
    return messages.ReferralSubmitted(
        **common,
        client_ref=packet.client_ref,
        previous_referral=packet.previous_referral,
        **packet_parts(event, packet),
    )


def _access(event: PartEnds) -> Deadline | None:
    return None if event.access is None else published_deadline(event.access)


def _organisation(event: OrganisationDescribed) -> messages.OrganisationDescribed:
    described = event.description
    return messages.OrganisationDescribed(
        organisation=event.organisation,
        name=described.name,
        kind=described.kind,
        programmes=list(described.programmes),
        languages=list(described.languages),
        sectors=sectors.as_sent(described.sectors),
        suspended=described.suspended,
    )


def _programme(event: ProgrammeVersionPublished) -> messages.ProgrammeVersionPublished:
    published = event.parameters
    parameters = ProgrammeParameters(
        kind=published.kind,
        name=published.name,
        time_zone=published.time_zone,
        country=published.country,
        criteria=list(published.criteria),
        terms={name: Term(n=term.n, unit=term.unit) for name, term in published.terms.items()},
        agreement_months_max=published.agreement_months_max,
        extension_months_max=published.extension_months_max,
        meetings_per_month_min=published.meetings_per_month_min,
        information_requests_max=published.information_requests_max,
        charter_version=published.charter_version,
        arrangement_id=published.arrangement_id,
        contact_point=published.contact_point,
        region=published.region,
        closing_days=list(published.closing_days),
        ladder={level: list(receivers) for level, receivers in published.ladder.items()},
        check_in_every_days=published.check_in_every_days,
        professional_for=list(published.professional_for),
        substitution_in_case=published.substitution_in_case,
        substitution_in_month=published.substitution_in_month,
        confidentiality_version=published.confidentiality_version,
    )
    return messages.ProgrammeVersionPublished(
        programme=event.programme, version=event.version, valid_from=event.valid_from, parameters=parameters
    )
