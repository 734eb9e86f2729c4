"""An event of a case as it would have been under other terms: the same act at the same time, with other deadlines.

What a term is counted from stands in the event, or in the case as it was before it. Deadlines that end on a given day,
such as that of an agreement, stay where they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from contracts.casefile_codes import AfterMatch
from contracts.codes import CaseState, Step
from contracts.terms import DEFAULT_TERMS
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.case import evolve
from services.casefile.domain.changes import ChangeProposed
from services.casefile.domain.closing import CaseClosed, CaseReopened, follow_ups
from services.casefile.domain.consent_withdrawal import CaseReturned
from services.casefile.domain.context import Context
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.extension import AgreementExtended
from services.casefile.domain.handback import HandbackAccepted, HandbackReturned
from services.casefile.domain.handback_report import HandbackRequested
from services.casefile.domain.intake import IntakeConcluded
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.matching import MatchConfirmed, MatchRejected
from services.casefile.domain.mentoring import CheckInRecorded, MeetingRecorded
from services.casefile.domain.missed_terms import gone_on
from services.casefile.domain.next_steps import progress_step
from services.casefile.domain.open_escalations import to_lead
from services.casefile.domain.recurring import LONGEST_PAUSE, check_ins
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.silence import SILENCE, met, open_question, talked
from services.casefile.domain.state import Agreement
from services.casefile.domain.steps import LEFT_OVER, Moves, OpenStep, began, ended_by, find, step_of
from services.casefile.domain.suspension import SuspensionReviewed, TrajectoryResumed, TrajectorySuspended
from services.casefile.domain.terms import deadline, start_of
from services.casefile.domain.trajectory_end import TrajectoryCompleted
from services.chassis.modelling.deadline import Deadline

_TERM_OF: Final = {
    Step.AGREEMENT.value: "MATCH_CONFIRMATION",
    Step.SERVICE_GAP_ANSWER.value: "SERVICE_GAP",
}
"""By the name of a deadline the term that it is counted by, where the names differ."""
_COUNTED_AGAIN: Final = frozenset({Step.CHECK_IN.value, Step.SUSPENSION_REVIEW.value})
"""Steps whose schedule is made of the whole trajectory, and not of the event."""
_ENDS_THE_WAY: Final = (
    ReferralEntryTaken,
    IntakeConcluded,
    TrajectoryCompleted,
    HandbackRequested,
    HandbackReturned,
    HandbackAccepted,
    CaseClosed,
    CaseReopened,
    CaseReturned,
)
"""What ends every open step of the case's way, and not one that it names."""
_CHECK_INS_MOVE: Final = (AgreementSigned, TrajectoryResumed, CheckInRecorded, AgreementExtended, CorrectionRecorded)


def retimed(event: Any, context: Context, occurred_at: datetime) -> Any:
    """The event under the context's terms. `context` has the case before it; `occurred_at` is the event's.

    Escalations are not its business: they follow from what happens (`domain.case.with_what_follows`).
    """
    if isinstance(event, ChangeProposed):
        due = deadline(context.terms, "CHANGE_DECISION", event.proposed_at)
        return replace(event, deadline=replace(due, name=event.deadline.name))
    if (access := getattr(event, "access", None)) is not None:
        event = replace(event, access=_access(event, access, context, occurred_at))
    if not isinstance(event, Moves):
        return event
    event = replace(
        event,
        closes=_closes(event, context),
        opens=tuple(_again(step, event, context) for step in event.opens if step.step != Step.ESCALATION),
        renews=tuple(
            _renewed(step, context)
            for step in event.renews
            if step.step != Step.ESCALATION and step.key not in _COUNTED_AGAIN
        ),
    )
    return _scheduled(_of_its_kind(event, context), context)


def _access(event: Any, access: Deadline, context: Context, occurred_at: datetime) -> Deadline:
    if isinstance(event, HandbackAccepted):
        return next((held.expires for held in context.case.accesses if held.referral == event.referral), None) or access
    since = getattr(event, "ended_at", None) or (began(event) if isinstance(event, Moves) else None) or occurred_at
    return deadline(context.terms, access.name, since)


def _closes(event: Moves, context: Context) -> tuple[str, ...]:
    """What the event ends of the steps that are open under these terms."""
    if isinstance(event, MeetingRecorded) or not event.closes:
        return ()
    if _ends_the_way(event):
        return tuple(dict.fromkeys((*ended_by(context.case.steps), *_but_escalations(event))))
    if isinstance(event, AgreementSigned | MatchConfirmed | MatchRejected | MatchEnded):
        return ended_by(context.case.steps, *LEFT_OVER)
    kept = _but_escalations(event)
    if isinstance(event, TrajectorySuspended):
        return (*kept, *open_question(context.case))
    if isinstance(event, _CHECK_INS_MOVE):
        return tuple(key for key in kept if step_of(key) != Step.CHECK_IN)
    return kept


