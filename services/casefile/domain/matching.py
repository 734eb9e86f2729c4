"""A mentor is proposed, both sides say yes or no, and an agreement is signed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from contracts.casefile_codes import MatchCriterion, Side
from contracts.codes import CaseState, MentorKind, Step
from services.casefile.domain.agreement import agreement_faults, last_days, period_faults
from services.casefile.domain.case import Agreement, Context
from services.casefile.domain.guards import allow, check_pair, check_side, ended
from services.casefile.domain.mentor import MentorEngaged, Profile, lacks, mentor_stream
from services.casefile.domain.mentoring import mentoring_steps, progress_step, trajectory_of
from services.casefile.domain.responsibility import LEFT_OVER, Awaiting, Moves, OpenStep, find, names_but
from services.casefile.domain.terms import day_of, deadline
from services.casefile.domain.trajectory import mentor_released
from services.casefile.domain.word import SayOfASide, check_own_word
from services.chassis.modelling.callers_clock import by_our_clock
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


class ConfirmMatch(SayOfASide, frozen=True, kw_only=True):
    """One side's yes."""


class RejectMatch(SayOfASide, frozen=True, kw_only=True):
    """One side's no, with a reason."""

    reason: str


class SignAgreement(Command, frozen=True, kw_only=True):
    """Sign the agreement. Left out: it starts today, lasts as long as it may, and has the programme's norm."""

    start: date | None = None
    end: date | None = None
    norm: int | None = None
    charter_version: str | None = None
    coordinator_attends_first_meeting: bool = False
    expectations_mentor_ref: str | None = None
    expectations_mentee_ref: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchProposed(Moves):
    """A ready mentor with a free place was proposed, on these criteria; the decision is the coordinator's."""

    match: str
    mentor: str
    organisation: str
    kind: str
    criteria: tuple[str, ...]
    sector_absence_ref: str | None
    proposed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchConfirmed(Moves):
    """One side's yes to the match. Whether it gave it itself, or by somebody else, the actor says."""

    IS_A_WORD: ClassVar[bool] = True
    match: str
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRejected(Moves):
    """One side's no; it costs nobody anything."""

    IS_A_WORD: ClassVar[bool] = True
    match: str
    side: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What was known of the mentor's preparation when the agreement was signed."""

    kind: str
    screened_on: date | None
    trained_on: date | None
    insurance_note_on: date | None
    charter_version: str | None
    charter_acknowledged_on: date | None
    confidentiality_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementSigned(Moves):
    """Both sides signed, under a charter version; `norm` is the meetings a month that they agreed."""

    match: str
    start: date
    end: date
    norm: int
    charter_version: str
    expectations_mentor_ref: str
    expectations_mentee_ref: str | None
    readiness: Readiness
    signed_at: datetime


def propose_match(command: ProposeMatch, context: Context) -> list[Any]:
    """Proposes a ready mentor with a free place; the place is taken from then on."""
    case = context.case
    check_side("propose-match", case, command.by)
    if case.state == CaseState.MATCH_PROPOSED and case.match is not None and case.match.mentor == command.mentor:
        return []
    allow("propose-match", context, command.by)
    mentor = context.mentor
    if mentor is None or mentor.profile is None:
        raise Refused.input(Fault("/mentorRef", "UNKNOWN_MENTOR", "the organisation has no such mentor"))
    if faults := list(_proposal_faults(command, mentor.profile)):
        raise Refused.input(*faults)
    _check_suits(mentor.profile, context)
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
        closes=names_but(case.steps, *LEFT_OVER),
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
            "/conflictOfInterest", "CONFLICT_OF_INTEREST", "a mentor with a conflict of interest is not proposed"
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
    recommended = context.case.referral.recommended_mentor_kind if context.case.referral is not None else None
    if recommended == MentorKind.PROFESSIONAL and profile.kind != MentorKind.PROFESSIONAL:
        raise Refused(
            "PROFESSIONAL_RECOMMENDED",
            "the referral recommends a professional mentor, and a volunteer is not matched against it",
            who_can_unblock="the organisation, by proposing a professional mentor",
        )


