"""What the others are told of each private event. The envelope around it is the chassis' business."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypedDict

from contracts import referral as told
from contracts.code_lists import sectors
from contracts.message import ActorRef, Deadline, Message
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.deadline import Deadline as Running
from services.referral.domain import answering, correction, ending, timekeeping
from services.referral.domain.legal_basis import LegalBasisGiven, LegalBasisWithdrawn
from services.referral.domain.offer import Offer, PartEnds, ReferralEvent
from services.referral.domain.organisation import OrganisationDescribed
from services.referral.domain.programme import ProgrammeVersionPublished
from services.referral.domain.reminders import DeadlineReminded
from services.referral.domain.submission import ReferralSubmitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A message and its subject, which is its partition key too: the case, the organisation or the programme."""

    subject: str
    message: Message


def publish(recorded: Recorded) -> Publication | None:
    """The message of an event, or None where it concerns nobody outside this service."""
    match recorded.event:
        case OrganisationDescribed() as event:
            return Publication(subject=event.organisation, message=_organisation(event))
        case ProgrammeVersionPublished() as event:
            return Publication(subject=event.programme, message=_programme(event))
        case ReferralEvent() | DeadlineReminded() | LegalBasisWithdrawn() as event:
            offer: Offer = event.offer
            # A draft is an offer to nobody yet: neither it nor its end concerns anybody else.
            if offer.organisation is None:
                return None
            message = _of_referral(event, _common(offer, offer.organisation, recorded))
            return Publication(subject=offer.case_id, message=message) if message is not None else None
        case _:
            return None


class _Common(TypedDict):
    case: str
    actor: ActorRef
    occurred_at: Any
    recorded_at: Any
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
        actor=ActorRef(sub=meta.actor.sub, role=meta.actor.role, org=meta.actor.org),
        occurred_at=meta.occurred_at,
        recorded_at=meta.recorded_at,
        digest=recorded.digest,
        referral=offer.referral_id,
        agency=offer.agency,
        organisation=organisation,
        programme=offer.programme,
        programme_version=offer.programme_version,
    )


def _of_referral(
    event: ReferralEvent | DeadlineReminded | LegalBasisWithdrawn, common: _Common
) -> told.ReferralMessage | None:
    match event:
        case ReferralSubmitted():
            return _submitted(event, common)
        case answering.ReferralReceived():
            return told.ReferralReceived(**common)
        case answering.InformationRequested():
            running = _deadlines(event.deadlines)
            return told.InformationRequested(**common, codes=list(event.codes), deadlines=running)
        case answering.InformationProvided():
            running = _deadlines(event.deadlines)
            answered = [answer.code for answer in event.answers]
            return told.InformationProvided(**common, codes=answered, deadlines=running)
        case answering.ReferralWaitlisted():
            return told.ReferralWaitlisted(
                **common,
                reason=event.reason,
                since=event.since,
                expected_by=event.expected_by,
                deadlines=_deadlines(event.deadlines),
            )
        case answering.ReferralAccepted():
            return told.ReferralAccepted(**common, coordinator=event.coordinator)
        case answering.ReferralDeclined():
            return told.ReferralDeclined(
                **common,
                reason=event.reason,
                re_referable=event.re_referable,
                suggestion=event.suggestion_ref,
                agency_action=event.agency_action,
                access=_access(event),
            )
        case ending.ReferralWithdrawn():
            return told.ReferralWithdrawn(**common, reason=event.reason, access=_access(event))
        case timekeeping.ReferralExpired():
            return told.ReferralExpired(**common, last_actor=event.last_actor, access=_access(event))
        case ending.ReferralCompleted():
            return told.ReferralCompleted(**common, closure=event.closure, loop_closed_at=event.loop_closed_at)
        case correction.ErrorReported():
            return told.ErrorReported(**common)
        case correction.ReferralEnteredInError():
            return told.ReferralEnteredInError(**common, access=_access(event))
        case LegalBasisWithdrawn():
            return told.LegalBasisWithdrawn(**common, legal_basis=event.legal_basis_id, withdrawn_at=event.withdrawn_at)
        case DeadlineReminded():
            return told.ReferralDeadlineReminded(
                **common, deadline=event.deadline.name, due_at=event.deadline.due_at, awaited=event.awaited
            )
        case timekeeping.DeadlineMissed():
            return told.ReferralDeadlineMissed(
                **common,
                deadline=event.deadline.name,
                due_at=event.deadline.due_at,
                awaited=event.awaited,
                deadlines=_deadlines(event.deadlines),
            )
        case _:
            return None


def _submitted(event: ReferralSubmitted, common: _Common) -> told.ReferralSubmitted:
    packet = event.packet
    choice = packet.participation_choice
    return told.ReferralSubmitted(
        **common,
        client_ref=packet.client_ref,
        previous_referral=packet.previous_referral,
        contact_language=packet.contact_language,
        languages=[
            told.LanguageSkill(tag=skill.tag, level=skill.level, evidence=skill.evidence) for skill in packet.languages
        ],
        occupations=[told.Occupation(isco=wanted.isco, esco=wanted.esco) for wanted in packet.occupations],
        sectors=sectors.told(packet.sectors),
        region=packet.region,
        goals=list(packet.goals),
        support_needs=list(packet.support_needs),
        availability=list(packet.availability),
        why_mentoring=packet.why_mentoring,
        alternative_considered=packet.alternative_considered,
        recommended_mentor_kind=packet.recommended_mentor_kind,
        eligibility=packet.eligibility,
        participation_choice=told.ParticipationChoice(
            chosen_at=choice.chosen_at, method=choice.method, language=choice.language
        ),
        legal_basis=_legal_basis(event.legal_basis_id, packet.legal_basis),
        deadlines=_deadlines(event.deadlines),
    )


def _legal_basis(legal_basis_id: str, given: LegalBasisGiven) -> told.LegalBasisRef:
    return told.LegalBasisRef(
        id=legal_basis_id,
        kind=given.kind,
        recipient=given.recipient,
        text_version=given.text_version,
        language=given.language,
        given_at=given.given_at,
    )


def _access(event: PartEnds) -> Deadline | None:
    return None if event.access is None else _deadlines([event.access])[0]


def _deadlines(running: Iterable[Running]) -> list[Deadline]:
    return [Deadline(name=one.name, due_at=one.due_at, remind_at=one.remind_at) for one in running]


def _organisation(event: OrganisationDescribed) -> told.OrganisationDescribed:
    described = event.description
    return told.OrganisationDescribed(
        organisation=event.organisation,
        name=described.name,
        kind=described.kind,
        programmes=list(described.programmes),
        languages=list(described.languages),
        sectors=sectors.told(described.sectors),
        suspended=described.suspended,
    )


def _programme(event: ProgrammeVersionPublished) -> told.ProgrammeVersionPublished:
    said = event.parameters
    parameters = told.ProgrammeParameters(
        kind=said.kind,
        name=said.name,
        time_zone=said.time_zone,
        country=said.country,
        criteria=list(said.criteria),
        terms={name: told.Term(n=term.n, unit=term.unit) for name, term in said.terms.items()},
        agreement_months_max=said.agreement_months_max,
        extension_months_max=said.extension_months_max,
        meetings_per_month_min=said.meetings_per_month_min,
        information_requests_max=said.information_requests_max,
        charter_version=said.charter_version,
        arrangement_id=said.arrangement_id,
        contact_point=said.contact_point,
        region=said.region,
        closing_days=list(said.closing_days),
    )
    return told.ProgrammeVersionPublished(
        programme=event.programme, version=event.version, valid_from=event.valid_from, parameters=parameters
    )
