"""The version of the charter that governs what a command is about: its rules, and how it is named."""

from __future__ import annotations

from services.casefile.domain.charter import TaskRule, check_signed
from services.casefile.domain.context import Context
from services.chassis.modelling.decider import Fault, Refused


def rule_of_task(task: str, context: Context) -> TaskRule:
    """What the charter says of a kind of task. Raises Refused where it has no such task, or is not written."""
    charter = context.charter
    check_signed(charter, context.rules_then.charter_version)
    if (rule := charter.rule_of(task)) is None:
        known = ", ".join(rule.task for rule in charter.written.tasks) if charter.written is not None else ""
        raise Refused.input(
            Fault("/task", "UNKNOWN_CODE", f"the charter {version_of(context)} has no such task; it has: {known}")
        )
    return rule


def version_of(context: Context) -> str:
    """The name of the version."""
    written = context.charter.written
    return written.version if written is not None else context.rules_then.charter_version
