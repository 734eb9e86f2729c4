"""From request bodies to commands: what the caller sent, with ids, references and times stamped on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import Any, Final

from contracts.bodies import WaitlistBody
from contracts.codes import DeclineReason, Question, WaitlistReason, WithdrawReason
from contracts.fields import Body
from services.chassis.deciding.idempotency import Key
from services.chassis.modelling.decider import Actor
from services.chassis.vault.vault import Deposit
from services.referral.domain import answering, correction, ending, submission
from services.referral.domain.context import ReferralCommand
from services.referral.domain.legal_basis import LegalBasisGiven
from services.referral.domain.packet import LanguageSkill, Occupation, Packet, ParticipationChoice
from services.referral.routes import requests as bodies

_NAMESPACE: Final = uuid.UUID("a7a2f7a5-0f26-4d1c-8f1b-52f6d1c9d7b0")


def referral_id_for(key: Key) -> str:
    """A create's id follows from its key and whose it is, so that a repeat finds what the first one made."""
    return _derived(f"referral:{key.stream}")


def earlier_referral_id_for(key: Key) -> str:
    """The id that a create had while a key belonged to the whole organisation: what was made then is found by it."""
    return _derived(f"referral:{key.org}:{key.text}")


def legal_basis_id_for(referral_id: str) -> str:
    """The id under which the legal basis of a referral is recorded."""
    return _derived(f"legal-basis:{referral_id}")


def new_case_id_for(referral_id: str) -> str:
    """The id of the case that a referral opens, where its person has none open."""
    return _derived(f"case:{referral_id}")


def _derived(name: str) -> str:
    # uuid5 as RFC 9562 has it, without the class around it: four of them are made for every referral.
    drawn = bytearray(sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    drawn[6] = drawn[6] & 0x0F | 0x50
    drawn[8] = drawn[8] & 0x3F | 0x80
    text = drawn.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def packet_of(body: bodies.ReferralBody, contact_ref: str | None) -> Packet:
    """The packet of a request body; the contact data themselves stay outside."""
    choice, basis = body.participation_choice, body.legal_basis
    return Packet(
        programme=body.programme,
        client_ref=body.client.ref,
        to=body.to,
        contact_ref=contact_ref,
        contact_language=body.contact_language,
        languages=tuple(LanguageSkill(tag=s.tag, level=s.level.value, evidence=s.evidence) for s in body.languages),
        occupations=tuple(Occupation(isco=o.isco, esco=o.esco) for o in body.occupations),
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
        legal_basis=LegalBasisGiven(
            kind=basis.kind.value,
            recipient=basis.recipient,
            text_version=basis.text_version,
            language=basis.language,
            given_at=basis.given_at,
        )
        if basis
        else None,
        previous_referral=body.previous_referral,
    )


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is stamped on a command: of which referral, when, by whom; and where its texts are set aside."""

    referral_id: str
    at: datetime
    by: Actor
    deposit: Deposit

    def ref(self, what: str, text: str) -> str:
        """The vault reference of a text."""
        return self.deposit.put(what, {"text": text})

    def ref_or_none(self, what: str, text: str | None) -> str | None:
        """The vault reference of a text that may be left out."""
        return self.ref(what, text) if text is not None else None


@dataclass(frozen=True, slots=True)
class Action:
    """A route of a referral: its body, and how the body becomes a command."""

    body: type[Body]
    summary: str
    command: Callable[[Any, Stamp], ReferralCommand]


def _plain(command: type[ReferralCommand]) -> Callable[[Any, Stamp], ReferralCommand]:
    def build(_body: Any, stamp: Stamp) -> ReferralCommand:
        return command(referral_id=stamp.referral_id, at=stamp.at, by=stamp.by)

    return build


def _submit(_body: Any, stamp: Stamp) -> ReferralCommand:
    return submission.SubmitDraft(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        legal_basis_id=legal_basis_id_for(stamp.referral_id),
        new_case_id=new_case_id_for(stamp.referral_id),
    )


def _request_information(body: bodies.RequestInformationBody, stamp: Stamp) -> ReferralCommand:
    codes = tuple(Question(code) for code in body.codes)
    return answering.RequestInformation(referral_id=stamp.referral_id, at=stamp.at, by=stamp.by, codes=codes)


def _provide_information(body: bodies.ProvideInformationBody, stamp: Stamp) -> ReferralCommand:
    answers = tuple(
        answering.InformationAnswer(code=one.code.value, answer_ref=stamp.ref("answer", one.answer))
        for one in body.answers
    )
    return answering.ProvideInformation(referral_id=stamp.referral_id, at=stamp.at, by=stamp.by, answers=answers)


def _waitlist(body: WaitlistBody, stamp: Stamp) -> ReferralCommand:
    return answering.Waitlist(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        reason=WaitlistReason(body.reason),
        expected_by=body.expected_by,
        client_agreed=body.client_agreed,
    )


def _accept(body: bodies.AcceptBody, stamp: Stamp) -> ReferralCommand:
    return answering.Accept(referral_id=stamp.referral_id, at=stamp.at, by=stamp.by, coordinator=body.coordinator)


def _decline(body: bodies.DeclineBody, stamp: Stamp) -> ReferralCommand:
    return answering.Decline(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        reason=DeclineReason(body.reason),
        text_ref=stamp.ref_or_none("decline", body.text),
        suggestion_ref=stamp.ref_or_none("suggestion", body.suggestion),
    )


def _withdraw(body: bodies.WithdrawBody, stamp: Stamp) -> ReferralCommand:
    return ending.Withdraw(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        reason=WithdrawReason(body.reason),
        text_ref=stamp.ref_or_none("withdraw", body.text),
    )


def _mark_error(body: bodies.MarkErrorBody, stamp: Stamp) -> ReferralCommand:
    return correction.MarkError(
        referral_id=stamp.referral_id,
        at=stamp.at,
        by=stamp.by,
        justification_ref=stamp.ref("justification", body.justification),
    )


ACTIONS: Final[Mapping[str, Action]] = {
    "submit": Action(bodies.NothingBody, "Submit a draft.", _submit),
    "receive": Action(bodies.NothingBody, "Acknowledge receipt.", _plain(answering.Receive)),
    "request-information": Action(bodies.RequestInformationBody, "Ask the agency something.", _request_information),
    "provide-information": Action(bodies.ProvideInformationBody, "Answer what was asked.", _provide_information),
    "waitlist": Action(WaitlistBody, "Put the person on the waiting list.", _waitlist),
    "accept": Action(bodies.AcceptBody, "Accept: responsibility moves to the coordinator.", _accept),
    "decline": Action(bodies.DeclineBody, "Decline, with a reason.", _decline),
    "withdraw": Action(bodies.WithdrawBody, "Take the referral back.", _withdraw),
    "mark-error": Action(bodies.MarkErrorBody, "Report that the referral was entered in error.", _mark_error),
    "confirm-error": Action(
        bodies.NothingBody,
        "Confirm, as a second person, that it was entered in error.",
        _plain(correction.ConfirmError),
    ),
}
"""The commands on a referral that have a route of their own, by the route's last segment."""
