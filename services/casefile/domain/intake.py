"""From acceptance to the result of the intake: contact, no-shows, goals and expectations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec import field
from msgspec.structs import replace

from contracts.casefile_codes import EndReason
from contracts.codes import CapitalType, Step
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, ended, happened
from services.casefile.domain.handback_report import HandbackRequested, handed_back
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.state import Case, trajectory_of, with_reported
from services.casefile.domain.steps import Moves, OpenStep, ended_by
from services.casefile.domain.terms import deadline
from services.chassis.modelling.decider import Command, Fault, Refused, To

NO_SHOWS_MAX = 3
"""After so many the organisation hands back (docs/domain.md)."""


class LogContactAttempt(Command, frozen=True, kw_only=True):
    """Somebody tried to reach the person, and did or did not."""

    occurred_at: datetime | None = None
    channel: str | None = None
    reached: bool = True


class ReportNoShow(Command, frozen=True, kw_only=True):
    """The person did not come to an appointment."""

    occurred_at: datetime | None = None


class ConcludeIntake(Command, frozen=True, kw_only=True):
    """The result: suitable, with goals and expectations; or not, with a reason and the needs that stay open."""

    suitable: bool
    goals: tuple[str, ...] = ()
    expectations_ref: str | None = None
    cefr: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    open_needs: tuple[str, ...] = ()
    recommended_next_step: str | None = None
    occurred_at: datetime | None = None


class ContactAttempted(Moves, frozen=True, kw_only=True):
    """Somebody tried to reach the person."""

    happened_at: datetime
    channel: str | None
    reached: bool


class NoShowReported(Moves, frozen=True, kw_only=True):
    """The person did not come to an appointment. No authority that sanctions gets this event."""

    happened_at: datetime
    count: int


class IntakeConcluded(Moves, frozen=True, kw_only=True):
    """The intake's result: goals by capital type, the mentee's expectations, language per skill; or why not."""

    suitable: bool
    goals: tuple[str, ...]
    expectations_ref: str | None
    cefr: dict[str, str]
    reason: str | None


def log_contact_attempt(command: LogContactAttempt, context: Context) -> list[ContactAttempted]:
    """Logs an attempt; reaching the person meets the term for the first contact."""
    allow("log-contact-attempt", context, command.by)
    trajectory = trajectory_of(context.case)
    when = happened(command.occurred_at, command.at, not_before=trajectory.accepted_at)
    if ("CONTACT", "", when) in trajectory.reported:
        return []
    return [
        ContactAttempted(
            happened_at=when,
            channel=command.channel,
            reached=command.reached,
            closes=(Step.FIRST_CONTACT.value,) if command.reached else (),
        )
    ]


def report_no_show(
    command: ReportNoShow, context: Context
) -> list[NoShowReported | HandbackRequested | MatchEnded | To]:
    """Counts a no-show; the third hands the case back."""
    allow("report-no-show", context, command.by)
    trajectory = trajectory_of(context.case)
    when = happened(command.occurred_at, command.at, not_before=trajectory.accepted_at)
    if ("NO_SHOW", "", when) in trajectory.reported:
        return []
    # A person who agreed on an appointment was reached.
    reported = NoShowReported(happened_at=when, count=trajectory.no_shows + 1, closes=(Step.FIRST_CONTACT.value,))
    if reported.count < NO_SHOWS_MAX:
        return [reported]
    return [reported, *handed_back(context, command.at, EndReason.MENTEE_UNREACHABLE.value)]


def conclude_intake(
    command: ConcludeIntake, context: Context
) -> list[IntakeConcluded | HandbackRequested | MatchEnded | To]:
    """Concludes the intake: matching begins, or the case is handed back with the reason."""
    allow("conclude-intake", context, command.by)
    if faults := list(_faults(command)):
        raise Refused.input(*faults)
    since = ended(command.occurred_at, context)
    due = deadline(context.terms, Step.MATCHING, since)
    owner = trajectory_of(context.case).coordinator
    matching = OpenStep(step=Step.MATCHING.value, owner=owner, since=since, deadlines=(due,))
    concluded = IntakeConcluded(
        suitable=command.suitable,
        goals=command.goals,
        expectations_ref=command.expectations_ref,
        cefr=command.cefr,
        reason=command.reason,
        closes=ended_by(context.case.steps) if command.suitable else (),
        opens=(matching,) if command.suitable else (),
    )
    if command.suitable or command.reason is None:
        return [concluded]
    back = handed_back(
        context,
        command.at,
        command.reason,
        open_needs=command.open_needs,
        recommended_next_step=command.recommended_next_step,
    )
    return [concluded, *back]


def _faults(command: ConcludeIntake) -> Iterable[Fault]:
    on = ("/suitable",)
    for place, goal in enumerate(command.goals):
        if goal not in set(CapitalType):
            yield Fault(f"/goals/{place}", "UNKNOWN_CODE", "a goal is typed by one of the five capitals")
    if not command.suitable:
        if command.reason is None:
            yield Fault("/reason", "REQUIRED", "an intake that does not lead to mentoring needs a reason").resting_on(
                *on
            )
        return
    if command.reason is not None:
        yield Fault(
            "/reason", "NOT_EXPECTED", "a reason goes with an intake that does not lead to mentoring"
        ).resting_on(*on)
    if not command.goals:
        yield Fault(
            "/goals", "GOAL_REQUIRED", "at least one goal, typed by the capital that mentoring adds"
        ).resting_on(*on)
    if command.expectations_ref is None:
        yield Fault("/expectations", "REQUIRED", "what the mentee expects is recorded at the start").resting_on(*on)


IntakeEvent = ContactAttempted | NoShowReported | IntakeConcluded


def evolve(case: Case, event: IntakeEvent) -> Case:
    """The case after an event of the intake."""
    match event:
        case ContactAttempted():
            reached = (("REACHED", "", event.happened_at),) if event.reached else ()
            return with_reported(case, ("CONTACT", "", event.happened_at), *reached)
        case NoShowReported():
            case = with_reported(case, ("NO_SHOW", "", event.happened_at))
            now = case.trajectory
            return case if now is None else replace(case, trajectory=replace(now, no_shows=event.count))
        case IntakeConcluded():
            if (now := case.trajectory) is None:
                return case
            expected = event.expectations_ref is not None
            return replace(case, trajectory=replace(now, goals=event.goals, mentee_expectations=expected))
        case _:
            assert_never(event)