def confirm_match(command: ConfirmMatch, context: Context) -> list[Any]:
    """Takes one side's yes; with both, the agreement is the next step."""
    case = context.case
    check_side("confirm-match", case, command.by)
    check_pair(command.side, command.by)
    match = case.match
    if match is not None and command.side in match.confirmed:
        return []
    allow("confirm-match", context, command.by)
    if match is None or command.side not in set(Side):
        raise Refused.input(Fault("/by", "UNKNOWN_CODE", "the side is MENTOR or MENTEE"))
    check_own_word(command)
    when = ended(command.occurred_at, context)
    confirmed = MatchConfirmed(match=match.match, side=command.side)
    if {command.side, *match.confirmed} < set(Side):
        return [confirmed]
    # To sign takes no longer than to say yes.
    due = replace(deadline(context.terms, Step.MATCH_CONFIRMATION, when), name=Step.AGREEMENT.value)
    step = OpenStep(step=Step.AGREEMENT.value, owner=trajectory_of(case).coordinator, since=when, deadlines=(due,))
    return [
        MatchConfirmed(match=match.match, side=command.side, closes=names_but(case.steps, *LEFT_OVER), opens=(step,))
    ]


def reject_match(command: RejectMatch, context: Context) -> list[Any]:
    """Takes one side's no: matching goes on, and the mentor's place is free again."""
    case = context.case
    allow("reject-match", context, command.by)
    check_pair(command.side, command.by)
    match = case.match
    if match is None or command.side not in set(Side):
        raise Refused.input(Fault("/by", "UNKNOWN_CODE", "the side is MENTOR or MENTEE"))
    check_own_word(command)
    when = ended(command.occurred_at, context)
    due = deadline(context.terms, Step.MATCHING, when)
    step = OpenStep(step=Step.MATCHING.value, owner=trajectory_of(case).coordinator, since=when, deadlines=(due,))
    rejected = MatchRejected(
        match=match.match,
        side=command.side,
        reason=command.reason,
        closes=names_but(case.steps, *LEFT_OVER),
        opens=(step,),
    )
    return [*mentor_released(case), rejected]


def sign_agreement(command: SignAgreement, context: Context) -> list[Any]:
    """Signs: mentoring begins, with its check-ins and its report to the counsellor."""
    case = context.case
    check_side("sign-agreement", case, command.by)
    start = command.start or day_of(context.terms, by_our_clock(command.occurred_at or command.at, command.at))
    end = command.end or min(day for day in last_days(start, context) if day is not None)
    norm = command.norm if command.norm is not None else context.rules.meetings_per_month_min
    match = case.match
    held = match.agreement if match is not None else None
    if held is not None and (held.start, held.end, held.norm) == (start, end, norm):
        return []
    allow("sign-agreement", context, command.by)
    if match is None or context.mentor is None or context.mentor.profile is None:
        raise Refused("NO_MATCH", "no match is proposed")
    profile = context.mentor.profile
    faults = [*period_faults(start, end, match, context), *agreement_faults(command, norm, context)]
    if faults or command.expectations_mentor_ref is None:
        raise Refused.input(*faults)
    _check_bound(profile, context)
    when = ended(command.occurred_at, context)
    agreement = Agreement(start=start, end=end, norm=norm, signed_at=when)
    left_over = find(case.steps, Step.PROGRESS_REPORT) is not None
    report = progress_step(context, agreement, when)
    return [
        AgreementSigned(
            match=match.match,
            start=start,
            end=end,
            norm=norm,
            charter_version=context.rules.charter_version,
            expectations_mentor_ref=command.expectations_mentor_ref,
            expectations_mentee_ref=command.expectations_mentee_ref,
            readiness=_readiness(profile),
            signed_at=when,
            closes=names_but(case.steps, *LEFT_OVER),
            # A report that an earlier match left over is still due when it was.
            opens=(*mentoring_steps(context, agreement, when), *((report,) if not left_over else ())),
        )
    ]


def _check_bound(profile: Profile, context: Context) -> None:
    missing = lacks(profile, context.rules.charter_version)
    if profile.confidentiality_on is None:
        missing += ("CONFIDENTIALITY",)
    if missing:
        raise Refused(
            "MENTOR_NOT_READY",
            f"sign-agreement needs a mentor who is ready and bound to confidentiality; lacking: {', '.join(missing)}",
            who_can_unblock="the organisation, by completing the mentor's profile",
        )


def _readiness(profile: Profile) -> Readiness:
    return Readiness(
        kind=profile.kind,
        screened_on=profile.screened_on,
        trained_on=profile.trained_on,
        insurance_note_on=profile.insurance_note_on,
        charter_version=profile.charter_version,
        charter_acknowledged_on=profile.charter_acknowledged_on,
        confidentiality_on=profile.confidentiality_on,
    )
