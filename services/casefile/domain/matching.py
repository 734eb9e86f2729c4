"""A mentor is proposed, and both sides say yes or no."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.casefile_codes import MatchCriterion, Side
from contracts.codes import CaseState, MentorKind, Step
from contracts.task_codes import ExceptionRule, ExceptionState
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_pair, check_side, ended
from services.casefile.domain.match_end import mentor_released
from services.casefile.domain.mentor import MentorEngaged, Profile, lacks, mentor_stream
from services.casefile.domain.side_answers import SideAnswer, check_on_behalf
from services.casefile.domain.state import Case, Match, trajectory_of
from services.casefile.domain.steps import LEFT_OVER, Awaiting, Moves, OpenStep, ended_by
from services.casefile.domain.task_state import RoleException, granted, with_state
from services.casefile.domain.terms import deadline
from services.chassis.modelling.decider import Command, Fault, Refused, To


class ProposeMatch(Command, frozen=True, kw_only=True):
    """Propose a mentor. Without the sector among the criteria, its absence is justified (`sector_absence_ref`).

    `kind`, where it is given, is the kind that the caller takes the mentor to be.
    """

    match: str
    mentor: str
    kind: str | None = None
    criteria: tuple[str, ...] = ()
    sector_absence_ref: str | None = None
    conflict_of_interest: bool = False


class ConfirmMatch(SideAnswer, frozen=True, kw_only=True):
    """One side's yes."""


class RejectMatch(SideAnswer, frozen=True, kw_only=True):
    """One side's no, with a reason."""

    reason: str


class MatchProposed(Moves, frozen=True, kw_only=True):
    """A ready mentor with a free place was proposed, on these criteria; the decision is the coordinator's.

    `exception` is the one that a volunteer was proposed by where a professional is recommended.
    """

    match: str
    mentor: str
    organisation: str
    kind: str
    criteria: tuple[str, ...]
    sector_absence_ref: str | None
    proposed_at: datetime
    # Unset, it is not written at all: proposals that need none have the bytes that they always had.
    exception: str | UnsetType = UNSET


class MatchConfirmed(Moves, frozen=True, kw_only=True):
    """One side's yes to the match. Whether it gave it itself, or by somebody else, the actor says."""

    PASSED_ON: ClassVar[bool] = True
    match: str
    side: str


class MatchRejected(Moves, frozen=True, kw_only=True):
    """One side's no, which has no consequences for either side."""

    PASSED_ON: ClassVar[bool] = True
    match: str
    side: str
    reason: str


def propose_match(command: ProposeMatch, context: Context) -> list[MatchProposed | To]:
    """Proposes a ready mentor with a free place; the place is taken from then on."""
    case = context.case
    check_side("propose-match", context, command.by)
    if case.state == CaseState.MATCH_PROPOSED and case.match is not None and case.match.mentor == command.mentor:
        return []
    allow("propose-match", context, command.by)
    mentor = context.mentor
    if mentor is None or mentor.profile is None:
        raise Refused.input(Fault("/mentorRef", "UNKNOWN_MENTOR", "the organisation has no such mentor"))
    if faults := list(_proposal_faults(command, mentor.profile)):
        raise Refused.input(*faults)
    _check_suits(mentor.profile, context)
    excepted = _exception_for(mentor.profile, context)
    if not mentor.has_place_for(case.case):
        raise Refused(
            "MENTOR_AT_CAPACITY",
            f"the mentor has {mentor.profile.capacity} place(s), and proposed or running matches take them",
            who_can_unblock="the organisation, when a match ends or by the mentor's capacity",
        )
    coordinator = trajectory_of(case).coordinator
    due = deadline(context.terms, Step.MATCH_CONFIRMATION, command.at)
    step = OpenStep(
        step=Step.MATCH_CONFIRMATION.value,
        owner=coordinator,
        since=command.at,
        deadlines=(due,),
        awaiting=Awaiting(org=coordinator.org, action="confirm-match", due_at=due.due_at),
    )
    proposed = MatchProposed(
        match=command.match,
        mentor=command.mentor,
        organisation=coordinator.org,
        kind=mentor.profile.kind,
        criteria=command.criteria,
        sector_absence_ref=command.sector_absence_ref,
        proposed_at=command.at,
        exception=excepted.exception if excepted is not None else UNSET,
        closes=ended_by(case.steps, *LEFT_OVER),
        opens=(step,),
    )
    return [To(mentor_stream(coordinator.org, command.mentor), MentorEngaged(case=case.case)), proposed]


def _proposal_faults(command: ProposeMatch, profile: Profile) -> Iterable[Fault]:
    if command.kind not in (None, profile.kind):
        yield Fault(
            "/kind", "NOT_THE_MENTORS_KIND", f"the mentor's profile says {profile.kind}", rests_on=("/mentorRef",)
        )
    if command.conflict_of_interest:
        yield Fault(
            "/conflictOfInterest", "CONFLICT_OF_INTEREST", "a mentor with a conflict of interest cannot be proposed"
        )
    if MatchCriterion.SECTOR not in command.criteria and command.sector_absence_ref is None:
        yield Fault(
            "/criteria", "SECTOR_CRITERION", "match on the sector, or justify why not", rests_on=("/sectorAbsence",)
        )


