"""The commands about changes after an acceptance: the organisation proposes or takes back, and the agency decides.

They put together what belongs to other phases: an extension is the agreement's, a coordinator the people's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from contracts.casefile_codes import CloseReason, EndReason
from contracts.change_codes import ChangeKind, ProposalState
from services.casefile.domain import extension
from services.casefile.domain.changes import (
    PROPOSED_IN,
    ChangeApproved,
    ChangeProposed,
    ChangeRejected,
    ChangeWithdrawn,
    approved,
    proposed,
    rejected,
    withdrawn,
)
from services.casefile.domain.context import Context
from services.casefile.domain.extension import DecideExtension, ExtendAgreement, ExtensionEvent
from services.casefile.domain.guards import allow
from services.casefile.domain.open_matters import Proposal
from services.casefile.domain.people import CoordinatorReassigned, handed_over
from services.casefile.domain.state import Case, trajectory_of
from services.casefile.domain.steps import Party
from services.chassis.modelling.decider import Command, Fault, Refused

_REASONS = {
    ChangeKind.END.value: frozenset(reason.value for reason in EndReason),
    ChangeKind.NOT_RELEVANT.value: frozenset(reason.value for reason in (*EndReason, *CloseReason)),
}
_FIELDS = {
    "/reason": frozenset(_REASONS),
    "/end": frozenset({ChangeKind.EXTEND.value}),
    "/months": frozenset({ChangeKind.EXTEND.value}),
    "/coordinator": frozenset({ChangeKind.COORDINATOR.value}),
}
"""Which kinds of change a field goes with."""


class ProposeChange(Command, frozen=True, kw_only=True):
    """Propose a change (`contracts.change_codes.ChangeKind`), with what goes with its kind."""

    change: str
    reason: str | None = None
    end: date | None = None
    months: int | None = None
    coordinator: str | None = None


class DecideChange(Command, frozen=True, kw_only=True):
    """The agency's yes or no to a proposal; why is a vault reference."""

    proposal: str
    approved: bool
    reason_ref: str | None = None


class WithdrawChange(Command, frozen=True, kw_only=True):
    """The organisation takes a proposal back."""

    proposal: str


def propose_change(command: ProposeChange, context: Context) -> list[ChangeProposed | ExtensionEvent]:
    """Proposes a change that the case's state allows; the same as is open changes nothing."""
    allow("propose-change", context, command.by)
    case = context.case
    if case.state not in PROPOSED_IN[command.change]:
        raise Refused(
            "STATE_DOES_NOT_ALLOW",
            f"{command.change} is proposed in {', '.join(sorted(PROPOSED_IN[command.change]))}; "
            f"the case is {case.state}",
        )
    if faults := [*_faults(command)]:
        raise Refused.input(*faults)
    if command.change == ChangeKind.EXTEND:
        extend = ExtendAgreement(at=command.at, by=command.by, end=command.end, months=command.months)
        return [*extension.extend_agreement(extend, context)]
    receiver: Party | None = None
    if command.coordinator is not None:
        now = trajectory_of(case).coordinator
        receiver = Party(role=now.role, org=now.org, sub=command.coordinator)
        if receiver == now:
            return []
    return [*proposed(context, command.by, command.change, reason=command.reason, coordinator=receiver)]


def _faults(command: ProposeChange) -> Iterator[Fault]:
    given = {
        "/reason": command.reason,
        "/end": command.end,
        "/months": command.months,
        "/coordinator": command.coordinator,
    }
    for pointer, kinds in _FIELDS.items():
        if given[pointer] is not None and command.change not in kinds:
            yield Fault(pointer, "NOT_EXPECTED", f"it goes with {', '.join(sorted(kinds))}", rests_on=("/change",))
    if command.end is not None and command.months is not None:
        yield Fault("/months", "NOT_EXPECTED", "an extension has a day or a number of months", rests_on=("/end",))
    if command.change in _REASONS:
        if command.reason is None:
            yield Fault("/reason", "REQUIRED", "say why, as a code", rests_on=("/change",))
        elif command.reason not in _REASONS[command.change]:
            codes = ", ".join(sorted(_REASONS[command.change]))
            yield Fault("/reason", "UNKNOWN_CODE", f"one of {codes} is accepted", rests_on=("/change",))
    if command.change == ChangeKind.COORDINATOR and command.coordinator is None:
        yield Fault("/coordinator", "REQUIRED", "name who is to coordinate", rests_on=("/change",))


def decide_change(
    command: DecideChange, context: Context
) -> list[ChangeApproved | ChangeRejected | ExtensionEvent | CoordinatorReassigned]:
    """The agency decides, and what was approved is done with it."""
    allow("decide-change", context, command.by)
    held = _open(context.case, command.proposal)
    if held.change == ChangeKind.EXTEND:
        decision = DecideExtension(
            at=command.at, by=command.by, approved=command.approved, reason_ref=command.reason_ref
        )
        return [*extension.decide_extension(decision, context)]
    if not command.approved:
        return [rejected(held, command.by, command.reason_ref)]
    yes = approved(held, command.by, command.reason_ref)
    if held.coordinator is None:
        return [yes]
    now = trajectory_of(context.case).coordinator
    if held.coordinator == now:
        return [yes]
    return [yes, handed_over(context, held.coordinator)]


def withdraw_change(command: WithdrawChange, context: Context) -> list[ChangeWithdrawn]:
    """Takes an open proposal back."""
    allow("withdraw-change", context, command.by)
    return [withdrawn(context, _open(context.case, command.proposal))]


def _open(case: Case, name: str) -> Proposal:
    held = next((held for held in case.proposals if held.proposal == name), None)
    if held is None:
        raise Refused.input(Fault("/proposal", "PROPOSAL_UNKNOWN", "the case has no proposal of that id"))
    if held.state != ProposalState.OPEN:
        raise Refused("PROPOSAL_DECIDED", f"proposal {held.proposal} is {held.state} and waits for nothing")
    return held
