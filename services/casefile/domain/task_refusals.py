"""What the charter keeps from a role: how it is refused, and what stands of it in the record."""

from __future__ import annotations

from typing import ClassVar, Final

from contracts.casefile_codes import CharterRole
from contracts.codes import Role
from services.casefile.domain.charter import TaskRule
from services.casefile.domain.charter_in_force import version_of
from services.casefile.domain.context import Context
from services.casefile.domain.task_state import TaskLead
from services.chassis.modelling.decider import Because, Event, Refused

INSTEAD: Final = ("report-gap", "request-exception")
"""What the organisation may do about a task that its charter refuses."""


class TaskRefusedByCharter(Event, frozen=True, kw_only=True):
    """Somebody wanted to record a task that the charter keeps from the role; nothing was done."""

    BYSTANDER: ClassVar[bool] = True
    task: str
    role: str
    verdict: str
    charter_version: str
    allowed_roles: tuple[str, ...]


def led_by_another(held: TaskLead) -> Refused:
    """What a second party is refused that wants the lead of a task; it learns who has it."""
    return Refused(
        "DUPLICATE_RESPONSIBILITY",
        f"{held.role} of {held.org} has the lead of {held.task}, and two parties do not lead the same task in a case",
        who_can_unblock=f"{held.role} of {held.org}, by release-task",
        members=_holder(held),
    )


def not_the_holder(held: TaskLead) -> Refused:
    """What others are refused who want to give up a party's lead."""
    return Refused(
        "NOT_THE_HOLDER",
        f"{held.role} of {held.org} has the lead of {held.task}, and it is theirs to give up",
        who_can_unblock=f"{held.role} of {held.org}, by release-task",
        members=_holder(held),
    )


def _holder(held: TaskLead) -> dict[str, object]:
    return {"holder": {"role": held.role, "org": held.org}}


def unapproved(rule: TaskRule, role: str, context: Context) -> Refused:
    """What is refused as long as nobody has said yes to what the role may only support."""
    version = version_of(context)
    lead = role == CharterRole.NGO_COORDINATOR
    who = Role.NGO_LEAD.value if lead else f"{Role.NGO_COORDINATOR.value}, {Role.NGO_LEAD.value}"
    return Refused(
        "APPROVAL_REQUIRED",
        f"by the charter {version} the role {role} may support {rule.task} only with approval",
        who_can_unblock=f"{who}, by approve-task",
        members=_rule(rule, role, version),
    )


def kept_from(rule: TaskRule, role: str, context: Context) -> Refused:
    """What the charter keeps from a role: it stands in the record."""
    version, allowed = version_of(context), rule.allowed()
    may = ", ".join(allowed) or "nobody here"
    referred = f"; refer it to {rule.refer}" if rule.refer is not None else ""
    return Refused(
        "TASK_REFUSED_BY_CHARTER",
        f"by the charter {version} the role {role} must not carry {rule.task}; who may: {may}{referred}",
        because=Because.RIGHTS,
        who_can_unblock=", ".join(allowed) or None,
        members={**_rule(rule, role, version), "next_actions": list(INSTEAD)},
        records=(
            TaskRefusedByCharter(
                task=rule.task,
                role=role,
                verdict=rule.roles[role],
                charter_version=version,
                allowed_roles=allowed,
            ),
        ),
    )


def _rule(rule: TaskRule, role: str, version: str) -> dict[str, object]:
    return {
        "rule": {
            "charter_version": version,
            "task": rule.task,
            "role": role,
            "verdict": rule.roles[role],
            "allowed_roles": list(rule.allowed()),
        }
    }