def _ends_the_way(event: Moves) -> bool:
    if isinstance(event, MatchEnded):
        return event.next == AfterMatch.HANDBACK
    return isinstance(event, _ENDS_THE_WAY) and (not isinstance(event, ReferralEntryTaken) or bool(event.opens))


def _but_escalations(event: Moves) -> tuple[str, ...]:
    return tuple(key for key in event.closes if step_of(key) != Step.ESCALATION)


def _again(step: OpenStep, event: Moves, context: Context) -> OpenStep:
    if isinstance(event, CaseClosed) and event.exit_at is not None:
        return replace(step, deadlines=follow_ups(context.terms, event.exit_at, step.since))
    return replace(step, deadlines=tuple(_counted(due, step, context) for due in step.deadlines))


def _counted(due: Deadline, step: OpenStep, context: Context) -> Deadline:
    name = step_of(due.name)
    term = _TERM_OF.get(name, name)
    if term not in DEFAULT_TERMS:
        return due
    since, trajectory = step.since, context.case.trajectory
    if term == Step.FIRST_CONTACT and trajectory is not None:
        since = trajectory.accepted_at
    agreement = context.case.match.agreement if context.case.match is not None else None
    if term == Step.PROGRESS_REPORT and agreement is not None:
        return progress_step(context, agreement, since).deadlines[0]
    return replace(deadline(context.terms, term, since), name=due.name)


def _renewed(step: OpenStep, context: Context) -> OpenStep:
    """A step that goes on: what runs in it under these terms, without what the event settled."""
    held = find(context.case.steps, step.step, step.about)
    if held is None or step.step == Step.MENTORING:
        return step
    running = {due.name: due for due in held.deadlines}
    left = tuple(running.get(due.name) or _counted(due, held, context) for due in step.deadlines)
    return replace(step, deadlines=left)


def _of_its_kind(event: Moves, context: Context) -> Moves:
    match event:
        case AgreementSigned():
            signed = Agreement(start=event.start, end=event.end, norm=event.norm, signed_at=event.signed_at)
            report = progress_step(context, signed, event.signed_at)
            opens = tuple(report if step.key == report.key else step for step in event.opens)
            watched = max(event.signed_at, start_of(context.terms, event.start))
            return replace(_watched(event, context, watched), opens=opens)
        case TrajectoryResumed():
            return _watched(event, context, began(event) or context.at)
        case TrajectorySuspended():
            ends = [due.due_at for step in event.opens for due in step.deadlines if due.name == LONGEST_PAUSE]
            return replace(event, until=ends[0]) if ends else event
        case MeetingRecorded():
            if not _watches(event, context):
                return event
            silence, closes = met(context, event.happened_at)
            return replace(event, silence=silence, closes=closes)
        case CheckInRecorded():
            silence, closes = talked(context, event.happened_at)
            return replace(event, silence=silence, closes=(*event.closes, *closes))
        case CaseReopened():
            return event
        case _ if any(step.key == Step.NEXT_SERVICE for step in event.opens) and context.case.lead is not None:
            since = began(event) or context.at
            return replace(event, opens=(*event.opens, *to_lead(context.case, since)))
        case _:
            return event


def _watches(event: MeetingRecorded, context: Context) -> bool:
    """Whether the pair is watched: in what was stored before pairs were, none is."""
    trajectory = context.case.trajectory
    return event.silence is not UNSET or (trajectory is not None and trajectory.silence is not None)


def _watched(
    event: AgreementSigned | TrajectoryResumed, context: Context, since: datetime
) -> AgreementSigned | TrajectoryResumed:
    return event if event.silence is UNSET else replace(event, silence=deadline(context.terms, SILENCE, since))


def _scheduled(event: Moves, context: Context) -> Moves:
    """The event with the check-ins, and the reviews of a pause, that are due after it."""
    if isinstance(event, _CHECK_INS_MOVE):
        bare = replace(event, opens=tuple(step for step in event.opens if step.key != Step.CHECK_IN))
        after = evolve(context.case, bare)
        agreement = after.match.agreement if after.match is not None else None
        if after.state == CaseState.MENTORING and agreement is not None and after.trajectory is not None:
            since = began(bare) or context.at
            moves = check_ins(replace(context, case=after), agreement, after.trajectory, since)
            return _and(bare, moves)
    if isinstance(event, SuspensionReviewed | CorrectionRecorded):
        after = evolve(context.case, event)
        if find(after.steps, Step.SUSPENSION_REVIEW) is not None:
            return _and(event, Moves(renews=gone_on(replace(context, case=after))))
    return event


def _and(event: Moves, more: Moves) -> Moves:
    return replace(
        event,
        closes=(*event.closes, *more.closes),
        opens=(*event.opens, *more.opens),
        renews=(*event.renews, *more.renews),
    )
