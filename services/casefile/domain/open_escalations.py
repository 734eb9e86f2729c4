"""The escalations of a case that somebody still sees to: how they are opened and joined, and by whom they are resolved.

An escalation of its own has a step about its id. What the other side is asked about a missed term (`missed_terms`) has
the one step that is about no id, and is open as long as that step is.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from contracts.codes import Step
from contracts.escalation_codes import DISTRESS, EscalationReason
from contracts.terms import LadderLevel
from services.casefile.domain.context import Context
from services.casefile.domain.state import Case, Escalation, lead_of
from services.casefile.domain.steps import Moves, OpenStep, Party, ended_by, find
from services.casefile.domain.terms import deadline
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Actor

CONTACT = "ESCALATION_CONTACT"
RESOLUTION = "ESCALATION_RESOLUTION"


class Unreached(Struct, frozen=True, kw_only=True):
    """An organisation that could not be told, since when and why (`contracts.telling_codes.NotToldReason`)."""

    organisation: str
    since: datetime
    why: str


class EscalationRaised(Moves, frozen=True, kw_only=True):
    """`awaited` missed a term, has no access any more, or is asked to see to what weighs on a pair.

    The other fields are unset in what was stored before escalations had ids; `substitutes` where nobody is away of
    those who are asked.
    """

    reason: str
    awaited: str
    escalation: str | UnsetType = UNSET
    level: str | UnsetType = UNSET
    match: str | UnsetType = UNSET
    organisation: str | UnsetType = UNSET
    raised_by: str | UnsetType = UNSET
    talk_due_at: datetime | UnsetType = UNSET
    resolution_due_at: datetime | UnsetType = UNSET
    substitutes: tuple[Party, ...] | UnsetType = UNSET
    unreached: str | UnsetType = UNSET
    unreached_since: datetime | UnsetType = UNSET
    why_unreached: str | UnsetType = UNSET


class EscalationJoined(Moves, frozen=True, kw_only=True):
    """A further sign of distress about a match whose escalation is open; it may have to be seen to sooner.

    So of what a person asks again that is open already, for whatever reason.
    """

    PASSED_ON: ClassVar[bool] = False
    escalation: str
    reason: str
    match: str | None
    talk_due_at: datetime | None = None


def raised(
    context: Context,
    reason: str,
    *,
    match: str | None = None,
    by: str | None = None,
    unreached: Unreached | None = None,
    owner: Party | None = None,
) -> EscalationRaised:
    """An escalation of its own, from the context's time on. `by` is the organisation of a person who raises it.

    It goes to `owner`, if one is given, and else to whom its reason concerns.
    """
    case, ident = context.case, next_id(context.case)
    owner = owner or _owner(case, reason)
    without_pair = unreached is not None or reason == EscalationReason.SUBSTITUTION_SIGNAL
    contact = None if without_pair else _contact_by(context, reason, ident)
    resolution = replace(deadline(context.terms, RESOLUTION, context.at), name=f"{RESOLUTION}:{ident}")
    step = OpenStep(
        step=Step.ESCALATION.value,
        owner=owner,
        since=context.at,
        deadlines=(resolution,) if contact is None else (contact, resolution),
        about=ident,
    )
    to_leads = reason == EscalationReason.SUBSTITUTION_SIGNAL
    return EscalationRaised(
        reason=reason,
        awaited=owner.org,
        escalation=ident,
        level=(LadderLevel.L2 if to_leads else LadderLevel.L1).value,
        match=match or UNSET,
        organisation=case.organisation or UNSET,
        raised_by=by or UNSET,
        talk_due_at=contact.due_at if contact is not None else UNSET,
        resolution_due_at=resolution.due_at,
        unreached=unreached.organisation if unreached is not None else UNSET,
        unreached_since=unreached.since if unreached is not None else UNSET,
        why_unreached=unreached.why if unreached is not None else UNSET,
        opens=(step,),
    )


def signalled(
    context: Context, reason: str, *, match: str | None = None, by: str | None = None
) -> EscalationRaised | EscalationJoined:
    """A sign of distress: it opens an escalation, or joins the one of that match which is open."""
    held = _of_match(context.case, reason, match)
    step = find(context.case.steps, Step.ESCALATION, held.id) if held is not None else None
    if held is None or step is None:
        return raised(context, reason, match=match, by=by)
    joined = EscalationJoined(escalation=held.id, reason=reason, match=match)
    if reason != EscalationReason.SAFETY or EscalationReason.SAFETY in (held.reason, *held.joined):
        return joined
    # Where somebody is not safe, help must be there sooner.
    sooner = _contact_by(context, reason, held.id)
    others = tuple(due for due in step.deadlines if due.name != sooner.name)
    running = next((due for due in step.deadlines if due.name == sooner.name), None)
    if running is not None and running.due_at <= sooner.due_at:
        return joined
    return replace(joined, talk_due_at=sooner.due_at, renews=(replace(step, deadlines=(sooner, *others)),))


def _of_match(case: Case, reason: str, match: str | None) -> Escalation | None:
    """The open escalation that a sign of distress belongs to; of further rejections, that of the earlier ones."""
    for held in reversed(open_escalations(case)):
        if held.reason in DISTRESS and (held.match == match or held.reason == reason == "TWO_REJECTIONS"):
            return held
    return None


def _contact_by(context: Context, reason: str, ident: str) -> Deadline:
    term = "ESCALATION_CONTACT_SAFETY" if reason == EscalationReason.SAFETY else CONTACT
    return replace(deadline(context.terms, term, context.at), name=f"{CONTACT}:{ident}")


def _owner(case: Case, reason: str) -> Party:
    # That a public service is being replaced is the public service's to answer for.
    if case.trajectory is None or reason == EscalationReason.SUBSTITUTION_SIGNAL:
        return lead_of(case)
    return case.trajectory.coordinator


def next_id(case: Case) -> str:
    """The id of the next escalation of a case: its place, counted from 1."""
    return f"E{len(case.escalations) + 1}"


def is_open(case: Case, escalation: Escalation) -> bool:
    """Whether somebody still sees to it."""
    if escalation.resolution is not None:
        return False
    if escalation.own_step:
        return find(case.steps, Step.ESCALATION, escalation.id) is not None
    return find(case.steps, Step.ESCALATION) is not None and escalation == of_missed_term(case)


def open_escalations(case: Case) -> tuple[Escalation, ...]:
    """Those that somebody still sees to, in the order in which they were raised."""
    return tuple(escalation for escalation in case.escalations if is_open(case, escalation))


def of_missed_term(case: Case) -> Escalation | None:
    """The latest that is about a missed term."""
    return next((escalation for escalation in reversed(case.escalations) if not escalation.own_step), None)


def to_resolve(case: Case) -> tuple[Escalation, ...]:
    """Those with an open step: one of a missed term also after it was resolved, as long as the term stays missed."""
    term = of_missed_term(case) if find(case.steps, Step.ESCALATION) is not None else None
    return tuple(held for held in case.escalations if held is term or (held.own_step and is_open(case, held)))


def awaits_contact(case: Case) -> bool:
    """Whether the coordinator still has to speak with the pair about something that is open."""
    open_now = (step for step in case.steps if step.step == Step.ESCALATION and step.about)
    return any(due.name == f"{CONTACT}:{step.about}" for step in open_now for due in step.deadlines)


def may_resolve(case: Case, escalation: Escalation, by: Actor) -> bool:
    """Whether it is the actor's side that resolves it: the owner's, or that of the person who raised it.

    A signal of substitution goes to the leads of both sides.
    """
    step = find(case.steps, Step.ESCALATION, escalation.id if escalation.own_step else UNSET)
    if step is None:
        return False
    if escalation.reason == EscalationReason.SUBSTITUTION_SIGNAL or escalation.raised_by == by.org:
        return by.org == case.agency or (case.trajectory is not None and by.org == case.organisation)
    return step.owner.org == by.org


def to_lead(case: Case, since: datetime) -> tuple[OpenStep, ...]:
    """The steps of open escalations, with the case's lead: where the case goes back, what is open goes with it."""
    lead = lead_of(case)
    return tuple(
        replace(step, owner=lead, since=since)
        for step in case.steps
        if step.step == Step.ESCALATION and step.about and step.owner != lead
    )


def gone_back(case: Case, begins: OpenStep) -> Moves:
    """What ends and begins where the case goes back to its lead: its way, and whose the open escalations are."""
    escalations = to_lead(case, begins.since)
    return Moves(closes=(*ended_by(case.steps), *(step.key for step in escalations)), opens=(begins, *escalations))
