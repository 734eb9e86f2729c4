"""How a request body becomes a command: with ids, the time, the caller and vault references stamped on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from contracts.codes import WithdrawReason
from contracts.fields import NothingBody
from services.chassis.deciding.idempotency import Key
from services.chassis.http.request.stamp import RequestStamp
from services.chassis.modelling.derived_id import derived_id
from services.referral.domain import answering, ending, entered_in_error, information, submission
from services.referral.domain.legal_basis import LegalBasisGiven
from services.referral.domain.packet import LanguageSkill, Occupation, Packet, ParticipationChoice
from services.referral.routes import requests

_NAMESPACE: Final = UUID("a7a2f7a5-0f26-4d1c-8f1b-52f6d1c9d7b0")


def referral_id_for(key: Key) -> str:
    """The id of a new referral follows from its idempotency key, so that a repeat finds what the first request made."""
    return derived_id(_NAMESPACE, f"referral:{key.stream}")


def earlier_referral_id_for(key: Key) -> str:
    """The id that a new referral had while a key belonged to the whole organisation; repeats of then still find it."""
    return derived_id(_NAMESPACE, f"referral:{key.org}:{key.text}")


def broadcast_id_for(key: Key) -> str:
    """The id of a new broadcast, which follows from its idempotency key likewise."""
    return derived_id(_NAMESPACE, f"broadcast:{key.stream}")


def offered_referral_id_for(broadcast_id: str, organisation: str) -> str:
    """The id of the referral by which a broadcast offers a person to an organisation."""
    return derived_id(_NAMESPACE, f"offer:{broadcast_id}:{organisation}")


def legal_basis_id_for(referral_id: str) -> str:
    """The id under which the legal basis of a referral is recorded."""
    return derived_id(_NAMESPACE, f"legal-basis:{referral_id}")


def new_case_id_for(referral_id: str) -> str:
    """The id of the case that a referral opens, where its person has none open."""
    return derived_id(_NAMESPACE, f"case:{referral_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp(RequestStamp):
    """The referral that a command is on."""

    referral_id: str
    ON_EVERY_COMMAND: ClassVar[tuple[str, ...]] = ("at", "by", "referral_id")


def packet_of(body: requests.ReferralBody, contact_ref: str | None) -> Packet:
    """The packet of a referral; of the contact data, the vault reference alone."""
    basis = body.legal_basis
    given = (
        LegalBasisGiven(
            kind=basis.kind.value,
            recipient=basis.recipient,
            text_version=basis.text_version,
            language=basis.language,
            given_at=basis.given_at,
        )
        if basis
        else None
    )
    return packet_to(body, contact_ref, body.to, given)


def packet_to(
    body: requests.ReferralBody, contact_ref: str | None, to: str | None, legal_basis: LegalBasisGiven | None
) -> Packet:
    """The packet of a body, to an organisation on a legal basis."""
    choice = body.participation_choice
    return Packet(
        programme=body.programme,
        client_ref=body.client.ref,
        to=to,
        contact_ref=contact_ref,
        contact_language=body.contact_language,
        languages=tuple(LanguageSkill(tag=s.tag, level=s.level.value, evidence=s.evidence) for s in body.languages),
        occupations=tuple(Occupation(isco=wanted.isco, esco=wanted.esco) for wanted in body.occupations),
        sectors=tuple(body.sectors),
        region=body.region,
        goals=tuple(goal.value for goal in body.goals),
        support_needs=tuple(need.value for need in body.support_needs),
        availability=tuple(body.availability),
        why_mentoring=body.why_mentoring.value if body.why_mentoring else None,
        alternative_considered=body.alternative_considered.value if body.alternative_considered else None,
        recommended_mentor_kind=body.recommended_mentor_kind.value if body.recommended_mentor_kind else None,
        eligibility=dict(body.eligibility),
        participation_choice=ParticipationChoice(
            chosen_at=choice.chosen_at, method=choice.method, language=choice.language
        )
        if choice
        else None,
        legal_basis=legal_basis,
        previous_referral=body.previous_referral,
    )


def submit(_body: NothingBody, stamp: Stamp) -> submission.SubmitDraft:
    """The ids of the legal basis and of a new case follow from the referral's."""
    return submission.SubmitDraft(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        legal_basis_id=legal_basis_id_for(stamp.referral_id),
        new_case_id=new_case_id_for(stamp.referral_id),
    )


def provide_information(body: requests.ProvideInformationBody, stamp: Stamp) -> information.ProvideInformation:
    """The answers go to the vault."""
    answers = tuple(
        information.InformationAnswer(code=answer.code.value, answer_ref=stamp.ref("answer", answer.answer))
        for answer in body.answers
    )
    return information.ProvideInformation(referral_id=stamp.referral_id, at=stamp.at, by=stamp.by, answers=answers)


def decline(body: requests.DeclineBody, stamp: Stamp) -> answering.Decline:
    """Text and suggestion go to the vault."""
    return answering.Decline(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        reason=body.reason,
        text_ref=stamp.ref_or_none("decline", body.text),
        suggestion_ref=stamp.ref_or_none("suggestion", body.suggestion),
    )


def withdraw(body: requests.WithdrawBody, stamp: Stamp) -> ending.Withdraw:
    """The text goes to the vault."""
    return ending.Withdraw(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        reason=WithdrawReason(body.reason),
        text_ref=stamp.ref_or_none("withdraw", body.text),
    )


def mark_error(body: requests.MarkErrorBody, stamp: Stamp) -> entered_in_error.MarkError:
    """The justification goes to the vault."""
    return entered_in_error.MarkError(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        justification_ref=stamp.ref("justification", body.justification),
    )
