"""The agreement of a pair: its days, its norm, its charter, and that both sides said what they expect."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from contracts.casefile_codes import AcknowledgingSide
from contracts.codes import Step
from services.casefile.domain.charter import check_signed
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_side, ended
from services.casefile.domain.mentor import Profile, lacks, lacks_confidentiality
from services.casefile.domain.next_steps import mentoring_steps, progress_step
from services.casefile.domain.silence import SILENCE
from services.casefile.domain.state import Agreement, Case, Match, trajectory_of, with_silence
from services.casefile.domain.steps import LEFT_OVER, Moves, ended_by, find
from services.casefile.domain.task_state import CharterInUse
from services.casefile.domain.terms import day_of, deadline, start_of
from services.chassis.modelling.callers_clock import by_our_clock
from services.chassis.modelling.days import last_day
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Fault, Refused


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


class Readiness(Struct, frozen=True, kw_only=True):
    """What was known of the mentor's preparation when the agreement was signed, with the versions acknowledged."""

    kind: str
    screened_on: date | None
    trained_on: date | None
    insurance_note_on: date | None
    charter_version: str | None
    charter_acknowledged_on: date | None
    confidentiality_on: date | None
    confidentiality_version: str | UnsetType = UNSET


class AgreementSigned(Moves, frozen=True, kw_only=True):
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
    silence: Deadline | UnsetType = UNSET


def sign_agreement(command: SignAgreement, context: Context) -> list[AgreementSigned]:
    """Signs: mentoring begins, with its check-ins and its report to the counsellor."""
    case = context.case
    check_side("sign-agreement", context, command.by)
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
    version = context.rules_then.charter_version
    check_signed(context.charter, version, case.agency, case.organisation or "")
    if find(case.steps, Step.CHARTER_ACKNOWLEDGEMENT, AcknowledgingSide.COORDINATOR.value) is not None:
        raise Refused(
            "CHARTER_NOT_ACKNOWLEDGED",
            "sign-agreement needs a coordinator who has acknowledged the charter that governs now",
            who_can_unblock="the coordinator, by acknowledge-charter",
        )
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
            charter_version=version,
            expectations_mentor_ref=command.expectations_mentor_ref,
            expectations_mentee_ref=command.expectations_mentee_ref,
            readiness=_readiness(profile),
            signed_at=when,
            silence=deadline(context.terms, SILENCE, max(when, start_of(context.terms, start))),
            closes=ended_by(case.steps, *LEFT_OVER),
            # A report that an earlier match left over is still due when it was.
            opens=(*mentoring_steps(context, agreement, when), *((report,) if not left_over else ())),
        )
    ]


def _check_bound(profile: Profile, context: Context) -> None:
    rules = context.rules_then
    missing = (
        *lacks(profile, rules.charter_version),
        *lacks_confidentiality(profile, rules.confidentiality_version),
    )
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
        confidentiality_version=profile.confidentiality_version or UNSET,
    )


def last_days(start: date, context: Context) -> tuple[date, date | None]:
    """The longest that an agreement may last, and the day on which the trajectory's first agreement ends."""
    trajectory = context.case.trajectory
    return last_day(start, context.rules.agreement_months_max), trajectory.last_day if trajectory is not None else None


def period_faults(start: date, end: date, match: Match, context: Context) -> Iterable[Fault]:
    """What is wrong with the days on which an agreement starts and ends."""
    proposed_on = day_of(context.terms, match.proposed_at)
    latest, kept = last_days(start, context)
    on = ("/start", "/occurredAt")
    if start < proposed_on:
        yield Fault(
            "/start",
            "TOO_EARLY",
            f"an agreement starts no earlier than the match was proposed, {proposed_on}",
            rests_on=on,
        )
    if end < start:
        yield Fault("/end", "BEFORE_START", "an agreement ends no earlier than it starts", rests_on=on)
    if kept is not None and start > kept:
        yield Fault(
            "/start",
            "AFTER_LAST_DAY",
            f"the first agreement ended on {kept}, and was not extended in time",
            rests_on=on,
        )
    elif kept is not None and end > kept:
        yield Fault(
            "/end",
            "AFTER_LAST_DAY",
            f"a further match ends by the last day of the first agreement, {kept}, unless an extension is approved",
            rests_on=on,
        )
    if end > latest:
        yield Fault(
            "/end",
            "AGREEMENT_TOO_LONG",
            f"at most {context.rules.agreement_months_max} months: an agreement from {start} ends by {latest}",
            rests_on=on,
        )


def agreement_faults(command: SignAgreement, norm: int, context: Context) -> Iterable[Fault]:
    """What else an agreement lacks or must not say; `norm` is how many meetings a month it names."""
    least, version = context.rules.meetings_per_month_min, context.rules_then.charter_version
    if norm < least:
        yield Fault("/norm", "NORM_TOO_LOW", f"the programme asks for {least} meetings a month or more")
    if command.charter_version not in (None, version):
        yield Fault("/charterVersion", "CHARTER_NOT_IN_FORCE", f"the charter in force is {version}")
    if not command.coordinator_attends_first_meeting:
        yield Fault(
            "/coordinatorAttendsFirstMeeting", "COORDINATOR_ABSENT", "the coordinator must attend the first meeting"
        )
    if command.expectations_mentor_ref is None:
        yield Fault("/expectations/mentor", "EXPECTATIONS_MISSING", "an agreement states what both sides expect")
    if command.expectations_mentee_ref is None and not trajectory_of(context.case).mentee_expectations:
        yield Fault("/expectations/mentee", "EXPECTATIONS_MISSING", "an agreement states what both sides expect")


def evolve(case: Case, event: AgreementSigned) -> Case:
    """The case with the agreement in force; the first one sets the last day of the trajectory."""
    if (now := case.trajectory) is None:
        return replace(case, agreed=True)
    match = now.match
    if match is not None:
        signed = Agreement(
            start=event.start,
            end=event.end,
            norm=event.norm,
            signed_at=event.signed_at,
            extended=now.extended,
            charter_version=event.charter_version,
        )
        match = replace(match, agreement=signed)
    charter = CharterInUse(version=event.charter_version)
    begun = replace(now, match=match, last_day=now.last_day or event.end, rejections=0, charter=charter)
    return with_silence(replace(case, agreed=True, trajectory=begun), event.silence)
