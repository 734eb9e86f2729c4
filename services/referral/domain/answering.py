"""What the addressed organisation answers to an offer, and the question that it may ask before it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from contracts.codes import (
    DECLINE_RULES,
    DeadlineName,
    DeclineReason,
    Question,
    ReferralState,
    Reliance,
    WaitlistReason,
)
from contracts.waiting import wrong_of_a_wait
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.deadlines import day_of, find, only, resumed
from services.referral.domain.ending import access_after_end, let_go
from services.referral.domain.guards import allow
from services.referral.domain.legal_basis import LegalBasisReliedOn, legal_basis_stream
from services.referral.domain.offer import PartEnds, ReferralEvent, acts_for
from services.referral.domain.organisation import CapacityTaken, organisation_stream
from services.referral.domain.referral_state import Answer

_RECEIPT, _DECISION, _EXPIRY = DeadlineName.RECEIPT.value, DeadlineName.DECISION.value, DeadlineName.EXPIRY.value


class Receive(ReferralCommand, frozen=True, kw_only=True):
    """Acknowledge receipt."""


class RequestInformation(ReferralCommand, frozen=True, kw_only=True):
    """Ask the agency something; the codes exclude every topic that must not be asked about."""

    codes: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationAnswer:
    """The answer to one question; its text is in the vault, under `answer_ref`."""

    code: str
    answer_ref: str


class ProvideInformation(ReferralCommand, frozen=True, kw_only=True):
    """Answer what was asked, all of it."""

    answers: tuple[InformationAnswer, ...]


class Waitlist(ReferralCommand, frozen=True, kw_only=True):
    """Put the person on the waiting list, with their agreement."""

    reason: WaitlistReason
    expected_by: date
    client_agreed: bool


class Accept(ReferralCommand, frozen=True, kw_only=True):
    """Take the person on; `coordinator` (a staff identifier of the organisation) is to be responsible for the case."""

    coordinator: str


class Decline(ReferralCommand, frozen=True, kw_only=True):
    """Say no. A text goes with OTHER only; texts are in the vault, under the references."""

    reason: DeclineReason
    text_ref: str | None = None
    suggestion_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralReceived(ReferralEvent):
    """Receipt was acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationRequested(ReferralEvent):
    """Something was asked; the decision clock stands still, the expiry does not."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationProvided(ReferralEvent):
    """Everything that was asked was answered; the decision clock runs on."""

    answers: tuple[InformationAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralWaitlisted(ReferralEvent):
    """On the waiting list since `since` (the first time, if there were several)."""

    reason: str
    since: datetime
    expected_by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralAccepted(ReferralEvent):
    """The organisation took the person on."""

    coordinator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralDeclined(PartEnds):
    """The organisation said no; what its reason implied at that time stands with it (`contracts.codes.DeclineRule`)."""

    reason: str
    re_referable: bool
    agency_action: str
    text_ref: str | None
    suggestion_ref: str | None


def receive(command: Receive, context: Context) -> list[Any]:
    """Acknowledges receipt; the receipt's term is met."""
    if context.referral.state is ReferralState.RECEIVED and context.legal_basis.withdrawn_at is None:
        return []
    allow("receive", context, command.by)
    running = only(context.referral.running, _DECISION, _EXPIRY)
    return [ReferralReceived(offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=running)]


def request_information(command: RequestInformation, context: Context) -> list[Any]:
    """Asks the agency. The same question while it is open changes nothing."""
    codes = tuple(dict.fromkeys(code.value for code in command.codes))
    asked = context.referral.asked
    if asked is not None and asked.codes == codes:
        return []
    allow("request-information", context, command.by)
    if not codes:
        raise Refused.input(Fault("/codes", "REQUIRED", "at least one question"))
    answer = context.deadline(DeadlineName.INFORMATION.value, command.at)
    return [
        InformationRequested(
            offer=context.offer,
            at=command.at,
            by=acts_for(command.by),
            deadlines=(answer, *only(context.referral.running, _EXPIRY)),
            codes=codes,
        )
    ]


def provide_information(command: ProvideInformation, context: Context) -> list[Any]:
    """Answers the organisation; answering discloses, so it relies on the legal basis once more."""
    allow("provide-information", context, command.by)
    asked = context.referral.asked
    if asked is None:
        return []
    if faults := _wrong_answers(command.answers, asked.codes):
        raise Refused.input(*faults)
    if asked.paused is None:
        # It came from the waiting list, where no decision was due: now one is.
        decision = context.deadline(_DECISION, command.at)
    elif asked.paused in context.referral.missed:
        decision = asked.paused
    else:
        unit = context.version.parameters.terms[_DECISION].unit
        decision = resumed(context.calendar, unit, asked.paused, asked.at, command.at)
    provided = InformationProvided(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        deadlines=(decision, *only(context.referral.running, _EXPIRY)),
        answers=command.answers,
    )
    return [*relied_on(context, Reliance.PROVIDE_INFORMATION, command.at), provided]


