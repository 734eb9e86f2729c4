"""The case as a whole: its events, its lifecycle on one screen, and how a command is decided.

Imports lead downwards only: the case knows its phases, a phase knows what phases share, and no phase knows another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Final, Never, TypeVar, assert_never, cast, get_args

from msgspec.structs import replace

from contracts.casefile_codes import AfterMatch
from contracts.codes import CaseState, Step
from contracts.escalation_codes import EscalationReason
from services.casefile.domain import (
    agreement,
    broadcast,
    changes,
    charter_change,
    closing,
    consent_withdrawal,
    correction,
    deadlines,
    disclosure,
    distress,
    escalation,
    exceptions,
    extension,
    gaps,
    handback,
    handback_report,
    intake,
    ladder,
    match_end,
    matching,
    mentoring,
    open_escalations,
    opening,
    organisation_part,
    outcomes,
    people,
    referral_answers,
    referral_entry,
    standing_in,
    suspension,
    tasks,
    trajectory_end,
)
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.broadcast import CaseOffered, OffersEnded
from services.casefile.domain.closing import CaseClosed, CaseReopened
from services.casefile.domain.consent_withdrawal import (
    CaseReturned,
    DisclosureStopped,
    NgoAccessRevoked,
    RecordedAfterWithdrawal,
)
from services.casefile.domain.context import Context
from services.casefile.domain.correction import CorrectionRecorded
from services.casefile.domain.deadlines import CaseFinalised, DeadlineMissed, DeadlineReminded, NgoAccessExpired
from services.casefile.domain.handback import HandbackAccepted, HandbackReturned
from services.casefile.domain.handback_report import HandbackRequested
from services.casefile.domain.intake import ContactAttempted, IntakeConcluded, NoShowReported
from services.casefile.domain.match_end import MatchEnded
from services.casefile.domain.matching import MatchConfirmed, MatchProposed, MatchRejected
from services.casefile.domain.opening import (
    CaseOpened,
    CaseReferred,
    EligibilityConfirmed,
    LegalBasisRecorded,
    ParticipationChosen,
)
from services.casefile.domain.organisation_part import CoordinatorProposed, ResponsibilityTransferred
from services.casefile.domain.referral_answers import ReferralReturned
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.silence import SilenceNoticed
from services.casefile.domain.state import Case
from services.casefile.domain.steps import Moves, moved, moved_beside
from services.casefile.domain.suspension import SuspensionReviewed, TrajectoryResumed, TrajectorySuspended
from services.casefile.domain.trajectory_end import TrajectoryCompleted
from services.chassis.modelling.decider import Command, Entity, To

CaseEvent = (
    referral_entry.ReferralEntryEvent
    | opening.OpeningEvent
    | broadcast.BroadcastEvent
    | broadcast.OfferEvent
    | referral_answers.ReferralReturned
    | organisation_part.TransferEvent
    | intake.IntakeEvent
    | matching.MatchingEvent
    | agreement.AgreementSigned
    | mentoring.MentoringEvent
    | extension.ExtensionEvent
    | changes.ChangeEvent
    | suspension.SuspensionEvent
    | match_end.MatchEnded
    | trajectory_end.TrajectoryCompleted
    | handback_report.HandbackRequested
    | handback.HandbackEvent
    | closing.ClosingEvent
    | outcomes.OutcomeEvent
    | consent_withdrawal.WithdrawalEvent
    | disclosure.DisclosureRefused
    | escalation.EscalationEvent
    | tasks.TaskEvent
    | exceptions.ExceptionEvent
    | charter_change.CharterChangeEvent
    | gaps.GapEvent
    | deadlines.DeadlineEvent
    | people.PeopleEvent
    | correction.CorrectionRecorded
)
"""Everything that may stand in the stream of a case."""

KeepsState = (
    ReferralEntryTaken
    | DeadlineReminded
    | DeadlineMissed
    | ladder.DeadlineEscalated
    | SilenceNoticed
    | mentoring.MentoringEvent
    | ContactAttempted
    | NoShowReported
    | EligibilityConfirmed
    | ParticipationChosen
    | LegalBasisRecorded
    | CoordinatorProposed
    | MatchConfirmed
    | extension.ExtensionEvent
    | changes.ChangeEvent
    | SuspensionReviewed
    | HandbackReturned
    | outcomes.OutcomeEvent
    | DisclosureStopped
    | NgoAccessRevoked
    | RecordedAfterWithdrawal
    | disclosure.DisclosureRefused
    | NgoAccessExpired
    | escalation.EscalationEvent
    | tasks.TaskEvent
    | exceptions.ExceptionEvent
    | charter_change.CharterChangeEvent
    | gaps.GapEvent
    | people.PeopleEvent
    | CorrectionRecorded
)
"""The events that leave a case in the state that it is in."""


def next_state(state: CaseState | None, event: CaseEvent) -> CaseState | None:
    """The states that events lead to, as the tables of a case in docs/domain.md have them."""
    if isinstance(event, KeepsState):
        return state
    match event:
        case CaseOpened() | ReferralReturned() | CaseReturned() | HandbackAccepted() | CaseReopened() | OffersEnded():
            return CaseState.OPENED
        case CaseReferred() | CaseOffered():
            return CaseState.REFERRED
        case ResponsibilityTransferred():
            return CaseState.INTAKE if event.step == Step.INTAKE else state
        case IntakeConcluded():
            return CaseState.MATCHING if event.suitable else state
        case MatchProposed():
            return CaseState.MATCH_PROPOSED
        case MatchRejected():
            return CaseState.MATCHING
        case AgreementSigned() | TrajectoryResumed():
            return CaseState.MENTORING
        case TrajectorySuspended():
            return CaseState.SUSPENDED
        case MatchEnded(next=AfterMatch.REMATCH):
            return CaseState.MATCHING
        case MatchEnded(next=AfterMatch.HANDBACK) | TrajectoryCompleted():
            return CaseState.HANDBACK_DUE
        case MatchEnded():
            return state
        case HandbackRequested():
            return CaseState.HANDBACK_REQUESTED
        case CaseClosed():
            return CaseState.CLOSED
        case CaseFinalised():
            return CaseState.FINALISED
        case _:
            assert_never(event)


def evolve(case: Case, event: CaseEvent) -> Case:
    """The case after one more event: its state, its open steps, and the facts that later decisions rest on."""
    kind = type(event)
    state = case.state if kind in KEEPS_STATE else next_state(case.state, event)
    if state is not case.state and case.proposals:
        case = changes.lapsed(case, state)
    if state is not case.state and case.exceptions:
        case = exceptions.lapsed(case, state)
    # A case is large, and most events leave the state.
    if isinstance(event, Moves):
        case = replace(case, state=state, way=moved(case.way, event), beside=moved_beside(case.beside, event))
        if case.late:
            case = replace(case, late=ladder.still_late(case, event, goes_on=_goes_on(event)))
    elif state is not case.state:
        case = replace(case, state=state)
    return EVOLVES[kind](case, event)


def _goes_on(event: Moves) -> bool:
    """Whether the event moves steps without being the act that a missed term waits for."""
    if isinstance(event, ReferralEntryTaken):
        return event.name in referral_entry.NO_ACTS
    return isinstance(event, DeadlineMissed | open_escalations.EscalationRaised)


_PHASES: Final[tuple[tuple[type | UnionType, Callable[[Case, Never], Case]], ...]] = (
    (referral_entry.ReferralEntryEvent, referral_entry.evolve),
    (deadlines.DeadlineEvent, deadlines.evolve),
    (mentoring.MentoringEvent, mentoring.evolve),
    (opening.OpeningEvent, opening.evolve),
    (broadcast.BroadcastEvent, broadcast.evolve),
    (broadcast.OfferEvent, broadcast.evolve_offer),
    (organisation_part.TransferEvent, organisation_part.evolve),
    (intake.IntakeEvent, intake.evolve),
    (matching.MatchingEvent, matching.evolve),
    (AgreementSigned, agreement.evolve),
    (outcomes.OutcomeEvent, outcomes.evolve),
    (MatchEnded, match_end.evolve),
    (TrajectoryCompleted, trajectory_end.evolve),
    (HandbackRequested, handback_report.evolve),
    (handback.HandbackEvent, handback.evolve),
    (closing.ClosingEvent, closing.evolve),
    (ReferralReturned, referral_answers.evolve),
    (suspension.SuspensionEvent, suspension.evolve),
    (extension.ExtensionEvent, extension.evolve),
    (changes.ChangeEvent, changes.evolve),
    (escalation.EscalationEvent, escalation.evolve),
    (tasks.TaskEvent, tasks.evolve),
    (exceptions.ExceptionEvent, exceptions.evolve),
    (charter_change.CharterChangeEvent, charter_change.evolve),
    (gaps.GapEvent, gaps.evolve),
    (people.PeopleEvent, people.evolve),
    (consent_withdrawal.WithdrawalEvent, consent_withdrawal.evolve),
    (disclosure.DisclosureRefused, disclosure.evolve),
    (CorrectionRecorded, correction.evolve),
)
EVOLVES: Final[Mapping[type, Callable[[Case, CaseEvent], Case]]] = {
    event: cast("Callable[[Case, CaseEvent], Case]", of_phase)
    for events, of_phase in _PHASES
    for event in get_args(events) or (events,)
}
"""What each event changes of the facts that later decisions rest on. Looked up: a fold asks it of every event."""
KEEPS_STATE: Final = frozenset(get_args(KeepsState))


CASE: Entity[Case] = Entity(Case(), evolve)

CaseDecision = Sequence[CaseEvent | To]
"""What a rule decides: events for the case's own stream, and for a mentor's."""

C = TypeVar("C", bound=Command)


def take_in(rule: Callable[[C, Context], CaseDecision], command: C, context: Context) -> list[CaseEvent | To]:
    """What follows from what a message or the clock brings: no caller gave it on the case."""
    return _followed(command, rule(command, context), context)


def decide(rule: Callable[[C, Context], CaseDecision], command: C, context: Context) -> list[CaseEvent | To]:
    """What follows from a command that a caller gives on the case. Raises Refused."""
    command = standing_in.as_substitute(command, context)
    # A colleague who takes over by acting is responsible before the act, so that the steps it begins are theirs.
    first = people.takes_over(command.by, context)
    if first is None:
        return _followed(command, rule(command, context), context)
    taken_over = replace(context, case=evolve(context.case, first))
    return _followed(command, [first, *rule(command, taken_over)], context)


def _followed(command: Command, decided: CaseDecision, context: Context) -> list[CaseEvent | To]:
    # A repeat changes nothing; a term may have been missed while no person could be asked.
    if not decided and not isinstance(command, deadlines.PassDeadline):
        return []
    return with_what_follows(decided, context)


def with_what_follows(decided: CaseDecision, context: Context) -> list[CaseEvent | To]:
    """What was decided of a case, and what follows from it: signs of distress, and a term that one side missed."""
    decided = distress.with_contact(list(decided), context)
    after = _after(context.case, decided)
    signs = distress.followed(decided, replace(context, case=after))
    after = _after(after, signs)
    # Exceptions that are so many replace a public service: each signal is an escalation of its own.
    granted = [event for event in decided if isinstance(event, exceptions.RoleExceptionGranted)]
    for _ in (signal for event in granted for signal in event.signals):
        raised = open_escalations.raised(replace(context, case=after), EscalationReason.SUBSTITUTION_SIGNAL)
        signs, after = [*signs, raised], evolve(after, raised)
    # An agreement that is recorded later may have been signed under a charter that governs no more.
    signed = any(isinstance(event, AgreementSigned) for event in decided)
    changed = charter_change.changed(replace(context, case=after)) if signed else []
    after = _after(after, changed)
    followed = escalation.followed([*decided, *signs, *changed], replace(context, case=after))
    return standing_in.with_substitutes(followed, context.substitutes, after)


def _after(case: Case, decided: CaseDecision) -> Case:
    for event in decided:
        if not isinstance(event, To):
            case = evolve(case, event)
    return case
