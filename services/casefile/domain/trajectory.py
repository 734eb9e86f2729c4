"""The course of a trajectory: it is extended, paused, taken up again, and ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from contracts.casefile_codes import AfterMatch, EndReason
from contracts.codes import CaseState, Step
from services.casefile.domain.case import Case, Context
from services.casefile.domain.check_ins import check_ins
from services.casefile.domain.guards import allow, check_side, ended
from services.casefile.domain.mentor import MentorReleased, mentor_stream
from services.casefile.domain.mentoring import (
    agreement_of,
    mentoring_step,
    mentoring_steps,
    trajectory_of,
)
from services.casefile.domain.responsibility import LEFT_OVER, Moves, OpenStep, find, names, names_but
from services.casefile.domain.terms import Deadline, day_of, deadline
from services.chassis.modelling.days import last_day
from services.chassis.modelling.decider import Command, Fault, Refused, To

_NO_TALK_POSSIBLE = frozenset({EndReason.MENTEE_UNREACHABLE, EndReason.SAFEGUARDING, EndReason.ERROR})


class ExtendAgreement(Command, frozen=True, kw_only=True):
    """Propose a later end: a day, or a number of months; without either, the longest there is."""

    end: date | None = None
    months: int | None = None


class DecideExtension(Command, frozen=True, kw_only=True):
    """The agency's yes or no to the later end, with its reason (a vault reference)."""

    approved: bool
    reason_ref: str | None = None


class Suspend(Command, frozen=True, kw_only=True):
    """Pause the trajectory (`contracts.casefile_codes.SuspendReason`)."""

    reason: str
    occurred_at: datetime | None = None


class Resume(Command, frozen=True, kw_only=True):
    """Take the trajectory up again."""

    occurred_at: datetime | None = None


class EndMatch(Command, frozen=True, kw_only=True):
    """End the match: for another one, or for the handback. `side` says who wished it, where one side did."""

    reason: str
    next: str
    closure_talk: bool = False
    side: str | None = None
    occurred_at: datetime | None = None


class CompleteTrajectory(Command, frozen=True, kw_only=True):
    """The trajectory has come to its end."""

    reason: str
    closure_talk: bool = False
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionProposed(Moves):
    """The organisation proposes a later end; the agency decides."""

    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRefused(Moves):
    """The agency says no to the later end; the agreement ends as signed. Why stands in the vault."""

    end: date
    reason_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementExtended(Moves):
    """The agency approved the later end."""

    end: date
    reason_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectorySuspended(Moves):
    """A pause, reviewed after a while and bounded: it may be resumed no later than `until`."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryResumed(Moves):
    """The pause is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchEnded(Moves):
    """The match ended; `next` is REMATCH or HANDBACK, None where something else ended the trajectory around it.

    `access` is set where the trajectory ends with it: the organisation's access ends so many weeks later.
    """

    match: str
    mentor: str
    reason: str
    side: str | None
    next: str | None
    closure_talk: bool
    ended_at: datetime
    access: Deadline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryCompleted(Moves):
    """The trajectory came to its end; the organisation owes the handback report."""

    reason: str
    closure_talk: bool
    ended_at: datetime
    access: Deadline


def extend_agreement(command: ExtendAgreement, context: Context) -> list[Any]:
    """Proposes a later end, once, and by no more than the programme allows; the agency decides."""
    allow("extend-agreement", context, command.by)
    agreement = agreement_of(context.case)
    latest = _end_after(agreement.end, context.rules.extension_months_max)
    end = command.end or (_end_after(agreement.end, command.months) if command.months is not None else latest)
    # One that is over already would leave the pair without an agreement again.
    earliest = max(agreement.end + timedelta(days=1), day_of(context.terms, command.at))
    if not earliest <= end <= latest:
        pointer = "/months" if command.end is None and command.months is not None else "/end"
        raise Refused.input(
            Fault(
                pointer,
                "EXTENSION_OUT_OF_RANGE",
                f"an extension ends from {earliest} on and by {latest}",
                rests_on=("/end", "/months"),
            )
        )
    if agreement.proposed_end == end:
        return []
    waiting = mentoring_step(
        context, replace(agreement, proposed_end=end), _since(context.case, Step.MENTORING, command.at)
    )
    return [ExtensionProposed(end=end, renews=(waiting,))]


def _end_after(end: date, months: int) -> date:
    # An end is the last day of a period; further months are counted from the day after.
    return last_day(end + timedelta(days=1), months)


def decide_extension(command: DecideExtension, context: Context) -> list[Any]:
    """The agency's word: the agreement ends later, or as signed."""
    allow("decide-extension", context, command.by)
    agreement = agreement_of(context.case)
    end = agreement.proposed_end or agreement.end
    since = _since(context.case, Step.MENTORING, command.at)
    if not command.approved:
        as_signed = mentoring_step(context, replace(agreement, proposed_end=None), since)
        return [ExtensionRefused(end=end, reason_ref=command.reason_ref, renews=(as_signed,))]
    later = replace(agreement, end=end, extended=True, proposed_end=None)
    # The last check-in of the agreement as signed may be done; the longer one has more.
    more = check_ins(context, later, trajectory_of(context.case), command.at)
    if context.case.state != CaseState.MENTORING:
        more = Moves()
    renews = (mentoring_step(context, later, since), *more.renews)
    return [
        AgreementExtended(end=end, reason_ref=command.reason_ref, renews=renews, opens=more.opens, closes=more.closes)
    ]


