"""The addressed organisation answers an offer, and may ask a question first."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

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
from services.referral.domain.guards import allow
from services.referral.domain.offer import OfReferral, PartEnds, acts_for
from services.referral.domain.organisation import CapacityTaken, organisation_stream
from services.referral.domain.referral_state import Answer
from services.referral.domain.steps import access_after_end, let_go, relied_on

_RECEIPT, _DECISION, _EXPIRY = DeadlineName.RECEIPT.value, DeadlineName.DECISION.value, DeadlineName.EXPIRY.value


class Receive(ReferralCommand, frozen=True, kw_only=True):
    """Acknowledge receipt."""


class RequestInformation(ReferralCommand, frozen=True, kw_only=True):
    """Ask the agency for information; no code stands for a topic that must not be asked about."""

    codes: tuple[Question, ...]


class InformationAnswer(Struct, frozen=True, kw_only=True):
    """The answer to one question; its text is in the vault, under `answer_ref`."""

    code: str
    answer_ref: str


class ProvideInformation(ReferralCommand, frozen=True, kw_only=True):
    """Answer every open question."""

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
    """Decline. Free text goes with OTHER only; the texts are in the vault, under the references."""

    reason: DeclineReason
    text_ref: str | None = None
    suggestion_ref: str | None = None


class ReferralReceived(OfReferral, frozen=True, kw_only=True):
    """Receipt was acknowledged."""


class InformationRequested(OfReferral, frozen=True, kw_only=True):
    """The organisation asked for information; the decision clock stands still, the expiry does not."""

    codes: tuple[str, ...]


class InformationProvided(OfReferral, frozen=True, kw_only=True):
    """The agency answered every question; the decision clock runs on."""

    answers: tuple[InformationAnswer, ...]


class ReferralWaitlisted(OfReferral, frozen=True, kw_only=True):
    """On the waiting list since `since` (the first time, if there were several)."""

    reason: str
    since: datetime
    expected_by: date


class ReferralAccepted(OfReferral, frozen=True, kw_only=True):
    """The organisation took the person on."""

    coordinator: str


class ReferralDeclined(PartEnds, frozen=True, kw_only=True):
    """The organisation declined; the event keeps what its reason implied then (`contracts.codes.DeclineRule`)."""

    reason: str
    re_referable: bool
    agency_action: str
    text_ref: str | None
    suggestion_ref: str | None


def receive(command: Receive, context: Context) -> list[ReferralReceived]:
    """Acknowledges receipt, which meets the RECEIPT term."""
    if context.referral.state is ReferralState.RECEIVED and context.legal_basis.withdrawn_at is None:
        return []
    allow("receive", context, command.by)
    running = only(context.referral.running, _DECISION, _EXPIRY)
    return [ReferralReceived(offer=context.offer, at=command.at, by=acts_for(command.by), deadlines=running)]


def request_information(command: RequestInformation, context: Context) -> list[InformationRequested]:
    """Asks the agency. Asking the same question again while it is open changes nothing."""
    codes = tuple(dict.fromkeys(code.value for code in command.codes))
    question = context.referral.question
    if question is not None and question.codes == codes:
        return []
    allow("request-information", context, command.by)
    if not codes:
        raise Refused.input(Fault("/codes", "REQUIRED", "ask at least one question"))
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


def provide_information(command: ProvideInformation, context: Context) -> list[InformationProvided | To]:
    """Answers the organisation; an answer discloses data, so it relies on the legal basis again."""
    allow("provide-information", context, command.by)
    question = context.referral.question
    if question is None:
        return []
    if faults := _wrong_answers(command.answers, question.codes):
        raise Refused.input(*faults)
    if question.paused is None:
        # The question was asked of a referral on the waiting list, where no decision was due: now one is.
        decision = context.deadline(_DECISION, command.at)
    elif question.paused in context.referral.missed:
        decision = question.paused
    else:
        unit = context.version.parameters.terms[_DECISION].unit
        decision = resumed(context.calendar, unit, question.paused, question.at, command.at)
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
            faults.append(Fault(f"/answers/{place}/code", "NOT_ASKED", "the organisation did not ask this question"))
        elif answer.code in seen:
            faults.append(
                Fault(f"/answers/{place}/code", "ANSWERED_TWICE", "give one answer to each question", ("/answers",))
            )
        seen.add(answer.code)
    faults += [
        Fault("/answers", "ANSWER_MISSING", f"the question {code} has no answer") for code in asked if code not in seen
    ]
    return faults


def waitlist(command: Waitlist, context: Context) -> list[ReferralWaitlisted]:
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
        raise Refused.input(*(Fault(*fault) for fault in wrong))
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


def accept(command: Accept, context: Context) -> list[ReferralAccepted | To]:
    """Takes the person on: the answer is given, a place is taken, and the basis is relied on for what follows."""
    referral = context.referral
    if referral.state is ReferralState.ACCEPTED and referral.coordinator == command.coordinator:
        return []
    allow("accept", context, command.by)
    if not command.coordinator.strip():
        raise Refused.input(Fault("/coordinator", "REQUIRED", "name the coordinator who will be responsible"))
    offer, organisation = context.offer, context.offer.organisation or ""
    return [
        *relied_on(context, Reliance.ACCEPT, command.at),
        To(
            organisation_stream(organisation),
            CapacityTaken(organisation=organisation, referral_id=offer.referral_id),
        ),
        ReferralAccepted(offer=offer, at=command.at, by=acts_for(command.by), coordinator=command.coordinator),
    ]


def decline(command: Decline, context: Context) -> list[ReferralDeclined | To]:
    """Declines: the case returns to the agency, and the person may be referred again."""
    answer = Answer(reason=command.reason.value, refs=(command.text_ref, command.suggestion_ref))
    if context.referral.state is ReferralState.DECLINED and context.referral.ended_with == answer:
        return []
    allow("decline", context, command.by)
    if command.text_ref is not None and command.reason is not DeclineReason.OTHER:
        detail = "free text is allowed only with the reason OTHER"
        raise Refused.input(Fault("/text", "TEXT_ONLY_WITH_OTHER", detail, rests_on=("/reason",)))
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
