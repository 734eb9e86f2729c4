"""What an agreement may say: its days, its norm, its charter, and that both sides said what they expect."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from services.casefile.domain.case import Context, Match
from services.casefile.domain.mentoring import trajectory_of
from services.casefile.domain.terms import day_of
from services.chassis.modelling.days import last_day
from services.chassis.modelling.decider import Fault

if TYPE_CHECKING:
    from services.casefile.domain.matching import SignAgreement


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
            f"another match keeps the last day of the first agreement, {kept}; later only by an approved extension",
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
    least, version = context.rules.meetings_per_month_min, context.rules.charter_version
    if norm < least:
        yield Fault("/norm", "NORM_TOO_LOW", f"the programme asks for {least} meetings a month or more")
    if command.charter_version not in (None, version):
        yield Fault("/charterVersion", "CHARTER_NOT_IN_FORCE", f"the charter in force is {version}")
    if not command.coordinator_attends_first_meeting:
        yield Fault(
            "/coordinatorAttendsFirstMeeting", "COORDINATOR_ABSENT", "the coordinator attends the first meeting"
        )
    if command.expectations_mentor_ref is None:
        yield Fault("/expectations/mentor", "EXPECTATIONS_MISSING", "an agreement states what both sides expect")
    if command.expectations_mentee_ref is None and not trajectory_of(context.case).mentee_expectations:
        yield Fault("/expectations/mentee", "EXPECTATIONS_MISSING", "an agreement states what both sides expect")
