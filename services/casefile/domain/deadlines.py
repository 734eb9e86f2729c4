"""The case's deadlines: what runs, when somebody is reminded, and what happens when a term has passed.

Names are unique among what runs in a case: a step's own terms, `NGO_ACCESS:<referral>`,
`GAP_ACTION:<gap>`, `CHANGE_DECISION:<proposal>`, `FINALISE`, and `STRANDED`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from contracts.change_codes import ProposalState
from contracts.codes import CaseState, Step
from contracts.terms import LadderLevel
from services.casefile.domain.changes import ChangeExpired, expired
from services.casefile.domain.closing import CaseReopened, reopened
from services.casefile.domain.context import Context
from services.casefile.domain.ladder import DeadlineEscalated, late_of, levels_of, reached, receivers_at
from services.casefile.domain.missed_terms import due_after, gone_on, is_wanting
from services.casefile.domain.open_matters import LateTerm
from services.casefile.domain.organisation_part import access_ends
from services.casefile.domain.silence import SILENCE, SILENCE_CHECK_IN, SilenceNoticed, noticed, watched
from services.casefile.domain.state import MISSED, REMINDED, Case, lead_of, with_silence
from services.casefile.domain.steps import BESIDE, Awaiting, Moves, OpenStep, Party, ended_by
from services.chassis.modelling.decider import Command, Event
from services.chassis.modelling.ladder import LevelDue, Receiver

FINALISE = "FINALISE"
ESCALATE = "ESCALATE"
"""Fires where a term was missed before the service asked the other side about it: in what was recorded earlier."""

STRANDED = "STRANDED"
"""Fires where a final case has a live offer that nobody waits for: in what was recorded earlier."""


class RemindDeadline(Command, frozen=True, kw_only=True):
    """A term's reminder is due: of the one due at `due_at` where that is given, as a term that recurs runs again."""

    name: str
    due_at: datetime | None = None


class PassDeadline(Command, frozen=True, kw_only=True):
    """A term has passed; `due_at` as in `RemindDeadline`."""

    name: str
    due_at: datetime | None = None


class DeadlineReminded(Event, frozen=True, kw_only=True):
    """The term's reminder is due (`REMIND_AFTER`); `awaited` is the organisation that is reminded.

    `substitutes` stand in for those it would go to and who are away; it goes to both. `level` and `notified` are unset
    in what was stored before there was a ladder.
    """

    BYSTANDER: ClassVar[bool] = True
    deadline: str
    step: str
    due_at: datetime
    owner: Party
    awaited: str
    substitutes: tuple[Party, ...] | UnsetType = UNSET
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET


class DeadlineMissed(Moves, frozen=True, kw_only=True):
    """A term has passed without what it waited for. One that recurs is due again as renewed.

    `to_come` are the levels that the term comes to as long as nobody does it; the rest as in `DeadlineReminded`.
    """

    deadline: str
    step: str
    due_at: datetime
    owner: Party
    awaited: str
    substitutes: tuple[Party, ...] | UnsetType = UNSET
    level: str | UnsetType = UNSET
    notified: tuple[Receiver, ...] | UnsetType = UNSET
    to_come: tuple[LevelDue, ...] | UnsetType = UNSET


class NgoAccessExpired(Moves, frozen=True, kw_only=True):
    """The organisation's access to the case ended with its term."""

    referral: str
    organisation: str


class CaseFinalised(Moves, frozen=True, kw_only=True):
    """Every follow-up is recorded or waived; the case takes corrections, and an offer that crossed the closing."""


class Running(Struct, frozen=True, kw_only=True):
    """A deadline that is still to fire. `remind_at` is None where it has fired, or where no reminder is due.

    `group` is the key of the step that the deadline ends with; for the others it is the name itself.
    """

    name: str
    group: str
    remind_at: datetime | None
    due_at: datetime


def running(case: Case) -> tuple[Running, ...]:
    """All that is still to fire in a case."""
    return tuple(_running(case))


