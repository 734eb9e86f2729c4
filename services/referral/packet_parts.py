"""What a message says of a packet that was submitted: the same to one organisation and to several."""

from __future__ import annotations

from typing import TypedDict

from contracts import packet as parts
from contracts.code_lists import sectors
from contracts.message import Deadline
from services.chassis.delivery.translation import published_deadlines
from services.referral.domain.legal_basis import LegalBasisGiven
from services.referral.domain.packet import CompletePacket
from services.referral.domain.submission import ReferralSubmitted


class PacketParts(TypedDict):
    """The members that `ReferralSubmitted` and `OfferMade` have in common."""

    contact_language: str
    languages: list[parts.LanguageSkill]
    occupations: list[parts.Occupation]
    sectors: list[str]
    region: str
    goals: list[str]
    support_needs: list[str]
    availability: list[str]
    why_mentoring: str
    alternative_considered: str
    recommended_mentor_kind: str | None
    eligibility: dict[str, bool]
    participation_choice: parts.ParticipationChoice
    legal_basis: parts.LegalBasisRef
    deadlines: list[Deadline]


def packet_parts(event: ReferralSubmitted, packet: CompletePacket) -> PacketParts:
    """The members, field by field, so that mypy names one that was renamed."""
    choice = packet.participation_choice
    return PacketParts(
        contact_language=packet.contact_language,
        languages=[
            parts.LanguageSkill(tag=skill.tag, level=skill.level, evidence=skill.evidence) for skill in packet.languages
        ],
        occupations=[parts.Occupation(isco=wanted.isco, esco=wanted.esco) for wanted in packet.occupations],
        sectors=sectors.as_sent(packet.sectors),
        region=packet.region,
        goals=list(packet.goals),
        support_needs=list(packet.support_needs),
        availability=list(packet.availability),
        why_mentoring=packet.why_mentoring,
        alternative_considered=packet.alternative_considered,
        recommended_mentor_kind=packet.recommended_mentor_kind,
        eligibility=packet.eligibility,
        participation_choice=parts.ParticipationChoice(
            chosen_at=choice.chosen_at, method=choice.method, language=choice.language
        ),
        legal_basis=legal_basis_ref(event.legal_basis_id, packet.legal_basis),
        deadlines=published_deadlines(event.deadlines),
    )


def legal_basis_ref(legal_basis_id: str, given: LegalBasisGiven) -> parts.LegalBasisRef:
    """A legal basis as messages name it."""
    return parts.LegalBasisRef(
        id=legal_basis_id,
        kind=given.kind,
        recipient=given.recipient,
        text_version=given.text_version,
        language=given.language,
        given_at=given.given_at,
    )
