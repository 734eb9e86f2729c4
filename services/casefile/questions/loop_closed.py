"""Q12: whether feedback reached the counsellor, and whether it was read."""

from __future__ import annotations

from typing import Final

from contracts.telling_codes import TellingState
from services.casefile.domain.handback import HandbackAccepted, HandbackReturned
from services.casefile.domain.handback_report import HandbackRequested
from services.casefile.domain.mentoring import ProgressReported
from services.casefile.domain.tellings import ToldNoted
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    actor_of,
    counted,
    named,
    proofs,
    spoken,
    written,
)
from services.casefile.reports.report import Moment
from services.chassis.log.metadata import Recorded

SOURCES: Final = ("ProgressReported", "HandbackRequested", "HandbackReturned", "HandbackAccepted", "ToldNoted")


def find(inquiry: Inquiry) -> Answer:
    """Progress reports and handback reports, each with what shows that the agency has it, and has read it."""
    history = inquiry.history
    progress = _of(inquiry, ProgressReported)
    handbacks = _of(inquiry, HandbackRequested)
    answers = _of(inquiry, HandbackAccepted, HandbackReturned)
    notes = {
        event: recorded
        for recorded in inquiry.tellings
        if _is_read_by(recorded, history.case.agency)
        for event in recorded.event.events
    }
    reports = [*progress, *handbacks]
    reading = [notes[event] for moment in reports if (event := moment.recorded.meta.event_id) in notes]
    facts: Facts = {
        "progressReports": [_report(moment, notes) for moment in progress],
        "handbacks": [{**_report(moment, notes), "answered": _answer(moment, answers)} for moment in handbacks],
    }
    shown = proofs(*reports, *answers, *reading)
    if not reports:
        return Answer("No feedback has been sent to the counsellor yet.", facts, shown)
    sent = f"{counted(len(progress), 'progress report')} and {counted(len(handbacks), 'handback report')}"
    text = f"{sent} {'was' if len(reports) == 1 else 'were'} sent"
    seen = f"{len(reading)} of {len(reports)} known to be read on the agency's side"
    accepted = next(
        (moment for moment in reversed(answers) if isinstance(moment.recorded.event, HandbackAccepted)), None
    )
    if accepted is not None:
        who = named(actor_of(accepted.recorded))
        at = spoken(accepted.recorded.meta.recorded_at)
        return Answer(f"Yes: {text}; {who} read and accepted the handback on {at}; {seen}.", facts, shown)
    if handbacks:
        text += "; the agency has not acknowledged the handback"
    if len(reading) == len(reports):
        return Answer(f"Yes: {text}; {seen}.", facts, shown, clear=not handbacks)
    return Answer(f"It is not certain: {text}; {seen}.", facts, shown, clear=False)


def _of(inquiry: Inquiry, *kinds: type) -> list[Moment]:
    return [moment for moment in inquiry.history.standing if isinstance(moment.recorded.event, kinds)]


def _is_read_by(recorded: Recorded, agency: str) -> bool:
    event = recorded.event
    return isinstance(event, ToldNoted) and (event.organisation, event.state) == (agency, TellingState.READ)


def _report(moment: Moment, notes: dict[str, Recorded]) -> Facts:
    event = moment.recorded.meta.event_id
    note = notes.get(event)
    return {
        "event": event,
        "sentAt": written(moment.recorded.meta.recorded_at),
        "readAt": written(note.meta.occurred_at) if note is not None else None,
    }


def _answer(handback: Moment, answers: list[Moment]) -> str | None:
    """What the agency did with a handback: the first answer behind it."""
    version = handback.recorded.version
    return next((type(each.recorded.event).__name__ for each in answers if each.recorded.version > version), None)


QUESTION: Final = Question("Q12", "Did feedback reach the counsellor, and was it read?", SOURCES, find)
