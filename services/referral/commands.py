"""From request bodies to commands: what the caller sent, with ids, references and times stamped on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import Any, Final

from contracts.codes import DeclineReason, Question, WaitlistReason, WithdrawReason
from contracts.fields import Body
from services.chassis.decider import Actor
from services.referral import bodies
from services.referral.domain import answering, correction, ending, submission
from services.referral.domain.desk import ReferralCommand
from services.referral.domain.legal_basis import LegalBasisGiven
from services.referral.domain.packet import LanguageSkill, Occupation, Packet, ParticipationChoice

_NAMESPACE: Final = uuid.UUID("a7a2f7a5-0f26-4d1c-8f1b-52f6d1c9d7b0")


def referral_id_for(org: str, key: str) -> str:
    """A create's id follows from the organisation and its key, so that a repeat finds what the first one made."""
    return _derived(f"referral:{org}:{key}")


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
class Stamped:
    """A command with the texts that it refers to: vault reference → record."""

    command: ReferralCommand
    texts: Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Action:
    """A route of a referral: its body, and how the body becomes a command."""

    body: type[Body]
    summary: str
    stamp: Callable[[Any, str, datetime, Actor, int], Stamped]


def _plain(command: type[ReferralCommand]) -> Callable[[Any, str, datetime, Actor, int], Stamped]:
    def stamp(_body: Any, referral_id: str, at: datetime, by: Actor, _version: int) -> Stamped:
        return Stamped(command(referral_id=referral_id, at=at, by=by), {})

    return stamp


def _text_ref(referral_id: str, what: str, version: int) -> str:
    # The version makes a text of a second try another record; a text once referred to is never overwritten.
    return f"{referral_id}.{what}.{version}"


def _submit(_body: Any, referral_id: str, at: datetime, by: Actor, _version: int) -> Stamped:
    return Stamped(
        submission.SubmitDraft(
            referral_id=referral_id,
            at=at,
            by=by,
            legal_basis_id=legal_basis_id_for(referral_id),
            new_case_id=new_case_id_for(referral_id),
        ),
        {},
    )


def _request_information(
    body: bodies.RequestInformationBody, referral_id: str, at: datetime, by: Actor, _version: int
) -> Stamped:
    codes = tuple(Question(code) for code in body.codes)
    return Stamped(answering.RequestInformation(referral_id=referral_id, at=at, by=by, codes=codes), {})


def _provide_information(
    body: bodies.ProvideInformationBody, referral_id: str, at: datetime, by: Actor, version: int
) -> Stamped:
    texts = {_text_ref(referral_id, f"answer.{n}", version): one for n, one in enumerate(body.answers)}
    answers = tuple(answering.InformationAnswer(code=one.code.value, answer_ref=ref) for ref, one in texts.items())
    command = answering.ProvideInformation(referral_id=referral_id, at=at, by=by, answers=answers)
    return Stamped(command, {ref: {"text": one.answer} for ref, one in texts.items()})


def _waitlist(body: bodies.WaitlistBody, referral_id: str, at: datetime, by: Actor, _version: int) -> Stamped:
    command = answering.Waitlist(
        referral_id=referral_id,
        at=at,
        by=by,
        reason=WaitlistReason(body.reason),
        expected_by=body.expected_by,
        client_agreed=body.client_agreed,
    )
    return Stamped(command, {})


def _accept(body: bodies.AcceptBody, referral_id: str, at: datetime, by: Actor, _version: int) -> Stamped:
    return Stamped(answering.Accept(referral_id=referral_id, at=at, by=by, coordinator=body.coordinator), {})


def _decline(body: bodies.DeclineBody, referral_id: str, at: datetime, by: Actor, version: int) -> Stamped:
    text_ref, suggestion_ref = (
        _text_ref(referral_id, what, version) if given is not None else None
        for what, given in (("decline", body.text), ("suggestion", body.suggestion))
    )
    command = answering.Decline(
        referral_id=referral_id,
        at=at,
        by=by,
        reason=DeclineReason(body.reason),
        text_ref=text_ref,
        suggestion_ref=suggestion_ref,
    )
    given = {text_ref: body.text, suggestion_ref: body.suggestion}
    return Stamped(command, {ref: {"text": text} for ref, text in given.items() if ref is not None})


def _withdraw(body: bodies.WithdrawBody, referral_id: str, at: datetime, by: Actor, version: int) -> Stamped:
    ref = _text_ref(referral_id, "withdraw", version) if body.text is not None else None
    command = ending.Withdraw(referral_id=referral_id, at=at, by=by, reason=WithdrawReason(body.reason), text_ref=ref)
    return Stamped(command, {ref: {"text": body.text}} if ref is not None else {})


def _mark_error(body: bodies.MarkErrorBody, referral_id: str, at: datetime, by: Actor, version: int) -> Stamped:
    ref = _text_ref(referral_id, "justification", version)
    command = correction.MarkError(referral_id=referral_id, at=at, by=by, justification_ref=ref)
    return Stamped(command, {ref: {"text": body.justification}})


ACTIONS: Final[Mapping[str, Action]] = {
    "submit": Action(bodies.NothingBody, "Submit a draft.", _submit),
    "receive": Action(bodies.NothingBody, "Acknowledge receipt.", _plain(answering.Receive)),
    "request-information": Action(bodies.RequestInformationBody, "Ask the agency something.", _request_information),
    "provide-information": Action(bodies.ProvideInformationBody, "Answer what was asked.", _provide_information),
    "waitlist": Action(bodies.WaitlistBody, "Put the person on the waiting list.", _waitlist),
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
