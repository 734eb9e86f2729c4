"""Changes that the organisation proposes after its acceptance: what was proposed, until when, and what became of it.

An approved change is what it changes (`AgreementExtended`, …) as well; that is decided where the change belongs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, assert_never

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.change_codes import ChangeKind, ProposalState
from contracts.codes import CaseState, Step
from services.casefile.domain.context import Context
from services.casefile.domain.next_steps import mentoring_step
from services.casefile.domain.open_matters import Proposal
from services.casefile.domain.state import WITH_ORGANISATION, Case, referral_of
from services.casefile.domain.steps import Moves, Party, Steps, find
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor
from services.chassis.modelling.ladder import Receiver

CHANGE_DECISION: Final = "CHANGE_DECISION"
_AT_WORK: Final = frozenset({CaseState.MENTORING, CaseState.SUSPENDED})
DECIDED_IN: Final[Mapping[str, frozenset[CaseState]]] = {
    ChangeKind.END.value: _AT_WORK,
    ChangeKind.EXTEND.value: _AT_WORK,
    ChangeKind.COORDINATOR.value: WITH_ORGANISATION,
    ChangeKind.NOT_RELEVANT.value: WITH_ORGANISATION - {CaseState.HANDBACK_DUE, CaseState.HANDBACK_REQUESTED},
}
"""The states in which a proposal of a kind may be open: it lapses when the case leaves them."""
PROPOSED_IN: Final[Mapping[str, frozenset[CaseState]]] = {
    **DECIDED_IN,
    ChangeKind.EXTEND.value: frozenset({CaseState.MENTORING}),
}


class ChangeProposed(Moves, frozen=True, kw_only=True):
    """The organisation proposes a change, and names who is responsible for it; `replaces` is one that was open."""

    proposal: str
    change: str
    proposed_by: Party
    proposed_at: datetime
    reason: str | None = None
    end: date | None = None
    coordinator: Party | None = None
    replaces: str | None = None
    deadline: Deadline
    referral: str
    organisation: str


class ChangeApproved(Moves, frozen=True, kw_only=True):
    """The agency approved the change; why is a vault reference."""

    proposal: str
    change: str
    decided_by: Party
    reason_ref: str | None = None
    referral: str
    organisation: str


class ChangeRejected(Moves, frozen=True, kw_only=True):
    """The agency rejected the change; why is a vault reference."""

    proposal: str
    change: str
    decided_by: Party
    reason_ref: str | None = None
    referral: str
    organisation: str


class ChangeWithdrawn(Moves, frozen=True, kw_only=True):
    """The organisation took its proposal back."""

    proposal: str
    change: str
    referral: str
    organisation: str


class ChangeExpired(Moves, frozen=True, kw_only=True):
    """Nobody decided on the proposal in time; `level` and `notified` as of any missed term."""

    proposal: str
    change: str
    referral: str
    organisation: str
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET


def open_of(case: Case, change: str) -> Proposal | None:
    """The open proposal of a kind: there is one at most."""
    return next((held for held in case.proposals if held.change == change and held.state == ProposalState.OPEN), None)


def proposed(
    context: Context,
    by: Actor,
    change: str,
    *,
    reason: str | None = None,
    end: date | None = None,
    coordinator: Party | None = None,
) -> list[ChangeProposed]:
    """The proposal with the term to decide on it; it replaces an open one of its kind; the same is nothing new."""
    case, at = context.case, context.at
    held = open_of(case, change)
    if held is not None and (held.reason, held.end, held.coordinator) == (reason, end, coordinator):
        return []
    proposal = f"{case.case}.p{len(case.proposals) + 1}"
    due = replace(deadline(context.terms, CHANGE_DECISION, at), name=f"{CHANGE_DECISION}:{proposal}")
    return [
        ChangeProposed(
            proposal=proposal,
            change=change,
            proposed_by=Party(role=by.role, org=by.org, sub=by.sub),
            proposed_at=at,
            reason=reason,
            end=end,
            coordinator=coordinator,
            replaces=held.proposal if held is not None else None,
            deadline=due,
            referral=referral_of(case),
            organisation=case.organisation or by.org,
        )
    ]


def approved(held: Proposal, by: Actor, reason_ref: str | None) -> ChangeApproved:
    """The agency's yes."""
    return ChangeApproved(
        proposal=held.proposal,
        change=held.change,
        decided_by=Party(role=by.role, org=by.org, sub=by.sub),
        reason_ref=reason_ref,
        referral=held.referral,
        organisation=held.organisation,
    )


