"""One-off exceptions from the charter, and from the kind of mentor that is recommended: requested, decided, counted.

The lead of the organisation decides. What is excepted again and again is no exception: it is work that public services
leave to citizens, so two of a kind in a case, or five in a programme and month, are a signal of substitution.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from contracts.casefile_codes import CharterRole, Verdict
from contracts.codes import CaseState, Role
from contracts.staff import MENTORS
from contracts.task_codes import ExceptionState, SignalScope
from services.casefile.domain.charter import TaskRule
from services.casefile.domain.charter_in_force import rule_of_task, version_of
from services.casefile.domain.context import Context
from services.casefile.domain.exception_count import ExceptionCounted
from services.casefile.domain.guards import allow, check_side
from services.casefile.domain.state import FROM_MATCHING, Case
from services.casefile.domain.task_state import MENTOR_ROLES, RoleException, with_state
from services.chassis.modelling.decider import Actor, Command, Event, Fault, Refused, To


class RequestException(Command, frozen=True, kw_only=True):
    """Ask for a one-off exception, from what the charter says of a `task` or from a `rule`; why is in the vault."""

    task: str | None = None
    rule: str | None = None
    justification_ref: str


class DecideException(Command, frozen=True, kw_only=True):
    """Grant or deny an exception that was requested for; why is in the vault."""

    exception: str
    granted: bool
    reason_ref: str | None = None


class RoleExceptionRequested(Event, frozen=True, kw_only=True):
    """An organisation asks its lead for an exception, which is numbered in its case."""

    exception: str
    task: str | None
    rule: str | None
    organisation: str
    justification_ref: str


class RoleExceptionGranted(Event, frozen=True, kw_only=True):
    """The lead granted it, for one record. `signals` are those of substitution that it gave, once each."""

    exception: str
    task: str | None
    rule: str | None
    organisation: str
    reason_ref: str | None
    signals: tuple[str, ...] = ()


class RoleExceptionDenied(Event, frozen=True, kw_only=True):
    """The lead denied it."""

    exception: str
    task: str | None
    rule: str | None
    organisation: str
    reason_ref: str | None


def request_exception(command: RequestException, context: Context) -> list[RoleExceptionRequested]:
    """Asks for an exception from a task of the charter, or from a rule: one of the two."""
    allow("request-exception", context, command.by)
    if command.task is not None and command.rule is not None:
        raise Refused.input(
            Fault("/rule", "NOT_EXPECTED", "an exception is from a task or from a rule", rests_on=("/task",))
        )
    if command.task is None and command.rule is None:
        raise Refused.input(Fault("/task", "REQUIRED", "name the task, or the rule, that the exception is from"))
    if any(known.justification_ref == command.justification_ref for known in context.case.exceptions):
        return []
    if command.task is not None:
        _check_needed(rule_of_task(command.task, context), command.by, context)
    _check_not_open(command, context.case)
    return [
        RoleExceptionRequested(
            exception=f"X{len(context.case.exceptions) + 1}",
            task=command.task,
            rule=command.rule,
            organisation=context.case.organisation or "",
            justification_ref=command.justification_ref,
        )
    ]


def _check_needed(rule: TaskRule, by: Actor, context: Context) -> None:
    """Refuses an exception from what the charter lets a mentor do anyway, unless it may be for the coordinator.

    Before there is a match, its mentor may be of either kind.
    """
    match = context.case.match
    mentors = [MENTOR_ROLES[match.kind]] if match is not None else [*MENTOR_ROLES.values()]
    carried = all(rule.roles[role] == Verdict.CARRIES for role in mentors)
    kept_from_coordinators = rule.roles[CharterRole.NGO_COORDINATOR] == Verdict.MUST_NOT
    if carried and (by.role in MENTORS or not kept_from_coordinators):
        raise Refused(
            "NO_EXCEPTION_NEEDED",
            f"by the charter {version_of(context)} {' and '.join(mentors)} may carry {rule.task}: record it without an "
            "exception",
        )


def _check_not_open(command: RequestException, case: Case) -> None:
    asked_for = (case.organisation, command.task, command.rule, ExceptionState.REQUESTED)
    for known in case.exceptions:
        if (known.organisation, known.task, known.rule, known.state) == asked_for:
            raise Refused(
                "EXCEPTION_OPEN",
                f"exception {known.exception} asks for the same, and the lead has not decided on it yet",
                who_can_unblock=f"{Role.NGO_LEAD}, by decide-exception",
            )


def decide_exception(
    command: DecideException, context: Context
) -> list[RoleExceptionGranted | RoleExceptionDenied | To]:
    """Grants or denies; the same decision again changes nothing. What is granted is counted."""
    check_side("decide-exception", context, command.by)
    requested = next(
        (
            known
            for known in context.case.exceptions
            if (known.exception, known.organisation) == (command.exception, command.by.org)
        ),
        None,
    )
    decided = requested is not None and requested.state != ExceptionState.REQUESTED
    by_lead = decided and requested is not None and not requested.lapsed
    if requested is not None and by_lead and command.granted == (requested.state != ExceptionState.DENIED):
        return []
    allow("decide-exception", context, command.by)
    if requested is None:
        raise Refused.input(Fault("/exception", "UNKNOWN_EXCEPTION", "the case lists its exceptions with their ids"))
    if decided:
        raise Refused("EXCEPTION_DECIDED", f"exception {requested.exception} is decided: {requested.state}")
    if not command.granted:
        return [
            RoleExceptionDenied(
                exception=requested.exception,
                task=requested.task,
                rule=requested.rule,
                organisation=requested.organisation,
                reason_ref=command.reason_ref,
            )
        ]
    signals = tuple(_signals(requested, context))
    granted = RoleExceptionGranted(
        exception=requested.exception,
        task=requested.task,
        rule=requested.rule,
        organisation=requested.organisation,
        reason_ref=command.reason_ref,
        signals=signals,
    )
    if context.exception_count is None:
        return [granted]
    counted = ExceptionCounted(
        case=context.case.case,
        exception=requested.exception,
        kind=requested.kind,
        signal=SignalScope.PROGRAMME_AND_MONTH.value in signals,
    )
    return [To(context.exception_count.stream, counted), granted]


def _signals(requested: RoleException, context: Context) -> list[str]:
    signals = []
    given = (ExceptionState.GRANTED, ExceptionState.USED)
    before = sum(known.kind == requested.kind and known.state in given for known in context.case.exceptions)
    if before + 1 >= context.rules.substitution_in_case and requested.kind not in context.case.substitution_signals:
        signals.append(SignalScope.CASE.value)
    month = context.exception_count
    if month is not None and not month.signalled and month.granted + 1 >= context.rules.substitution_in_month:
        signals.append(SignalScope.PROGRAMME_AND_MONTH.value)
    return signals


def lapsed(case: Case, state: CaseState | None) -> Case:
    """The case that enters a state: what was asked for, and can be decided there no more, is denied by that."""
    if state in FROM_MATCHING:
        return case
    exceptions = case.exceptions
    for place, known in enumerate(exceptions):
        if known.state == ExceptionState.REQUESTED:
            exceptions = exceptions.changed(place, replace(known, state=ExceptionState.DENIED.value, lapsed=True))
    return case if exceptions is case.exceptions else replace(case, exceptions=exceptions)


ExceptionEvent = RoleExceptionRequested | RoleExceptionGranted | RoleExceptionDenied


def evolve(case: Case, event: ExceptionEvent) -> Case:
    """The case after an event about an exception."""
    match event:
        case RoleExceptionRequested():
            requested = RoleException(
                exception=event.exception,
                organisation=event.organisation,
                state=ExceptionState.REQUESTED.value,
                justification_ref=event.justification_ref,
                task=event.task,
                rule=event.rule,
            )
            return replace(case, exceptions=case.exceptions.plus(requested))
        case RoleExceptionGranted():
            signals = case.substitution_signals
            if SignalScope.CASE in event.signals:
                signals = signals | {event.task or event.rule or ""}
            exceptions = with_state(case.exceptions, event.exception, ExceptionState.GRANTED)
            return replace(case, exceptions=exceptions, substitution_signals=signals)
        case RoleExceptionDenied():
            return replace(case, exceptions=with_state(case.exceptions, event.exception, ExceptionState.DENIED))
        case _:
            assert_never(event)
