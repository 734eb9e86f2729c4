"""A later end of the agreement: the organisation proposes it, and the agency decides."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from contracts.change_codes import ChangeKind
from contracts.codes import CaseState, Step
from services.casefile.domain.changes import (
    ChangeApproved,
    ChangeProposed,
    ChangeRejected,
    approved,
    open_of,
    proposed,
    rejected,
)
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_extended_once
from services.casefile.domain.next_steps import mentoring_step
from services.casefile.domain.recurring import check_ins
from services.casefile.domain.state import Case, Trajectory, agreement_of, trajectory_of
from services.casefile.domain.steps import Moves, find
from services.casefile.domain.terms import day_of
from services.chassis.modelling.days import last_day
from services.chassis.modelling.decider import Command, Fault, Refused


class ExtendAgreement(Command, frozen=True, kw_only=True):
    """Propose a later end: a day, or a number of months; without either, the longest there is."""

    end: date | None = None
    months: int | None = None


class DecideExtension(Command, frozen=True, kw_only=True):
    """The agency's yes or no to the later end, with its reason (a vault reference)."""

    approved: bool
    reason_ref: str | None = None


class ExtensionProposed(Moves, frozen=True, kw_only=True):
    """The organisation proposes a later end; the agency decides."""

    end: date


class ExtensionRefused(Moves, frozen=True, kw_only=True):
    """The agency says no to the later end; the agreement ends as signed. Why stands in the vault."""

    end: date
    reason_ref: str | None = None


class AgreementExtended(Moves, frozen=True, kw_only=True):
    """The agency approved the later end."""

    end: date
    reason_ref: str | None = None


def extend_agreement(command: ExtendAgreement, context: Context) -> list[ChangeProposed | ExtensionEvent]:
    """Proposes a later end, once, and by no more than the programme allows; the agency decides."""
    allow("extend-agreement", context, command.by)
    if command.end is not None and command.months is not None:
        raise Refused.input(
            Fault("/months", "NOT_EXPECTED", "an extension has a day or a number of months", rests_on=("/end",))
        )
    agreement = agreement_of(context.case)
    check_extended_once(agreement)
    latest = _end_after(agreement.end, context.rules.extension_months_max)
    end = command.end or (_end_after(agreement.end, command.months) if command.months is not None else latest)
    # One that is over already would leave the pair without an agreement again.
    earliest = max(agreement.end + timedelta(days=1), day_of(context.terms, command.at))
    if not earliest <= end <= latest:
        pointer = "/months" if command.end is None and command.months is not None else "/end"
        raise Refused.input(
            Fault(
                pointer,
                "EXTENSION_OUT_OF_RANGE",
                f"an extension ends from {earliest} on and by {latest}",
                rests_on=("/end", "/months"),
            )
        )
    if agreement.proposed_end == end:
        return []
    waiting = mentoring_step(
        context, replace(agreement, proposed_end=end), _since(context.case, Step.MENTORING, command.at)
    )
    change = proposed(context, command.by, ChangeKind.EXTEND.value, end=end)
    return [*change, ExtensionProposed(end=end, renews=(waiting,))]


def _end_after(end: date, months: int) -> date:
    # An end is the last day of a period; further months are counted from the day after.
    return last_day(end + timedelta(days=1), months)


def decide_extension(
    command: DecideExtension, context: Context
) -> list[ChangeApproved | ChangeRejected | ExtensionEvent]:
    """The agency decides: the agreement ends later, or as signed."""
    allow("decide-extension", context, command.by)
    agreement = agreement_of(context.case)
    end = agreement.proposed_end or agreement.end
    since = _since(context.case, Step.MENTORING, command.at)
    # What was proposed before proposals were kept has none.
    held = open_of(context.case, ChangeKind.EXTEND.value)
    if not command.approved:
        as_signed = mentoring_step(context, replace(agreement, proposed_end=None), since)
        refused = ExtensionRefused(end=end, reason_ref=command.reason_ref, renews=(as_signed,))
        return [*((rejected(held, command.by, None),) if held is not None else ()), refused]
    later = replace(agreement, end=end, extended=True, proposed_end=None)
    # The last check-in of the agreement as signed may be done; the longer one has more.
    more = check_ins(context, later, trajectory_of(context.case), command.at)
    if context.case.state != CaseState.MENTORING:
        more = Moves()
    renews = (mentoring_step(context, later, since), *more.renews)
    extended = AgreementExtended(
        end=end, reason_ref=command.reason_ref, renews=renews, opens=more.opens, closes=more.closes
    )
    return [*((approved(held, command.by, None),) if held is not None else ()), extended]


def _since(case: Case, step: Step, at: datetime) -> datetime:
    held = find(case.steps, step)
    return held.since if held is not None else at


ExtensionEvent = ExtensionProposed | ExtensionRefused | AgreementExtended


def evolve(case: Case, event: ExtensionEvent) -> Case:
    """The case after an event about a later end."""
    if (now := case.trajectory) is None:
        return case
    match event:
        case ExtensionProposed():
            return replace(case, trajectory=_agreed(now, proposed_end=event.end))
        case ExtensionRefused():
            return replace(case, trajectory=_agreed(now, proposed_end=None))
        case AgreementExtended():
            longer = _agreed(now, proposed_end=None, end=event.end)
            return replace(case, trajectory=replace(longer, last_day=event.end, extended=True))
        case _:
            assert_never(event)


def _agreed(now: Trajectory, *, proposed_end: date | None, end: date | None = None) -> Trajectory:
    if (match := now.match) is None or (agreement := match.agreement) is None:
        return now
    agreement = replace(
        agreement,
        proposed_end=proposed_end,
        end=end or agreement.end,
        extended=agreement.extended or end is not None,
    )
    return replace(now, match=replace(match, agreement=agreement))
