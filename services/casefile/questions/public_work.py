"""Q8: whether volunteers did what a public service should have done: gaps in services, joined to tasks."""

from __future__ import annotations

from typing import Final

from contracts.casefile_codes import CharterRole, Verdict
from contracts.escalation_codes import EscalationReason
from services.casefile.domain.gap_report import ServiceGapReported
from services.casefile.domain.gaps import GapActionCompleted, ServiceGapAnswered
from services.casefile.domain.open_escalations import EscalationRaised
from services.casefile.domain.tasks import TaskRecorded
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
from services.casefile.reports.report import Moment

SOURCES: Final = ("ServiceGapReported", "ServiceGapAnswered", "GapActionCompleted", "TaskRecorded", "EscalationRaised")


def find(inquiry: Inquiry) -> Answer:
    """The gaps with their answers, and the tasks of volunteers that fill one, or that the charter keeps from them."""
    moments = inquiry.history.standing
    gaps = [moment for moment in moments if isinstance(moment.recorded.event, ServiceGapReported)]
    answers = {
        moment.recorded.event.gap: moment for moment in moments if isinstance(moment.recorded.event, ServiceGapAnswered)
    }
    done = {
        moment.recorded.event.gap: moment for moment in moments if isinstance(moment.recorded.event, GapActionCompleted)
    }
    named_in = {moment.recorded.event.task for moment in gaps} - {None}
    tasks = [moment for moment in moments if _is_volunteers(moment)]
    instead = [moment for moment in tasks if _is_public(moment.recorded.event, named_in)]
    signals = [moment for moment in moments if _is_signal(moment)]
    facts: Facts = {
        "gaps": [_gap(moment, answers, done) for moment in gaps],
        "tasksOfVolunteers": len(tasks),
        "insteadOfAPublicService": [
            {"task": moment.recorded.event.task, "at": written(moment.recorded.event.happened_at)}
            | {"verdict": moment.recorded.event.verdict, "exception": moment.recorded.event.exception}
            for moment in instead
        ],
        "signalsOfSubstitution": len(signals),
    }
    shown = proofs(*gaps, *answers.values(), *done.values(), *instead, *signals)
    reported = f"{counted(len(gaps), 'gap')} in public services {'was' if len(gaps) == 1 else 'were'} reported" + (
        f", {len(answers)} answered" if gaps else ""
    )
    if instead or signals:
        what = listed(
            f"{moment.recorded.event.task} on {spoken(moment.recorded.event.happened_at)}" for moment in instead
        )
        did = f"a volunteer did {what}, which a public service is there for" if instead else "a signal was raised"
        return Answer(f"Yes: {did}; {reported}.", facts, shown, clear=False)
    did = f"{counted(len(tasks), 'task')} of volunteers, none in place of a service"
    text = f"Nothing on record says so: {did}; {reported}."
    return Answer(text, facts, shown)


def _is_volunteers(moment: Moment) -> bool:
    event = moment.recorded.event
    return isinstance(event, TaskRecorded) and event.role == CharterRole.VOLUNTEER_MENTOR


def _is_public(task: TaskRecorded, named_in: set[str | None]) -> bool:
    """Whether it is kept from volunteers by the charter, or is what a gap was reported about."""
    return task.verdict == Verdict.MUST_NOT or task.task in named_in


def _is_signal(moment: Moment) -> bool:
    event = moment.recorded.event
    return isinstance(event, EscalationRaised) and event.reason == EscalationReason.SUBSTITUTION_SIGNAL


def _gap(moment: Moment, answers: dict[str, Moment], done: dict[str, Moment]) -> Facts:
    event = moment.recorded.event
    answer = answers.get(event.gap)
    return {
        "gap": event.gap,
        "service": event.service_kind,
        "type": event.gap_type,
        "task": event.task,
        "reportedAt": written(event.reported_at),
        "answeredAt": written(answer.recorded.event.answered_at) if answer is not None else None,
        "accepted": answer.recorded.event.accepted if answer is not None else None,
        "doneAt": written(done[event.gap].recorded.event.completed_at) if event.gap in done else None,
    }


QUESTION: Final = Question("Q8", "Did volunteers do what a public service should have done?", SOURCES, find)
