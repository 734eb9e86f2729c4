"""Gaps in services: what a mentor or coordinator finds reaches the agency, which answers and does what it answered.

A gap is no part of the case's way. It outlasts the match, the organisation's part and the closing, and a case is not
finalised as long as one waits for its answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import assert_never

from msgspec.structs import replace

from contracts.codes import Step
from contracts.gap_codes import GapState
from services.casefile.domain import gap_report
from services.casefile.domain.charter_in_force import check_named
from services.casefile.domain.context import Context
from services.casefile.domain.gap_report import ServiceGapReported, next_gap, reported
from services.casefile.domain.guards import allow, check_side, happened
from services.casefile.domain.open_matters import Gap, GapAnswer
from services.casefile.domain.state import Case, lead_of, trajectory_of
from services.casefile.domain.steps import Moves, Party, key_of
from services.casefile.domain.terms import day_of, until
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor, Command, Event, Fault, Refused

GAP_ACTION = "GAP_ACTION"


class ReportGap(Command, frozen=True, kw_only=True):
    """A public service falls short (`contracts.gap_codes`); who provides it is a vault reference.

    `task` is the kind of task that a mentor was asked for in its place.
    """

    service_kind: str
    gap_type: str
    provider_ref: str | None = None
    task: str | None = None
    occurred_at: datetime | None = None


class AnswerGap(Command, frozen=True, kw_only=True):
    """The agency's answer to gaps of one kind: what it does by which day, or why it does nothing (vault references)."""

    gaps: tuple[str, ...]
    accepted: bool
    action_ref: str | None = None
    due: date | None = None
    reason_ref: str | None = None


class CompleteGapAction(Command, frozen=True, kw_only=True):
    """What the agency answered to a gap is done."""

    gap: str
    occurred_at: datetime | None = None


class ServiceGapAnswered(Moves, frozen=True, kw_only=True):
    """The agency's answer. Where it acts, `deadline` ends with the day by which it has."""

    gap: str
    service_kind: str
    gap_type: str
    accepted: bool
    action_ref: str | None = None
    due: date | None = None
    reason_ref: str | None = None
    deadline: Deadline | None = None
    answered_by: Party
    answered_at: datetime
    referral: str | None = None
    organisation: str | None = None


class GapActionCompleted(Event, frozen=True, kw_only=True):
    """What was answered to a gap is done."""

    gap: str
    service_kind: str
    gap_type: str
    completed_at: datetime
    referral: str | None = None
    organisation: str | None = None


def report_gap(command: ReportGap, context: Context) -> list[ServiceGapReported]:
    """Reports a gap; its clock begins when the agency is told. The same again while it is open changes nothing."""
    allow("report-gap", context, command.by)
    case = context.case
    happened(command.occurred_at, context.at, not_before=trajectory_of(case).accepted_at)
    if command.task is not None:
        check_named(command.task, context)
    event = ServiceGapReported(
        gap=next_gap(case, case.case),
        service_kind=command.service_kind,
        gap_type=command.gap_type,
        provider_ref=command.provider_ref,
        task=command.task,
        reported_by=_party(command.by),
        reported_at=command.at,
        referral=case.referral.referral if case.referral is not None else None,
        organisation=case.organisation,
    )
    return reported(context, event, lead_of(case))


def answer_gap(command: AnswerGap, context: Context) -> list[ServiceGapAnswered]:
    """Answers gaps, each with the same words: what is done by when, or why nothing is."""
    allow("answer-gap", context, command.by)
    gaps = _named(command, context.case)
    today = day_of(context.terms, command.at)
    if faults := [*_answer_faults(command, today)]:
        raise Refused.input(*faults)
    step = Step.SERVICE_GAP_ANSWER.value
    return [
        ServiceGapAnswered(
            gap=gap.gap,
            service_kind=gap.service_kind,
            gap_type=gap.gap_type,
            accepted=command.accepted,
            action_ref=command.action_ref,
            due=command.due,
            reason_ref=command.reason_ref,
            deadline=_until(context, gap, command.at, command.due) if command.due is not None else None,
            answered_by=_party(command.by),
            answered_at=command.at,
            referral=gap.referral,
            organisation=gap.organisation,
            closes=(key_of(step, gap.gap),),
        )
        for gap in gaps
    ]