def _running(case: Case) -> Iterator[Running]:
    for step in case.steps:
        for due in step.deadlines:
            reminded = (REMINDED, due.name, due.due_at) in case.fired
            missed = (MISSED, due.name, due.due_at) in case.fired
            if not missed:
                yield Running(
                    name=due.name,
                    group=step.key,
                    remind_at=None if reminded else due.remind_at,
                    due_at=due.due_at,
                )
    for access in case.accesses:
        if access.expires is not None and not access.closed:
            name = f"{access.expires.name}:{access.referral}"
            yield Running(name=name, group=name, remind_at=None, due_at=access.expires.due_at)
    if (silence := watched(case)) is not None and (MISSED, SILENCE, silence.due_at) not in case.fired:
        yield Running(name=SILENCE, group=SILENCE, remind_at=None, due_at=silence.due_at)
    if is_wanting(case):
        since = [step.since for step in case.steps]
        late = min((due_at for kind, _, due_at in case.fired if kind == MISSED), default=min(since))
        yield Running(name=ESCALATE, group=ESCALATE, remind_at=None, due_at=late)
    for gap in case.gaps:
        if (promised := gap.action_due) is not None and (MISSED, promised.name, promised.due_at) not in case.fired:
            reminded = (REMINDED, promised.name, promised.due_at) in case.fired
            yield Running(
                name=promised.name,
                group=promised.name,
                remind_at=None if reminded else promised.remind_at,
                due_at=promised.due_at,
            )
    for held in case.proposals:
        if held.state == ProposalState.OPEN:
            name, due_at = held.deadline.name, held.deadline.due_at
            reminded = (REMINDED, name, due_at) in case.fired
            yield Running(name=name, group=name, remind_at=None if reminded else held.deadline.remind_at, due_at=due_at)
    if (final := finalise_at(case)) is not None:
        yield Running(name=FINALISE, group=FINALISE, remind_at=None, due_at=final)
    if case.stranded is not None and case.state == CaseState.FINALISED:
        yield Running(name=STRANDED, group=STRANDED, remind_at=None, due_at=case.stranded.since)


def finalise_at(case: Case) -> datetime | None:
    """When a closed case is finalised: after its last follow-up, and once nobody has to see to anything any more."""
    if case.finalise_at is None or case.state != CaseState.CLOSED or any(step.step in BESIDE for step in case.steps):
        return None
    answered = [gap.answer.answered_at for gap in case.gaps if gap.answer is not None]
    return max((case.finalise_at, *answered))


def remind_deadline(command: RemindDeadline, context: Context) -> list[DeadlineReminded]:
    """Reminds once; what no longer runs, or is not that far, is left alone."""
    found = _find(context.case, command)
    if found is None or found.remind_at is None or found.remind_at > command.at:
        return []
    step = _step_of(context.case, found)
    return [
        DeadlineReminded(
            deadline=found.name,
            step=step.step,
            due_at=found.due_at,
            owner=step.owner,
            awaited=step.actor,
            level=LadderLevel.L0.value,
            notified=receivers_at(LadderLevel.L0, context, step),
        )
    ]


