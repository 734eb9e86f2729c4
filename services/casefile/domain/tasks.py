"""Who does what in a case, held against the charter of roles: recorded, approved, led by one party, or refused.

A refused task stands in the record (`TaskRefusedByCharter`), and the answer names the rule and what is possible
instead. What only some carry is led by one of them at a time; what the charter lets everybody carry is for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from contracts.casefile_codes import CharterRole, Verdict
from contracts.codes import Role
from contracts.staff import COUNSELLORS, MENTORS
from contracts.task_codes import ExceptionState
from services.casefile.domain.charter import TaskRule
from services.casefile.domain.charter_in_force import rule_of_task, version_of
from services.casefile.domain.context import Context
from services.casefile.domain.guards import allow, happened
from services.casefile.domain.state import Case, Match, Trajectory, agreement_of, trajectory_of, with_reported
from services.casefile.domain.task_refusals import (
    TaskRefusedByCharter,
    kept_from,
    led_by_another,
    not_the_holder,
    unapproved,
)
from services.casefile.domain.task_state import MENTOR_ROLES, Approval, TaskLead, granted, with_state
from services.casefile.domain.terms import day_of
from services.chassis.modelling.decider import Actor, Because, Command, Event, Fault, Refused


class TaskCommand(Command, frozen=True, kw_only=True):
    """A command about a kind of task, in one of the roles of the charter; without `role`, that of the mentor."""

    task: str
    role: str | None = None
    occurred_at: datetime | None = None


class RecordTask(TaskCommand, frozen=True, kw_only=True):
    """Record that a task was done, and how long it took."""

    minutes: int | None = None


class ApproveTask(Command, frozen=True, kw_only=True):
    """Say yes to a task that a role may only support."""

    task: str


class ClaimTask(TaskCommand, frozen=True, kw_only=True):
    """Take the lead of a kind of task."""


class ReleaseTask(Command, frozen=True, kw_only=True):
    """Give up the lead of a kind of task."""

    task: str


class TaskRecorded(Event, frozen=True, kw_only=True):
    """A task was done in a role, as the `verdict` of a version of the charter allows, or by an `exception` from it.

    `leads`: the first record of a task takes the lead of its kind.
    """

    task: str
    role: str
    minutes: int | None
    happened_at: datetime
    charter_version: str
    verdict: str
    org: str
    match: str
    leads: bool = False
    exception: str | None = None


class ApprovalGiven(Event, frozen=True, kw_only=True):
    """A yes to a kind of task, in these roles, as long as the match lasts."""

    task: str
    roles: tuple[str, ...]
    match: str
    charter_version: str


class TaskClaimed(Event, frozen=True, kw_only=True):
    """A party took the lead of a kind of task."""

    task: str
    role: str
    org: str
    match: str | None


class TaskReleased(Event, frozen=True, kw_only=True):
    """A party gave up the lead of a kind of task."""

    task: str
    role: str
    org: str


def record_task(command: RecordTask, context: Context) -> list[TaskRecorded]:
    """Records a task that the role may carry, or that was approved or excepted; the same time twice is one task."""
    allow("record-task", context, command.by)
    rule, role = rule_of_task(command.task, context), _role(command, context)
    match, when = _match(context.case), _when(command, context)
    if command.minutes is not None and command.minutes < 1:
        raise Refused.input(Fault("/minutes", "NOT_POSITIVE", "a task takes at least a minute"))
    if (f"TASK:{command.task}", role, when) in trajectory_of(context.case).reported:
        return []
    verdict = rule.roles[role]
    excepted = granted(context.case.exceptions, context.case.organisation, command.task)
    leads = False
    if verdict == Verdict.CARRIES:
        leads = _check_lead(rule, role, context)
        excepted = None
    elif verdict == Verdict.SUPPORTS and _approved(rule, role, context.case):
        excepted = None
    elif excepted is None:
        raise unapproved(rule, role, context) if verdict == Verdict.SUPPORTS else kept_from(rule, role, context)
    _check_side(role, context, command.by)
    return [
        TaskRecorded(
            task=command.task,
            role=role,
            minutes=command.minutes,
            happened_at=when,
            charter_version=version_of(context),
            verdict=verdict,
            org=_organisation(role, context.case),
            match=match.match,
            leads=leads,
            exception=excepted.exception if excepted is not None else None,
        )
    ]


def approve_task(command: ApproveTask, context: Context) -> list[ApprovalGiven]:
    """Approves what a role may support: the coordinator for others, and the lead for the coordinators as well."""
    allow("approve-task", context, command.by)
    rule, match = rule_of_task(command.task, context), _match(context.case)
    supporting = [role for role, verdict in rule.roles.items() if verdict == Verdict.SUPPORTS]
    # Of the two kinds of mentors there is one in the case.
    supporting = [role for role in supporting if role not in MENTOR_ROLES.values() or role == MENTOR_ROLES[match.kind]]
    if not supporting:
        if rule.roles[MENTOR_ROLES[match.kind]] == Verdict.MUST_NOT:
            raise kept_from(rule, MENTOR_ROLES[match.kind], context)
        raise Refused(
            "NOTHING_TO_APPROVE", f"{rule.task} needs no approval: {', '.join(rule.allowed())} may carry it without one"
        )
    by_lead = command.by.role == Role.NGO_LEAD
    roles = tuple(role for role in supporting if by_lead or role != CharterRole.NGO_COORDINATOR)
    if not roles:
        raise Refused(
            "ROLE_NOT_ALLOWED",
            f"a coordinator's own part in {rule.task} is approved by the lead of the organisation",
            because=Because.RIGHTS,
            who_can_unblock=Role.NGO_LEAD.value,
        )
    if all(_approved(rule, role, context.case) for role in roles):
        return []
    return [ApprovalGiven(task=rule.task, roles=roles, match=match.match, charter_version=version_of(context))]


def claim_task(command: ClaimTask, context: Context) -> list[TaskClaimed]:
    """Takes the lead of what the role may carry; who has it already keeps it."""
    allow("claim-task", context, command.by)
    rule = rule_of_task(command.task, context)
    role = _role(command, context, claims=rule)
    if rule.roles[role] != Verdict.CARRIES:
        raise kept_from(rule, role, context)
    _check_side(role, context, command.by)
    if not _check_lead(rule, role, context):
        return []
    match = _match(context.case).match if role in MENTOR_ROLES.values() else None
    return [TaskClaimed(task=rule.task, role=role, org=_organisation(role, context.case), match=match)]


def release_task(command: ReleaseTask, context: Context) -> list[TaskReleased]:
    """Gives up the lead. Each side its own; where nobody has it nothing changes."""
    allow("release-task", context, command.by)
    held = lead_of_task(command.task, context.case)
    if held is None:
        return []
    of_another = command.by.role in MENTORS and held.role not in MENTOR_ROLES.values()
    if held.org != command.by.org or of_another:
        raise not_the_holder(held)
    return [TaskReleased(task=held.task, role=held.role, org=held.org)]


def lead_of_task(task: str, case: Case) -> TaskLead | None:
    """Who has the lead of a kind of task now; a mentor's ended with the match."""
    return next((lead for lead in leads_of(case.trajectory) if lead.task == task), None)