def _check_suits(profile: Profile, context: Context) -> None:
    if missing := lacks(profile, context.rules.charter_version):
        raise Refused(
            "MENTOR_NOT_READY",
            f"propose-match needs a ready mentor; still lacking: {', '.join(missing)}",
            who_can_unblock="the organisation, by completing the mentor's profile",
        )


def _exception_for(profile: Profile, context: Context) -> RoleException | None:
    """The exception by which a volunteer is proposed where a professional is asked for; None where it needs none."""
    case = context.case
    if not asks_for_professional(context) or profile.kind == MentorKind.PROFESSIONAL:
        return None
    if (excepted := granted(case.exceptions, case.organisation, ExceptionRule.MENTOR_KIND)) is not None:
        return excepted
    raise Refused(
        "PROFESSIONAL_RECOMMENDED",
        "the referral recommends a professional mentor; a volunteer cannot be proposed without an exception",
        who_can_unblock="the organisation, by proposing a professional mentor, or its lead, by an exception from the "
        "rule MENTOR_KIND (request-exception)",
    )


def asks_for_professional(context: Context) -> bool:
    """Whether the referral recommends a professional mentor, or the person has a need for which the programme asks."""
    if (referral := context.case.referral) is None:
        return False
    needs = set(referral.support_needs) & set(context.rules.professional_for)
    return referral.recommended_mentor_kind == MentorKind.PROFESSIONAL or bool(needs)


def confirm_match(command: ConfirmMatch, context: Context) -> list[MatchConfirmed]:
    """Takes one side's yes; with both, the agreement is the next step."""
    case = context.case
    check_side("confirm-match", context, command.by)
    check_pair(command.side, command.by)
    match = case.match
    if match is not None and command.side in match.confirmed:
        return []
    allow("confirm-match", context, command.by)
    if match is None or command.side not in set(Side):
        raise Refused.input(Fault("/by", "UNKNOWN_CODE", "the side is MENTOR or MENTEE"))
    check_on_behalf(command)
    when = ended(command.occurred_at, context)
    confirmed = MatchConfirmed(match=match.match, side=command.side)
    if {command.side, *match.confirmed} < set(Side):
        return [confirmed]
    # To sign takes no longer than to say yes.
    due = replace(deadline(context.terms, Step.MATCH_CONFIRMATION, when), name=Step.AGREEMENT.value)
    step = OpenStep(step=Step.AGREEMENT.value, owner=trajectory_of(case).coordinator, since=when, deadlines=(due,))
    return [
        MatchConfirmed(match=match.match, side=command.side, closes=ended_by(case.steps, *LEFT_OVER), opens=(step,))
    ]


def reject_match(command: RejectMatch, context: Context) -> list[MatchRejected | To]:
    """Takes one side's no: matching goes on, and the mentor's place is free again."""
    case = context.case
    allow("reject-match", context, command.by)
    check_pair(command.side, command.by)
    match = case.match
    if match is None or command.side not in set(Side):
        raise Refused.input(Fault("/by", "UNKNOWN_CODE", "the side is MENTOR or MENTEE"))
    check_on_behalf(command)
    when = ended(command.occurred_at, context)
    due = deadline(context.terms, Step.MATCHING, when)
    step = OpenStep(step=Step.MATCHING.value, owner=trajectory_of(case).coordinator, since=when, deadlines=(due,))
    rejected = MatchRejected(
        match=match.match,
        side=command.side,
        reason=command.reason,
        closes=ended_by(case.steps, *LEFT_OVER),
        opens=(step,),
    )
    return [*mentor_released(case, when), rejected]


MatchingEvent = MatchProposed | MatchConfirmed | MatchRejected


def evolve(case: Case, event: MatchingEvent) -> Case:
    """The case after an event of matching."""
    if (now := case.trajectory) is None:
        return case
    match event:
        case MatchProposed():
            exceptions = case.exceptions
            if event.exception is not UNSET:
                exceptions = with_state(exceptions, event.exception, ExceptionState.USED)
            return replace(case, exceptions=exceptions, trajectory=replace(now, match=_proposed(event)))
        case MatchConfirmed():
            if now.match is None:
                return case
            confirmed = replace(now.match, confirmed=now.match.confirmed | {event.side})
            return replace(case, trajectory=replace(now, match=confirmed))
        case MatchRejected():
            return replace(case, trajectory=replace(now, match=None, rejections=now.rejections + 1))
        case _:
            assert_never(event)


def _proposed(event: MatchProposed) -> Match:
    return Match(
        match=event.match,
        mentor=event.mentor,
        kind=event.kind,
        proposed_at=event.proposed_at,
        criteria=event.criteria,
        due_at=next((step.due_at for step in event.opens), None),
    )
