"""A correction: an event is wrong, and where it was a report, this is how it should read. The log is never edited.

The corrected report is a report like any other: the rule of its own command decides whether it may stand, on the case
as it was then, without the report that was wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from contracts.casefile_codes import ReportOccasion
from contracts.codes import CaseState, Step
from services.casefile.domain.closing import follow_ups
from services.casefile.domain.context import Context, EventRef
from services.casefile.domain.guards import allow
from services.casefile.domain.recurring import check_ins, reviews
from services.casefile.domain.report_facts import CORRECTED_BY, Key, Reported, applied, keys_of, remembers, settles
from services.casefile.domain.state import Case, Trajectory
from services.casefile.domain.steps import Moves, OpenStep, find
from services.casefile.domain.terms import deadline
from services.chassis.modelling.decider import Because, Command, Fault, Refused
from services.chassis.modelling.growing import GrowingTuple


class Correct(Command, frozen=True, kw_only=True):
    """Say that an event of the case is wrong, and why (a vault reference); the event itself stays as it is.

    `holds` is the report that should stand instead, as the command that it would have come by; None with
    `with_holds` where the event named is not a report.
    """

    event: str
    reason_ref: str | None
    with_holds: bool = False
    holds: Command | None = None


class CorrectionRecorded(Moves, frozen=True, kw_only=True):
    """An event of this case is wrong; it stays as it is, and this stands beside it.

    Where it was a report, `was` is what stood until now and `holds` what stands from now on. `referral` is the one
    that the event belongs to, and `source_event_id` the referral service's event where it came by a message; where it
    belongs to none, `organisation` is the agency, which recorded it alone. All are None in what was stored earlier.
    """

    corrects: str
    corrected: str
    reason_ref: str | None
    was: Reported | None = None
    holds: Reported | None = None
    referral: str | None = None
    source_event_id: str | None = None
    organisation: str | None = None


_REPORTS: Final = frozenset({CaseState.MATCHING, CaseState.MATCH_PROPOSED, CaseState.MENTORING, CaseState.SUSPENDED})
"""Where a progress report may be due."""


ReportRule = Callable[[Command, Context], Reported | None]
"""What a report would record, by the rule of its own phase; None where it says what is known already."""


def correct(command: Correct, context: Context, rule: ReportRule) -> list[CorrectionRecorded]:
    """Records a correction beside the event, in any state; with `holds` it is checked like the report that it is."""
    allow("correct", context, command.by)
    named = context.named_event
    if named is None or named.event != command.event:
        raise Refused.input(Fault("/event", "UNKNOWN_EVENT", "the case has no event with this id"))
    if command.with_holds:
        return _corrected(command, named, context, rule)
    if (command.event, command.reason_ref) in context.case.corrected:
        return []
    return [
        CorrectionRecorded(
            corrects=command.event,
            corrected=named.name,
            reason_ref=command.reason_ref,
            referral=named.referral,
            organisation=_alone(named, context),
        )
    ]


def _alone(named: EventRef, context: Context) -> str | None:
    """The organisation that alone reads a correction of what was recorded while the case was with its agency."""
    return context.case.agency if named.referral is None else None


def _corrected(command: Correct, named: EventRef, context: Context, rule: ReportRule) -> list[CorrectionRecorded]:
    was, then, at = named.reported, named.before, named.recorded_at
    if was is None or then is None or at is None or command.holds is None:
        reports = ", ".join(CORRECTED_BY)
        raise Refused.input(
            Fault(
                "/holds",
                "NOT_REPORTED",
                f"{named.name} is not a report; holds is allowed only for {reports}",
                rests_on=("/event",),
            )
        )
    holds = _checked(command.holds, replace(context, case=_without(was, then, context.case), at=at), was, rule)
    if holds == was:
        return []
    case = applied(context.case, was, holds)
    moves = _follows(replace(context, case=case), context.case, then, was, holds)
    return [
        CorrectionRecorded(
            corrects=command.event,
            corrected=named.name,
            reason_ref=command.reason_ref,
            was=was,
            holds=holds,
            referral=named.referral,
            source_event_id=named.source_event_id,
            organisation=_alone(named, context),
            closes=moves.closes,
            opens=moves.opens,
            renews=moves.renews,
        )
    ]


def _without(was: Reported, then: Case, now: Case) -> Case:
    """The case as it was when the report came, with all other reports of the same trajectory or closing."""
    settled = settles(was)
    if settled is not None:
        others = now.settled if settled in now.settled else then.settled
        return replace(then, settled=GrowingTuple(point for point in others if point != settled))
    if then.trajectory is None:
        return then
    others_reported = then.trajectory.reported
    if now.trajectory is not None and remembers(now.trajectory, was):
        others_reported = now.trajectory.reported
    return replace(then, trajectory=replace(then.trajectory, reported=others_reported - keys_of(was)))


def _checked(command: Command, context: Context, was: Reported, rule: ReportRule) -> Reported:
    """What holds, as the rules of its command allow it; a fault points into `holds`."""
    try:
        reported = rule(command, context)
    except Refused as refused:
        if refused.because is not Because.INPUT:
            raise
        raise Refused.input(*(fault.under("/holds") for fault in refused.faults)) from None
    if reported is None or (reported.kind != was.kind and settles(reported) is None):
        raise Refused.input(Fault("/holds", "REPORTED_BEFORE", "the case already has this report"))
    return reported


def _follows(context: Context, before: Case, then: Case, was: Reported, holds: Reported) -> Moves:
    """What is due now that the report reads otherwise, where its terms still run; `then` is the case it came to."""
    case, trajectory, at = context.case, context.case.trajectory, context.at
    if settles(was) is not None:
        return _other_point(context, was, holds, at) if case.settled != before.settled else Moves()
    if trajectory is None or not remembers(trajectory, holds):
        return Moves()
    agreement = case.match.agreement if case.match is not None else None
    match was.kind:
        case "CheckInRecorded" if agreement is not None and case.state == CaseState.MENTORING:
            return check_ins(context, agreement, trajectory, at)
        case "SuspensionReviewed":
            return Moves(renews=reviews(context, trajectory))
        case "ContactAttempted" if case.state == CaseState.INTAKE:
            if any(kind in ("REACHED", "NO_SHOW") for kind, _, _ in trajectory.reported):
                return Moves(closes=(Step.FIRST_CONTACT.value,))
            due = deadline(context.terms, Step.FIRST_CONTACT, trajectory.accepted_at)
            owner = trajectory.coordinator
            return _open(case, OpenStep(step=Step.FIRST_CONTACT.value, owner=owner, since=at, deadlines=(due,)))
        case "ProgressReported" if case.state in _REPORTS and then.trajectory is not None:
            owed = find(then.steps, Step.PROGRESS_REPORT)
            if owed is None:
                return Moves()
            # Those that had been given before did not meet what was due when this one came.
            if _scheduled(trajectory) - _scheduled(then.trajectory):
                return Moves(closes=(Step.PROGRESS_REPORT.value,))
            return _open(case, replace(owed, owner=trajectory.coordinator, since=at))
        case _:
            return Moves()


def _scheduled(trajectory: Trajectory) -> frozenset[Key]:
    return frozenset(key for key in trajectory.reported if key[:2] == ("PROGRESS", ReportOccasion.SCHEDULED))


def _open(case: Case, step: OpenStep) -> Moves:
    return Moves(opens=(step,)) if find(case.steps, step.step) is None else Moves()


def _other_point(context: Context, was: Reported, holds: Reported, at: datetime) -> Moves:
    step, exit_at = find(context.case.steps, Step.OUTCOME_FOLLOW_UP), context.case.followed_from
    if step is None or exit_at is None or was.facts["point"] == holds.facts["point"]:
        return Moves()
    settled = {f"OUTCOME_{point}" for point, _, _ in context.case.settled}
    planned = {due.name: due for due in (*follow_ups(context.terms, exit_at, at), *step.deadlines)}
    left = tuple(due for name, due in planned.items() if name not in settled)
    return Moves(renews=(replace(step, deadlines=left),))


def evolve(case: Case, event: CorrectionRecorded) -> Case:
    """The case once an event is corrected: a report reads otherwise from then on."""
    case = replace(case, corrected=case.corrected | {(event.corrects, event.reason_ref)})
    if event.was is None or event.holds is None:
        return case
    return applied(case, event.was, event.holds)