def _wrong_answers(answers: tuple[InformationAnswer, ...], asked: tuple[str, ...]) -> list[Fault]:
    faults: list[Fault] = []
    seen: set[str] = set()
    for place, answer in enumerate(answers):
        if answer.code not in asked:
            faults.append(Fault(f"/answers/{place}/code", "NOT_ASKED", "the organisation did not ask this"))
        elif answer.code in seen:
            faults.append(
                Fault(f"/answers/{place}/code", "ANSWERED_TWICE", "one answer to each question", ("/answers",))
            )
        seen.add(answer.code)
    faults += [Fault("/answers", "ANSWER_MISSING", f"{code} was asked") for code in asked if code not in seen]
    return faults


def waitlist(command: Waitlist, context: Context) -> list[Any]:
    """Puts the referral on the list: reviewed regularly, for a limited time counted from its first day there."""
    referral = context.referral
    waiting = referral.waiting
    if (
        referral.state is ReferralState.WAITLISTED
        and waiting is not None
        and (waiting.reason, waiting.expected_by) == (command.reason.value, command.expected_by)
    ):
        return []
    allow("waitlist", context, command.by)
    today = day_of(context.calendar, command.at)
    if wrong := wrong_of_a_wait(command.expected_by, client_agreed=command.client_agreed, today=today):
        raise Refused.input(*(Fault(*one) for one in wrong))
    expiry = find(referral.running, _EXPIRY) if waiting is not None else None
    if expiry is None:
        expiry = context.deadline("WAITLIST_EXPIRY", command.at, name=_EXPIRY)
    review = context.deadline(DeadlineName.WAITLIST_REVIEW.value, command.at)
    return [
        ReferralWaitlisted(
            offer=context.offer,
            at=command.at,
            by=acts_for(command.by),
            deadlines=(review, expiry),
            reason=command.reason.value,
            since=waiting.since if waiting is not None else command.at,
            expected_by=command.expected_by,
        )
    ]


def accept(command: Accept, context: Context) -> list[Any]:
    """Takes the person on: the answer is given, a place is taken, and the basis is relied on for what follows."""
    referral = context.referral
    if referral.state is ReferralState.ACCEPTED and referral.coordinator == command.coordinator:
        return []
    allow("accept", context, command.by)
    if not command.coordinator.strip():
        raise Refused.input(Fault("/coordinator", "REQUIRED", "name the coordinator who is to be responsible"))
    offer, organisation = context.offer, context.offer.organisation or ""
    return [
        *relied_on(context, Reliance.ACCEPT, command.at),
        To(
            organisation_stream(organisation),
            CapacityTaken(organisation=organisation, referral_id=offer.referral_id),
        ),
        ReferralAccepted(offer=offer, at=command.at, by=acts_for(command.by), coordinator=command.coordinator),
    ]


def decline(command: Decline, context: Context) -> list[Any]:
    """Says no: the case returns to the agency, and the person may be referred again."""
    said = Answer(reason=command.reason.value, refs=(command.text_ref, command.suggestion_ref))
    if context.referral.state is ReferralState.DECLINED and context.referral.ended_with == said:
        return []
    allow("decline", context, command.by)
    if command.text_ref is not None and command.reason is not DeclineReason.OTHER:
        raise Refused.input(
            Fault(
                "/text", "TEXT_ONLY_WITH_OTHER", "the reason's code says it; no text beside it", rests_on=("/reason",)
            )
        )
    rule = DECLINE_RULES[command.reason]
    declined = ReferralDeclined(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        reason=command.reason.value,
        re_referable=rule.re_referable,
        agency_action=rule.agency_action.value,
        text_ref=command.text_ref,
        suggestion_ref=command.suggestion_ref,
        access=access_after_end(context),
    )
    return [*let_go(context), declined]


def relied_on(context: Context, purpose: Reliance, at: datetime) -> list[To]:
    """One entry of the disclosure ledger, in the legal basis' own stream: a withdrawal at once meets a conflict."""
    basis = context.referral.legal_basis_id
    if basis is None:
        return []
    return [
        To(
            legal_basis_stream(basis),
            LegalBasisReliedOn(
                legal_basis_id=basis,
                referral_id=context.offer.referral_id,
                recipient=context.offer.organisation or "",
                purpose=purpose.value,
                at=at,
            ),
        )
    ]
