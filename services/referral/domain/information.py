"""The organisation asks the agency for information before it answers an offer, and the agency provides it."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from contracts.codes import (
    DeadlineName,
    Question,
    Reliance,
)
from contracts.pause_codes import PauseReason
from services.chassis.modelling.deadline import PausedDeadline, paused
from services.chassis.modelling.decider import Fault, Refused, To
from services.referral.domain.context import Context, ReferralCommand
from services.referral.domain.guards import allow
from services.referral.domain.live_referral import relied_on
from services.referral.domain.offer import OfReferral, acts_for
from services.referral.domain.terms import only, resumed


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


class InformationRequested(OfReferral, frozen=True, kw_only=True):
    """The organisation asked for information; the decision clock stands still, the expiry does not.

    `paused` are the terms that do, unset in what was stored before it was written down.
    """

    codes: tuple[str, ...]
    paused: tuple[PausedDeadline, ...] | UnsetType = UNSET


class InformationProvided(OfReferral, frozen=True, kw_only=True):
    """The agency answered every question; the decision clock runs on."""

    answers: tuple[InformationAnswer, ...]


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
            deadlines=(answer, *only(context.referral.running, DeadlineName.EXPIRY.value)),
            codes=codes,
            paused=paused(only(context.referral.running, DeadlineName.DECISION.value), PauseReason.QUESTION_OPEN.value),
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
        decision = context.deadline(DeadlineName.DECISION.value, command.at)
    elif question.paused in context.referral.missed:
        decision = question.paused
    else:
        unit = context.version.parameters.terms[DeadlineName.DECISION.value].unit
        decision = resumed(context.calendar, unit, question.paused, question.at, command.at)
    provided = InformationProvided(
        offer=context.offer,
        at=command.at,
        by=acts_for(command.by),
        deadlines=(decision, *only(context.referral.running, DeadlineName.EXPIRY.value)),
        answers=command.answers,
    )
    return [*relied_on(context, Reliance.PROVIDE_INFORMATION, command.at), provided]


def _wrong_answers(answers: tuple[InformationAnswer, ...], questions: tuple[str, ...]) -> list[Fault]:
    faults: list[Fault] = []
    seen: set[str] = set()
    for place, answer in enumerate(answers):
        if answer.code not in questions:
            faults.append(Fault(f"/answers/{place}/code", "NOT_ASKED", "the organisation did not ask this question"))
        elif answer.code in seen:
            faults.append(
                Fault(f"/answers/{place}/code", "ANSWERED_TWICE", "give one answer to each question", ("/answers",))
            )
        seen.add(answer.code)
    faults += [
        Fault("/answers", "ANSWER_MISSING", f"the question {code} has no answer")
        for code in questions
        if code not in seen
    ]
    return faults
