"""Somebody is asked to see to a case: by a person, or because a side missed a term; and says what was done about it.

The step that was missed stays open with the side that is awaited, so that both sides have a next move (docs/domain.md:
at a breach both contacts of the case are told, and after five working days their leads).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar, assert_never

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.codes import Step
from contracts.escalation_codes import DISTRESS, EscalationReason, HowResolved
from contracts.terms import LadderLevel
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, check_side
from services.casefile.domain.missed_terms import due_after, gone_on, is_wanting, sees_to_it
from services.casefile.domain.open_escalations import (
    EscalationJoined,
    EscalationRaised,
    Unreached,
    may_resolve,
    next_id,
    open_escalations,
    raised,
    signalled,
    to_resolve,
)
from services.casefile.domain.silence import watch
from services.casefile.domain.state import BEFORE_CLOSED, Case, Escalation, lead_of, with_reported, with_silence
from services.casefile.domain.steps import Moves, OpenStep, Party, began, find, key_of
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Fault, Refused

E = TypeVar("E")


class RaiseEscalation(Command, frozen=True, kw_only=True):
    """Ask somebody to see to the case (`contracts.escalation_codes.RaisedReason`)."""

    reason: str


class ResolveEscalation(Command, frozen=True, kw_only=True):
    """Say what was done (`contracts.escalation_codes.Resolution`); `escalation` may be left out where one is open."""

    resolution: str
    escalation: str | None = None


class RaiseUnreached(Command, frozen=True, kw_only=True):
    """An organisation could not be told since then, and why (`contracts.telling_codes.NotToldReason`)."""

    organisation: str
    since: datetime
    why: str


class SettleUnreached(Command, frozen=True, kw_only=True):
    """An organisation that could not be told was told."""

    organisation: str


class EscalationResolved(Moves, frozen=True, kw_only=True):
    """What was done about it. As long as a missed term stays missed the step is due again."""

    resolution: str
    resolved_at: datetime
    escalation: str | UnsetType = UNSET
    silence: Deadline | UnsetType = UNSET


def raise_escalation(command: RaiseEscalation, context: Context) -> list[EscalationRaised | EscalationJoined]:
    """Asks the coordinator, or the lead where no organisation has the case.

    What is asked already joins what is open on it: that somebody asks again is worth knowing.
    """
    allow("raise-escalation", context, command.by)
    match = context.case.match.match if context.case.match is not None else None
    if command.reason in DISTRESS:
        return [signalled(context, command.reason, match=match, by=command.by.org)]
    for held in open_escalations(context.case):
        if (held.reason, held.match) == (command.reason, match) and held.own_step:
            return [EscalationJoined(escalation=held.id, reason=command.reason, match=match)]
    return [raised(context, command.reason, match=match, by=command.by.org)]


def resolve_escalation(command: ResolveEscalation, context: Context) -> list[EscalationResolved]:
    """Records what was done. About a missed term it asks again a few days later if that has not helped."""
    case = context.case
    check_side("resolve-escalation", context, command.by)
    named = next((held for held in case.escalations if held.id == command.escalation), None)
    if named is not None and named.own_step and named.resolution is not None:
        if named.resolution == command.resolution:
            return []
        raise Refused("ESCALATION_RESOLVED", f"escalation {named.id} is resolved: {named.resolution}")
    allow("resolve-escalation", context, command.by)
    held = _meant(command, case)
    if not may_resolve(case, held, command.by):
        raise Refused(
            "ESCALATION_OF_THE_OTHER_SIDE", f"escalation {held.id} is for the other side; see to what it waits for"
        )
    if held.own_step:
        return [
            EscalationResolved(
                resolution=command.resolution,
                resolved_at=command.at,
                escalation=held.id,
                closes=(key_of(Step.ESCALATION.value, held.id),),
                silence=watch(context, command.at) if held.reason == EscalationReason.SILENCE else UNSET,
            )
        ]
    step = find(case.steps, Step.ESCALATION)
    assert step is not None  # noqa: S101 - it is open
    if case.trajectory is None or (Step.ESCALATION.value, command.resolution, command.at) in case.trajectory.reported:
        return []
    again = replace(step, deadlines=(due_after(context, command.at),))
    return [
        EscalationResolved(resolution=command.resolution, resolved_at=command.at, escalation=held.id, renews=(again,))
    ]


def raise_unreached(command: RaiseUnreached, context: Context) -> list[EscalationRaised]:
    """Asks the other side, once for an organisation as long as it is open; nobody, once the case is closed."""
    case = context.case
    if case.state not in BEFORE_CLOSED or _open_about(case, command.organisation) is not None:
        return []
    if any(
        (held.unreached, held.unreached_since) == (command.organisation, command.since) for held in case.escalations
    ):
        # The same word again, after somebody saw to it.
        return []
    unreached = Unreached(organisation=command.organisation, since=command.since, why=command.why)
    return [raised(context, EscalationReason.NOT_TOLD, unreached=unreached, owner=_sender(case, command.organisation))]


def settle_unreached(command: SettleUnreached, context: Context) -> list[EscalationResolved]:
    """Ends what was asked about the organisation, if it is open."""
    if (held := _open_about(context.case, command.organisation)) is None:
        return []
    return [
        EscalationResolved(
            resolution=HowResolved.REACHED.value,
            resolved_at=command.at,
            escalation=held.id,
            closes=(key_of(Step.ESCALATION.value, held.id),),
        )
    ]


def _open_about(case: Case, organisation: str) -> Escalation | None:
    return next((held for held in open_escalations(case) if held.unreached == organisation), None)


def _sender(case: Case, organisation: str) -> Party:
    if organisation == case.agency and case.trajectory is not None:
        return case.trajectory.coordinator
    return lead_of(case)


def _meant(command: ResolveEscalation, case: Case) -> Escalation:
    possible = to_resolve(case)
    if command.escalation is None:
        mine = [held for held in possible if may_resolve(case, held, command.by)]
        if len(mine) > 1:
            which = ", ".join(held.id for held in mine)
            raise Refused.input(Fault("/escalation", "REQUIRED", f"several are open; name one of {which}"))
        if mine:
            return mine[0]
    for held in possible:
        if held.id == command.escalation:
            return held
    which = ", ".join(held.id for held in possible)
    raise Refused.input(Fault("/escalation", "ESCALATION_UNKNOWN", f"not open in this case; open are: {which}"))


def followed(decided: list[E], context: Context) -> list[E | EscalationRaised]:
    """What was decided, and what follows for the side that was not awaited: it is asked, or no longer needed.

    `context` has the case as it is after what was decided.
    """
    after = context.case
    if is_wanting(after):
        return [*decided, _raised(context)]
    if find(after.steps, Step.ESCALATION) is not None and sees_to_it(after) is None:
        return [*_closing(decided)]
    return [*decided]


def _raised(context: Context) -> EscalationRaised:
    wanted = sees_to_it(context.case)
    assert wanted is not None  # noqa: S101 - is_wanting says so
    due = due_after(context, context.at)
    step = OpenStep(step=Step.ESCALATION.value, owner=wanted, since=context.at, deadlines=(due,))
    case = context.case
    reason = EscalationReason.DEADLINE_MISSED if case.organisation_reads else EscalationReason.ACCESS_ENDED
    awaited = case.organisation if wanted.org == case.agency else case.agency
    assert awaited is not None  # noqa: S101 - an escalation needs an organisation
    return EscalationRaised(
        reason=reason.value,
        awaited=awaited,
        escalation=next_id(case),
        level=LadderLevel.L1.value,
        organisation=case.organisation or UNSET,
        resolution_due_at=due.due_at,
        opens=(step,),
        renews=gone_on(context),
    )


def _closing(decided: list[E]) -> list[E]:
    """The same, and the last event that moves steps ends the escalation as well."""
    for place in reversed(range(len(decided))):
        event = decided[place]
        if isinstance(event, Moves):
            ended = replace(
                event,
                closes=(*event.closes, Step.ESCALATION.value),
                opens=_without_escalation(event.opens),
                renews=_without_escalation(event.renews),
            )
            return [*decided[:place], ended, *decided[place + 1 :]]
    return decided


def _without_escalation(steps: tuple[OpenStep, ...]) -> tuple[OpenStep, ...]:
    return tuple(step for step in steps if step.key != Step.ESCALATION)


EscalationEvent = EscalationRaised | EscalationJoined | EscalationResolved


def evolve(case: Case, event: EscalationEvent) -> Case:
    """The case after an event of an escalation."""
    match event:
        case EscalationRaised():
            return replace(case, escalations=case.escalations.plus(_record(case, event)))
        case EscalationJoined():
            return _changed(case, event.escalation, lambda held: _joined(held, event))
        case EscalationResolved():
            ident = event.escalation or next((held.id for held in reversed(case.escalations) if not held.own_step), "")
            case = _changed(case, ident, lambda held: replace(held, resolution=event.resolution))
            case = with_silence(case, event.silence)
            return with_reported(case, ("ESCALATION", event.resolution, event.resolved_at))
        case _:
            assert_never(event)


def _record(case: Case, event: EscalationRaised) -> Escalation:
    step = next(iter(event.opens))
    return Escalation(
        id=event.escalation or next_id(case),
        reason=event.reason,
        level=event.level or LadderLevel.L1.value,
        opened_at=began(event) or step.since,
        organisation=event.organisation or case.organisation,
        raised_by=event.raised_by or None,
        match=event.match or None,
        contact_due_at=event.talk_due_at or None,
        resolution_due_at=event.resolution_due_at or step.due_at,
        own_step=bool(step.about),
        unreached=event.unreached or None,
        unreached_since=event.unreached_since or None,
        why_unreached=event.why_unreached or None,
    )


def _joined(held: Escalation, event: EscalationJoined) -> Escalation:
    contact_due_at = event.talk_due_at or held.contact_due_at
    return replace(held, joined=held.joined.plus(event.reason), contact_due_at=contact_due_at)


def _changed(case: Case, ident: str, change: Callable[[Escalation], Escalation]) -> Case:
    place = int(ident.removeprefix("E") or 0) - 1
    if not 0 <= place < len(case.escalations):
        return case
    return replace(case, escalations=case.escalations.changed(place, change(case.escalations[place])))