def leads_of(trajectory: Trajectory | None) -> list[TaskLead]:
    """The leads that hold in a trajectory."""
    if trajectory is None:
        return []
    now = trajectory.match.match if trajectory.match is not None else None
    return [lead for lead in trajectory.leads if lead.match in (None, now)]


def _match(case: Case) -> Match:
    if case.match is None:
        raise Refused("NO_MATCH", "no match is proposed")
    return case.match


def _when(command: TaskCommand, context: Context) -> datetime:
    when = happened(command.occurred_at, command.at, not_before=context.case.opened_at)
    agreement = agreement_of(context.case)
    if not agreement.start <= day_of(context.terms, when) <= agreement.end:
        raise Refused.input(
            Fault(
                "/occurredAt",
                "OUTSIDE_AGREEMENT",
                f"a task is done within the agreement, from {agreement.start} to {agreement.end}",
            )
        )
    return when


def _role(command: TaskCommand, context: Context, claims: TaskRule | None = None) -> str:
    """The role in which a task is done: mentors and counsellors speak for themselves, coordinators for the pair too."""
    mentors = MENTOR_ROLES[_match(context.case).kind]
    own = _own_role(command.by, mentors)
    if own is not None:
        if command.role not in (None, own):
            raise Refused(
                "NOT_YOUR_SIDE", f"you record what was done as {own}, and nobody else's tasks", because=Because.RIGHTS
            )
        return own
    if command.role is not None:
        return command.role
    if claims is not None and claims.roles[mentors] != Verdict.CARRIES:
        return CharterRole.NGO_COORDINATOR.value
    return mentors


