"""The rows of `events.py` for tasks, exceptions and the charter of a match: stored name, sentence, message."""

from __future__ import annotations

from typing import Final

from contracts import casefile as messages
from services.casefile.domain import charter_change, exceptions, task_refusals, tasks
from services.casefile.event_rows import NO_ROWS, EventRow
from services.casefile.message_parts import begun
from services.casefile.sentences import of_a_refusal, of_an_exception

# fmt: off
TASK_EVENTS: Final = (
    NO_ROWS
    | EventRow(tasks.TaskRecorded, "case.task_recorded.v1", "A task was done as {role}: {task}.",
                 lambda event, about: messages.tasks.TaskRecorded(
                     **about, task=event.task, role=event.role, org=event.org, minutes=event.minutes,
                     verdict=event.verdict, charter_version=event.charter_version, exception=event.exception))
    | EventRow(tasks.ApprovalGiven, "case.approval_given.v1", "Approved for {roles}: {task}.",
                 lambda event, about: messages.tasks.ApprovalGiven(
                     **about, task=event.task, roles=list(event.roles), match=event.match))
    | EventRow(tasks.TaskClaimed, "case.task_claimed.v1", "{role} of {org} has the lead of {task}.",
                 lambda event, about: messages.tasks.TaskClaimed(
                     **about, task=event.task, role=event.role, org=event.org))
    | EventRow(tasks.TaskReleased, "case.task_released.v1", "{role} of {org} gave up the lead of {task}.",
                 lambda event, about: messages.tasks.TaskReleased(
                     **about, task=event.task, role=event.role, org=event.org))
    | EventRow(task_refusals.TaskRefusedByCharter, "case.task_refused_by_charter.v1", of_a_refusal,
                 lambda event, about: messages.tasks.TaskRefusedByCharter(
                     **about, task=event.task, role=event.role, verdict=event.verdict,
                     charter_version=event.charter_version, allowed_roles=list(event.allowed_roles)))
    | EventRow(charter_change.CharterChanged, "case.charter_changed.v1",
                 "Version {charter_version} of the charter governs the tasks from now on.",
                 lambda event, about: messages.charter.CharterChanged(
                     **about, match=event.match, charter_version=event.charter_version, previous=event.previous,
                     deadlines=begun(event)))
    | EventRow(charter_change.CharterAcknowledged, "case.charter_acknowledged.v1",
                 "Version {charter_version} of the charter is acknowledged: {side}.",
                 lambda event, about: messages.charter.CharterAcknowledged(
                     **about, match=event.match, side=event.side, charter_version=event.charter_version))
    | EventRow(exceptions.RoleExceptionRequested, "case.role_exception_requested.v1", of_an_exception,
                 lambda event, about: messages.exceptions.RoleExceptionRequested(
                     **about, exception=event.exception, organisation=event.organisation, task=event.task,
                     rule=event.rule))
    | EventRow(exceptions.RoleExceptionGranted, "case.role_exception_granted.v1", of_an_exception,
                 lambda event, about: messages.exceptions.RoleExceptionGranted(
                     **about, exception=event.exception, organisation=event.organisation, task=event.task,
                     rule=event.rule, signals=list(event.signals)))
    | EventRow(exceptions.RoleExceptionDenied, "case.role_exception_denied.v1", of_an_exception,
                 lambda event, about: messages.exceptions.RoleExceptionDenied(
                     **about, exception=event.exception, organisation=event.organisation, task=event.task,
                     rule=event.rule))
)
# fmt: on
