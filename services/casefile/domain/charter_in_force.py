"""The version of the charter that governs what a command is about: its rules, and how it is named."""

from __future__ import annotations

from services.casefile.domain.charter import TaskRule, check_signed
from services.casefile.domain.context import Context
from services.chassis.modelling.decider import Fault, Refused


def rule_of_task(task: str, context: Context) -> TaskRule:
    """What the charter says of a kind of task. Raises Refused where it has no such task, or is not written."""
    check_signed(context.charter, context.rules_then.charter_version)
    if (rule := context.charter.rule_of(task)) is None:
        raise _unknown(context)
    return rule


def check_named(task: str, context: Context) -> None:
    """Refuses a kind of task that the charter does not have; as long as none is written, any code is a kind of task.

    For what a task is only named in: it rests on no verdict of the charter, and so on no signature either.
    """
    if context.charter.written is not None and context.charter.rule_of(task) is None:
        raise _unknown(context)


def _unknown(context: Context) -> Refused:
    written = context.charter.written
    known = ", ".join(rule.task for rule in written.tasks) if written is not None else ""
    return Refused.input(
        Fault("/task", "UNKNOWN_CODE", f"the charter {version_of(context)} has no such task; it has: {known}")
    )


def version_of(context: Context) -> str:
    """The name of the version."""
    written = context.charter.written
    return written.version if written is not None else context.rules_then.charter_version