def _check_side(role: str, context: Context, by: Actor) -> None:
    """The agency's tasks are the agency's to tell of, and those of the organisation are not."""
    if _organisation(role, context.case) != by.org:
        raise Refused("NOT_YOUR_SIDE", "each side records the tasks of its own people", because=Because.RIGHTS)


def _own_role(by: Actor, mentors: str) -> str | None:
    if by.role in MENTORS:
        return mentors
    return CharterRole.AGENCY_COUNSELLOR.value if by.role in COUNSELLORS else None


def _organisation(role: str, case: Case) -> str:
    return case.agency if role == CharterRole.AGENCY_COUNSELLOR else case.organisation or ""


def _approved(rule: TaskRule, role: str, case: Case) -> bool:
    return Approval(task=rule.task, role=role, match=_match(case).match) in trajectory_of(case).approvals


def _check_lead(rule: TaskRule, role: str, context: Context) -> bool:
    """Whether the lead is still to be taken; refused where another party has it."""
    if all(verdict == Verdict.CARRIES for verdict in rule.roles.values()):
        return False
    held = lead_of_task(rule.task, context.case)
    if held is not None and (held.role, held.org) != (role, _organisation(role, context.case)):
        raise led_by_another(held)
    return held is None


TaskEvent = TaskRecorded | ApprovalGiven | TaskClaimed | TaskReleased | TaskRefusedByCharter


def evolve(case: Case, event: TaskEvent) -> Case:
    """The case after an event about a task."""
    now = case.trajectory
    if now is None:
        return case
    match event:
        case TaskRefusedByCharter():
            return case
        case TaskRecorded():
            case = with_reported(case, (f"TASK:{event.task}", event.role, event.happened_at))
            if event.exception is not None:
                case = replace(case, exceptions=with_state(case.exceptions, event.exception, ExceptionState.USED))
            if event.leads:
                match = event.match if event.role in MENTOR_ROLES.values() else None
                return _led(case, TaskLead(task=event.task, role=event.role, org=event.org, match=match))
            return case
        case ApprovalGiven():
            given: Iterable[Approval] = (
                Approval(task=event.task, role=role, match=event.match) for role in event.roles
            )
            return replace(case, trajectory=replace(now, approvals=now.approvals | given))
        case TaskClaimed():
            return _led(case, TaskLead(task=event.task, role=event.role, org=event.org, match=event.match))
        case TaskReleased():
            return replace(case, trajectory=replace(now, leads=_without(now, event.task)))
        case _:
            assert_never(event)


def _led(case: Case, lead: TaskLead) -> Case:
    if (now := case.trajectory) is None:
        return case
    return replace(case, trajectory=replace(now, leads=(*_without(now, lead.task), lead)))


def _without(trajectory: Trajectory, task: str) -> tuple[TaskLead, ...]:
    return tuple(lead for lead in trajectory.leads if lead.task != task)