def complete_gap_action(command: CompleteGapAction, context: Context) -> list[GapActionCompleted]:
    """Records that what was answered is done; once."""
    check_side("complete-gap-action", context, command.by)
    done_before = [
        gap.gap for gap in context.case.gaps if gap.answer is not None and gap.answer.completed_at is not None
    ]
    if command.gap in done_before:
        return []
    allow("complete-gap-action", context, command.by)
    gap = _find(context.case, command.gap, "/gap")
    if gap.answer is None or gap.answer.due is None:
        raise Refused("NOTHING_PROMISED", "the gap has no answer that says what is done, and by when")
    done = happened(command.occurred_at, context.at, not_before=gap.answer.answered_at)
    return [
        GapActionCompleted(
            gap=gap.gap,
            service_kind=gap.service_kind,
            gap_type=gap.gap_type,
            completed_at=done,
            referral=gap.referral,
            organisation=gap.organisation,
        )
    ]


def _until(context: Context, gap: Gap, at: datetime, due: date) -> Deadline:
    return until(context.terms, f"{GAP_ACTION}:{gap.gap}", at, due)


def _named(command: AnswerGap, case: Case) -> list[Gap]:
    found: list[Gap] = []
    for place, name in enumerate(dict.fromkeys(command.gaps)):
        pointer = f"/gaps/{place}" if len(command.gaps) > 1 else "/gap"
        gap = _find(case, name, pointer)
        if gap.state != GapState.OPEN:
            raise Refused("GAP_ANSWERED", f"gap {gap.gap} was answered before, and an answer stands")
        if found and (gap.service_kind, gap.gap_type) != (found[0].service_kind, found[0].gap_type):
            raise Refused.input(Fault(pointer, "GAPS_UNLIKE", "gaps of one service and one type are answered together"))
        found.append(gap)
    return found


def _find(case: Case, name: str, pointer: str) -> Gap:
    gap = next((gap for gap in case.gaps if gap.gap == name), None)
    if gap is None:
        raise Refused.input(Fault(pointer, "GAP_UNKNOWN", "the case has no gap of that id"))
    return gap


def _answer_faults(command: AnswerGap, today: date) -> Iterator[Fault]:
    if not command.accepted:
        if command.reason_ref is None:
            yield Fault("/reason", "REQUIRED", "a gap that is not accepted has a reason", rests_on=("/accepted",))
        if command.due is not None:
            yield Fault("/due", "NOT_EXPECTED", "a day goes with a gap that is accepted", rests_on=("/accepted",))
        if command.action_ref is not None:
            yield Fault(
                "/action", "NOT_EXPECTED", "an action goes with a gap that is accepted", rests_on=("/accepted",)
            )
        return
    # A reason may stand beside an action: why this one.
    if command.action_ref is None:
        yield Fault("/action", "REQUIRED", "say what is done about a gap that is accepted", rests_on=("/accepted",))
    if command.due is None:
        yield Fault("/due", "REQUIRED", "say by which day it is done", rests_on=("/accepted",))
    elif command.due < today:
        yield Fault("/due", "IN_THE_PAST", f"a day from {today} on is accepted")


def _party(by: Actor) -> Party:
    return Party(role=by.role, org=by.org, sub=by.sub)


GapEvent = ServiceGapReported | ServiceGapAnswered | GapActionCompleted


def evolve(case: Case, event: GapEvent) -> Case:
    """The case after an event of a gap."""
    match event:
        case ServiceGapReported():
            return gap_report.evolve(case, event)
        case ServiceGapAnswered():
            answer = GapAnswer(
                accepted=event.accepted,
                action_ref=event.action_ref,
                due=event.due,
                reason_ref=event.reason_ref,
                deadline=event.deadline,
                answered_by=event.answered_by,
                answered_at=event.answered_at,
            )
            return _changed(case, event.gap, answer)
        case GapActionCompleted():
            gap = next((gap for gap in case.gaps if gap.gap == event.gap), None)
            if gap is None or gap.answer is None:
                return case
            return _changed(case, event.gap, replace(gap.answer, completed_at=event.completed_at))
        case _:
            assert_never(event)


def _changed(case: Case, name: str, answer: GapAnswer) -> Case:
    place = next((place for place, gap in enumerate(case.gaps) if gap.gap == name), None)
    if place is None:
        return case
    return replace(case, gaps=case.gaps.changed(place, replace(case.gaps[place], answer=answer)))