def pass_deadline(command: PassDeadline, context: Context) -> list[DeadlineEvent | ChangeExpired | CaseReopened]:
    """Records a breach once, and what recurs is due again; a proposal lapses, and what is the system's own is done.

    That the other side is asked to see to the breach follows from it (`escalation.followed`).
    """
    case = context.case
    found = _find(case, command)
    if found is None or found.due_at > command.at:
        return []
    if found.name == SILENCE:
        return [noticed(context, found.due_at)]
    if found.name == FINALISE:
        return [CaseFinalised(closes=ended_by(case.steps))]
    if found.name == STRANDED:
        # Nothing is known of the legal basis on which the organisation could read the case, so the offer is not taken
        # up: its lead has to see to it.
        return [reopened(context, command.at)]
    for held in case.proposals:
        if held.deadline.name == found.name:
            receivers = receivers_at(LadderLevel.L1, context, _step_of(case, found))
            return [replace(expired(context, held), level=LadderLevel.L1.value, notified=receivers)]
    for access in case.accesses:
        if found.name == f"NGO_ACCESS:{access.referral}":
            return [NgoAccessExpired(referral=access.referral, organisation=access.organisation)]
    if found.name == ESCALATE:
        return []
    step = _step_of(case, found)
    # What was to be asked of a silent pair is an escalation from now on.
    over = found.name == SILENCE_CHECK_IN
    return [
        DeadlineMissed(
            deadline=found.name,
            step=step.step,
            due_at=found.due_at,
            owner=step.owner,
            awaited=step.actor,
            level=LadderLevel.L1.value,
            notified=receivers_at(LadderLevel.L1, context, step),
            to_come=() if over else levels_of(context, found.due_at),
            closes=(step.key,) if over else (),
            renews=_due_again(context, step, found),
        )
    ]


def _find(case: Case, command: RemindDeadline | PassDeadline) -> Running | None:
    found = next((deadline for deadline in _running(case) if deadline.name == command.name), None)
    return found if found is None or command.due_at in (None, found.due_at) else None


def _step_of(case: Case, found: Running) -> OpenStep:
    """The step that a deadline runs in.

    What was promised in answer to a gap runs on behind it, and is the lead's; a proposal waits beside all steps.
    """
    promised = next(
        (gap.answer for gap in case.gaps if (due := gap.action_due) is not None and due.name == found.name), None
    )
    if promised is not None:
        return OpenStep(step=Step.SERVICE_GAP_ANSWER.value, owner=lead_of(case), since=promised.answered_at)
    held = next((held for held in case.proposals if held.deadline.name == found.name), None)
    if held is not None:
        waits = Awaiting(org=case.agency, action="decide-change")
        return OpenStep(
            step=case.current_step or Step.MENTORING.value,
            owner=held.proposed_by,
            since=held.proposed_at,
            awaiting=waits,
        )
    return next(step for step in case.steps if step.key == found.group)


def _due_again(context: Context, step: OpenStep, found: Running) -> tuple[OpenStep, ...]:
    if step.key == Step.ESCALATION:
        return (replace(step, deadlines=(step.deadlines[0], due_after(context, found.due_at))),)
    missed = replace(context.case, fired=context.case.fired | {(MISSED, found.name, found.due_at)})
    return tuple(again for again in gone_on(replace(context, case=missed)) if again.key == step.key)


DeadlineEvent = (
    DeadlineReminded | DeadlineMissed | DeadlineEscalated | SilenceNoticed | NgoAccessExpired | CaseFinalised
)


def evolve(case: Case, event: DeadlineEvent) -> Case:
    """The case after a reminder, or once a term has passed."""
    match event:
        case DeadlineReminded():
            return replace(case, fired=case.fired | {(REMINDED, event.deadline, event.due_at)})
        case DeadlineMissed():
            return _missed(replace(case, fired=case.fired | {(MISSED, event.deadline, event.due_at)}), event)
        case DeadlineEscalated():
            return reached(case, event.deadline, event.due_at, event.level, event.notified)
        case SilenceNoticed():
            return with_silence(case, None)
        case NgoAccessExpired():
            return access_ends(case, event.referral, closed=True)
        case CaseFinalised():
            return case
        case _:
            assert_never(event)


def _missed(case: Case, event: DeadlineMissed) -> Case:
    """The case with the ladder that the term climbs from now on; what was stored before there was one has none."""
    if not event.to_come or (key := late_of(case, event.deadline, event.step, event.due_at)) is None:
        return case
    late = LateTerm(
        name=event.deadline,
        key=key,
        due_at=event.due_at,
        level=event.level or LadderLevel.L1.value,
        notified=event.notified or (),
        to_come=event.to_come,
    )
    return replace(case, late=(*case.late, late))
