"""Q7: whether the charter of roles was kept; which exceptions there were, and who justified them."""

from __future__ import annotations

from typing import Final

from contracts.casefile_codes import Verdict
from services.casefile.domain.agreement import AgreementSigned
from services.casefile.domain.charter_change import CharterChanged
from services.casefile.domain.exceptions import RoleExceptionDenied, RoleExceptionGranted, RoleExceptionRequested
from services.casefile.domain.task_refusals import TaskRefusedByCharter
from services.casefile.domain.tasks import TaskRecorded
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    actor_of,
    counted,
    listed,
    named,
    party,
    proofs,
    written,
)
from services.casefile.reports.report import Moment

SOURCES: Final = (
    "TaskRecorded",
    "TaskRefusedByCharter",
    "RoleExceptionRequested",
    "RoleExceptionGranted",
    "RoleExceptionDenied",
    "AgreementSigned",
    "CharterChanged",
)


def find(inquiry: Inquiry) -> Answer:
    """The tasks by what the charter says of them, what it refused, and every exception with both its people."""
    moments = inquiry.history.standing
    tasks = [moment for moment in moments if isinstance(moment.recorded.event, TaskRecorded)]
    against = [moment for moment in tasks if _is_against(moment.recorded.event)]
    refused = [moment for moment in moments if isinstance(moment.recorded.event, TaskRefusedByCharter)]
    requested = [moment for moment in moments if isinstance(moment.recorded.event, RoleExceptionRequested)]
    decided = {
        moment.recorded.event.exception: moment
        for moment in moments
        if isinstance(moment.recorded.event, RoleExceptionGranted | RoleExceptionDenied)
    }
    versions = [moment for moment in moments if isinstance(moment.recorded.event, AgreementSigned | CharterChanged)]
    facts: Facts = {
        "tasks": [_task(moment) for moment in tasks],
        "againstTheCharter": [moment.recorded.meta.event_id for moment in against],
        "refused": [
            {"task": moment.recorded.event.task, "role": moment.recorded.event.role}
            | {"charterVersion": moment.recorded.event.charter_version, "at": written(moment.recorded.meta.recorded_at)}
            for moment in refused
        ],
        "exceptions": [_exception(moment, decided.get(moment.recorded.event.exception)) for moment in requested],
        "charterVersions": [
            {"version": moment.recorded.event.charter_version, "since": written(moment.recorded.meta.recorded_at)}
            for moment in versions
        ],
    }
    shown = proofs(*tasks, *refused, *requested, *decided.values(), *versions)
    rest = [
        f"it refused {counted(len(refused), 'task')}",
        f"{counted(len(requested), 'exception')} {'was' if len(requested) == 1 else 'were'} asked for",
    ]
    people = [
        _in_words(moment.recorded.event, moment, decided.get(moment.recorded.event.exception)) for moment in requested
    ]
    end = f" ({'; '.join(people)})" if people else ""
    if against:
        what = listed(f"{moment.recorded.event.task} as {moment.recorded.event.role}" for moment in against)
        text = f"No: {what} was recorded against the charter without an exception; {listed(rest)}{end}."
        return Answer(text, facts, shown, clear=False)
    text = f"Yes: {counted(len(tasks), 'task')} recorded, none against the charter; {listed(rest)}{end}."
    return Answer(text, facts, shown)


def _is_against(task: TaskRecorded) -> bool:
    return task.verdict == Verdict.MUST_NOT and task.exception is None


def _task(moment: Moment) -> Facts:
    event = moment.recorded.event
    return {
        "task": event.task,
        "role": event.role,
        "org": event.org,
        "verdict": event.verdict,
        "charterVersion": event.charter_version,
        "exception": event.exception,
        "at": written(event.happened_at),
    }


def _exception(requested: Moment, decided: Moment | None) -> Facts:
    event = requested.recorded.event
    return {
        "exception": event.exception,
        "from": event.task or event.rule,
        "requestedBy": party(actor_of(requested.recorded)),
        "granted": isinstance(decided.recorded.event, RoleExceptionGranted) if decided is not None else None,
        "decidedBy": party(actor_of(decided.recorded)) if decided is not None else None,
        "decidedAt": written(decided.recorded.meta.recorded_at) if decided is not None else None,
    }


def _in_words(event: RoleExceptionRequested, requested: Moment, decided: Moment | None) -> str:
    by = f"{event.exception}, from {event.task or event.rule}, justified by {named(actor_of(requested.recorded))}"
    if decided is None:
        return f"{by}, not decided"
    how = "granted" if isinstance(decided.recorded.event, RoleExceptionGranted) else "denied"
    return f"{by}, {how} by {named(actor_of(decided.recorded))}"


QUESTION: Final = Question(
    "Q7", "Was the charter of roles kept; which exceptions were there, justified by whom?", SOURCES, find
)
