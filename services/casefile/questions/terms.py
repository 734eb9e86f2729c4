"""Q6: whether terms were met; where not, who was warned, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from services.casefile.domain.deadlines import DeadlineMissed, DeadlineReminded
from services.casefile.domain.ladder import DeadlineEscalated
from services.casefile.domain.open_escalations import EscalationRaised
from services.casefile.domain.referral_entry import ReferralEntryTaken
from services.casefile.domain.state import Case
from services.casefile.domain.suspension import TrajectoryResumed, TrajectorySuspended
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    counted,
    listed,
    proofs,
    spoken,
    written,
)
from services.casefile.reports.report import History, Moment
from services.chassis.modelling.ladder import Receiver

SOURCES: Final = (
    "DeadlineReminded",
    "DeadlineMissed",
    "DeadlineEscalated",
    "EscalationRaised",
    "ReferralEntryTaken",
)
_WARNS: Final = ("DeadlineReminded", "DeadlineMissed", "DeadlineEscalated")
_MISSED: Final = "DeadlineMissed"
Term = tuple[str, str, datetime]
"""The key of the step that a term runs in, its name, and when it is due."""


class Warned(Struct, frozen=True):
    """Somebody was told of a term: by which event, at which level, and who."""

    moment: Moment
    kind: str
    deadline: str
    due_at: datetime | None
    awaited: str
    level: str | None
    notified: tuple[Receiver, ...]


def find(inquiry: Inquiry) -> Answer:
    """The terms that ended in time, those that were missed, and everybody who was warned of one."""
    warnings, kept = list(warnings_in(inquiry.history)), kept_in(inquiry.history)
    missed = [warning for warning in warnings if warning.kind == _MISSED]
    raised = [moment for moment in inquiry.history.moments if isinstance(moment.recorded.event, EscalationRaised)]
    facts: Facts = {
        "keptInTime": [
            {"deadline": name, "dueAt": written(due), "endedAt": written(moment.recorded.meta.recorded_at)}
            for (_, name, due), moment in kept
        ],
        "missed": [_warning(warning) for warning in missed],
        "warnings": [_warning(warning) for warning in warnings],
        "escalations": [
            {"reason": moment.recorded.event.reason, "asked": moment.recorded.event.awaited}
            | {"at": written(moment.recorded.meta.recorded_at)}
            for moment in raised
        ],
    }
    shown = proofs(*(warning.moment for warning in warnings), *raised, *(moment for _, moment in kept))
    if not missed:
        reminded = f" Reminders were sent {counted(len(warnings), 'time')}." if warnings else ""
        text = f"Yes: {counted(len(kept), 'term')} ended in time, and none was missed.{reminded}"
        return Answer(text, facts, shown)
    parts = [_in_words(warning, warnings) for warning in missed]
    text = f"Not all: {counted(len(kept), 'term')} ended in time, and {len(missed)} were missed. {' '.join(parts)}"
    if len(missed) == 1:
        text = text.replace(" 1 were missed.", " 1 was missed.")
    return Answer(text, facts, shown, clear=False)


def warnings_in(history: History) -> list[Warned]:
    """Every reminder, missed term and further level, with who hears of it."""
    found: list[Warned] = []
    for moment in history.moments:
        event = moment.recorded.event
        if isinstance(event, DeadlineReminded | DeadlineMissed | DeadlineEscalated):
            kind, notified = type(event).__name__, event.notified or ()
            level = event.level or None
            found.append(Warned(moment, kind, event.deadline, event.due_at, event.awaited, level, notified))
        elif isinstance(event, ReferralEntryTaken) and event.name in _WARNS:
            deadline = next(iter(event.codes), "")
            level, notified = event.level or None, event.notified or ()
            found.append(Warned(moment, event.name, deadline, event.due_at, event.organisation, level, notified))
    return found


def kept_in(history: History) -> list[tuple[Term, Moment]]:
    """The terms that ended before they were due, by what was done or what made them void, each with that event.

    What a pause stops, or lets run again, ends no term.
    """
    found: list[tuple[Term, Moment]] = []
    for moment in history.moments:
        if isinstance(moment.recorded.event, DeadlineMissed | TrajectorySuspended | TrajectoryResumed):
            continue
        gone = _running(moment.before) - _running(moment.after)
        at = moment.recorded.meta.recorded_at
        found += [(term, moment) for term in sorted(gone) if at <= term[2]]
    return found


def _running(case: Case) -> set[Term]:
    own = {(step.key, due.name, due.due_at) for step in case.steps for due in step.deadlines}
    # The referral service's terms, for whose answer a step waits.
    waits = {
        (step.key, step.awaiting.action, step.awaiting.due_at)
        for step in case.steps
        if step.awaiting is not None and step.awaiting.due_at is not None and not step.deadlines
    }
    return own | waits


def _warning(warning: Warned) -> Facts:
    return {
        "kind": warning.kind,
        "deadline": warning.deadline,
        "dueAt": written(warning.due_at),
        "awaited": warning.awaited,
        "level": warning.level,
        "notified": [{"role": to.role, "org": to.org} for to in warning.notified],
        "at": written(warning.moment.recorded.meta.recorded_at),
    }


def _in_words(missed: Warned, warnings: list[Warned]) -> str:
    due = f", due on {spoken(missed.due_at)}" if missed.due_at is not None else ""
    same = [each for each in warnings if (each.deadline, each.due_at) == (missed.deadline, missed.due_at)]
    heard = [f"{_receivers(each)} on {spoken(each.moment.recorded.meta.recorded_at)}" for each in same if each.notified]
    warned = f"warned: {listed(heard)}" if heard else "nobody stands on record as warned"
    return f"{missed.awaited} missed {missed.deadline}{due}; {warned}."


def _receivers(warning: Warned) -> str:
    to = listed(f"{each.role} of {each.org}" if each.org is not None else each.role for each in warning.notified)
    return f"{to} (level {warning.level})" if warning.level is not None else to


QUESTION: Final = Question("Q6", "Were terms met; if not, who was warned, and when?", SOURCES, find)