def suspend(command: Suspend, context: Context) -> list[Any]:
    """Pauses the trajectory; the pause is reviewed, and bounded."""
    case = context.case
    check_side("suspend", case, command.by)
    if case.state == CaseState.SUSPENDED and trajectory_of(case).suspended_for == command.reason:
        return []
    allow("suspend", context, command.by)
    when = ended(command.occurred_at, context)
    review = deadline(context.terms, "SUSPENSION_REVIEW", when)
    longest = deadline(context.terms, "SUSPENSION_MAX", when)
    step = OpenStep(
        step=Step.SUSPENSION_REVIEW.value,
        owner=trajectory_of(case).coordinator,
        since=when,
        deadlines=(review, longest),
    )
    return [
        TrajectorySuspended(
            reason=command.reason,
            until=longest.due_at,
            closes=(Step.MENTORING.value, Step.CHECK_IN.value),
            opens=(step,),
        )
    ]


def resume(command: Resume, context: Context) -> list[Any]:
    """Takes the trajectory up again, within the longest pause there may be."""
    check_side("resume", context.case, command.by)
    # Within its time if it was taken up within its time, also where that is told later.
    when = ended(command.occurred_at, context) if context.case.state == CaseState.SUSPENDED else command.at
    allow("resume", replace(context, at=when), command.by)
    steps = mentoring_steps(context, agreement_of(context.case), when)
    return [TrajectoryResumed(closes=(Step.SUSPENSION_REVIEW.value,), opens=steps)]


def end_match(command: EndMatch, context: Context) -> list[Any]:
    """Ends the match, after a closing talk, for a new one or for the handback."""
    case = context.case
    allow("end-match", context, command.by)
    _check_talk(command.reason, talk=command.closure_talk)
    if command.next not in set(AfterMatch):
        raise Refused.input(Fault("/next", "UNKNOWN_CODE", "what follows is REMATCH or HANDBACK"))
    rematch = command.next == AfterMatch.REMATCH
    if rematch and case.state == CaseState.SUSPENDED:
        raise Refused(
            "STATE_DOES_NOT_ALLOW",
            "end-match with REMATCH is possible in MENTORING; the case is SUSPENDED",
            who_can_unblock="the organisation, by resume",
        )
    when = ended(command.occurred_at, context)
    # What is to be reported stays due over a rematch; the handback's report says it all.
    closes = names_but(case.steps, *LEFT_OVER) if rematch else names(case.steps)
    if rematch:
        due = deadline(context.terms, Step.MATCHING, when)
        step = OpenStep(step=Step.MATCHING.value, owner=trajectory_of(case).coordinator, since=when, deadlines=(due,))
    else:
        step = report_step(context, when)
    return match_ended(
        case,
        command.reason,
        when,
        then=command.next,
        side=command.side,
        closure_talk=command.closure_talk,
        access=None if rematch else access_after(context, when),
        moves=Moves(closes=closes, opens=(step,)),
    )


def complete_trajectory(command: CompleteTrajectory, context: Context) -> list[Any]:
    """Completes the trajectory after a closing talk; the handback report falls due."""
    case = context.case
    allow("complete-trajectory", context, command.by)
    _check_talk(command.reason, talk=command.closure_talk)
    when = ended(command.occurred_at, context)
    return [
        *mentor_released(case),
        TrajectoryCompleted(
            reason=command.reason,
            closure_talk=command.closure_talk,
            ended_at=when,
            access=access_after(context, when),
            closes=names(case.steps),
            opens=(report_step(context, when),),
        ),
    ]


def match_ended(
    case: Case,
    reason: str,
    at: datetime,
    *,
    then: str | None = None,
    side: str | None = None,
    closure_talk: bool = False,
    access: Deadline | None = None,
    moves: Moves | None = None,
) -> list[Any]:
    """The end of the match, if there is one, and the mentor's place free again."""
    if case.match is None:
        return []
    moves = moves or Moves()
    ended = MatchEnded(
        match=case.match.match,
        mentor=case.match.mentor,
        reason=reason,
        side=side,
        next=then,
        closure_talk=closure_talk,
        ended_at=at,
        access=access,
        closes=moves.closes,
        opens=moves.opens,
    )
    return [*mentor_released(case), ended]


def mentor_released(case: Case) -> list[Any]:
    """The mentor's place, free again, in the mentor's own stream."""
    if case.match is None or case.organisation is None:
        return []
    return [To(mentor_stream(case.organisation, case.match.mentor), MentorReleased(case=case.case))]


def report_step(context: Context, since: datetime) -> OpenStep:
    """The coordinator's step to write the handback report."""
    due = deadline(context.terms, Step.HANDBACK_REPORT, since)
    owner = trajectory_of(context.case).coordinator
    return OpenStep(step=Step.HANDBACK_REPORT.value, owner=owner, since=since, deadlines=(due,))


def access_after(context: Context, ended_at: datetime) -> Deadline:
    """When the organisation's access ends: so many weeks after its part has (rule A)."""
    return deadline(context.terms, "NGO_ACCESS", ended_at)


def _check_talk(reason: str, *, talk: bool) -> None:
    if not talk and reason not in _NO_TALK_POSSIBLE:
        raise Refused.input(
            Fault(
                "/closureTalk",
                "CLOSURE_TALK_MISSING",
                "a match ends with a talk, and the talk is recorded",
                rests_on=("/reason",),
            )
        )


def _since(case: Case, step: Step, at: datetime) -> datetime:
    held = find(case.steps, step)
    return held.since if held is not None else at