def rejected(held: Proposal, by: Actor, reason_ref: str | None) -> ChangeRejected:
    """The agency's no."""
    return ChangeRejected(
        proposal=held.proposal,
        change=held.change,
        decided_by=Party(role=by.role, org=by.org, sub=by.sub),
        reason_ref=reason_ref,
        referral=held.referral,
        organisation=held.organisation,
    )


def withdrawn(context: Context, held: Proposal) -> ChangeWithdrawn:
    """The organisation's second thought; what waited for the decision goes on as before."""
    return ChangeWithdrawn(
        proposal=held.proposal,
        change=held.change,
        referral=held.referral,
        organisation=held.organisation,
        renews=_as_before(context, held),
    )


def expired(context: Context, held: Proposal) -> ChangeExpired:
    """The end of the term; what waited for the decision goes on as before."""
    return ChangeExpired(
        proposal=held.proposal,
        change=held.change,
        referral=held.referral,
        organisation=held.organisation,
        renews=_as_before(context, held),
    )


def _as_before(context: Context, held: Proposal) -> Steps:
    """The pair's step, if it waited for a decision on a later end."""
    match = context.case.match
    running = find(context.case.steps, Step.MENTORING)
    if held.change != ChangeKind.EXTEND or match is None or match.agreement is None or running is None:
        return ()
    return (mentoring_step(context, replace(match.agreement, proposed_end=None), running.since),)


ChangeEvent = ChangeProposed | ChangeApproved | ChangeRejected | ChangeWithdrawn | ChangeExpired


def evolve(case: Case, event: ChangeEvent) -> Case:
    """The case after an event of a proposal."""
    match event:
        case ChangeProposed():
            proposal = Proposal(
                proposal=event.proposal,
                change=event.change,
                state=ProposalState.OPEN,
                proposed_by=event.proposed_by,
                proposed_at=event.proposed_at,
                reason=event.reason,
                end=event.end,
                coordinator=event.coordinator,
                deadline=event.deadline,
                referral=event.referral,
                organisation=event.organisation,
            )
            if event.replaces is not None:
                case = _became(case, event.replaces, ProposalState.REPLACED)
            return replace(case, proposals=case.proposals.plus(proposal))
        case ChangeApproved():
            return _became(case, event.proposal, ProposalState.APPROVED)
        case ChangeRejected():
            return _became(case, event.proposal, ProposalState.REJECTED)
        case ChangeWithdrawn():
            return _undecided(_became(case, event.proposal, ProposalState.WITHDRAWN), event.change)
        case ChangeExpired():
            return _undecided(_became(case, event.proposal, ProposalState.EXPIRED), event.change)
        case _:
            assert_never(event)


def _became(case: Case, name: str, state: ProposalState) -> Case:
    place = next((place for place, held in enumerate(case.proposals) if held.proposal == name), None)
    if place is None:
        return case
    return replace(case, proposals=case.proposals.changed(place, replace(case.proposals[place], state=state)))


def _undecided(case: Case, change: str) -> Case:
    """The case whose agreement ends as signed, if it was an extension that nobody decided on."""
    now, match = case.trajectory, case.match
    if change != ChangeKind.EXTEND or now is None or match is None or match.agreement is None:
        return case
    agreement = replace(match.agreement, proposed_end=None)
    return replace(case, trajectory=replace(now, match=replace(match, agreement=agreement)))


def lapsed(case: Case, state: CaseState | None) -> Case:
    """The case that enters a state: what was proposed and cannot be decided there any more has lapsed."""
    for held in case.proposals:
        if held.state == ProposalState.OPEN and state not in DECIDED_IN[held.change]:
            case = _became(case, held.proposal, ProposalState.EXPIRED)
    return case
