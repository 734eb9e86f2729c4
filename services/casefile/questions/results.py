"""Q13: the result at the exit, four weeks, six and twelve months after it, and the source of each."""

from __future__ import annotations

from typing import Final

from contracts.casefile_codes import OutcomePoint
from services.casefile.domain.closing import CaseReopened
from services.casefile.domain.deadlines import DeadlineMissed
from services.casefile.domain.outcomes import OutcomeRecorded, OutcomeWaived
from services.casefile.questions.question import Answer, Facts, Inquiry, Question, listed, proofs, written
from services.casefile.reports.report import History, Moment

SOURCES: Final = ("OutcomeRecorded", "OutcomeWaived", "CorrectionRecorded", "CaseReopened", "DeadlineMissed")
_POINTS: Final = {
    OutcomePoint.EXIT.value: "at the exit",
    OutcomePoint.W4.value: "after 4 weeks",
    OutcomePoint.M6.value: "after 6 months",
    OutcomePoint.M12.value: "after 12 months",
}


def find(inquiry: Inquiry) -> Answer:
    """Each point with its code and source, as it reads after its last correction, or why there is none."""
    found, overdue = results_in(inquiry.history), _missed(inquiry.history)
    late = [point for point in overdue if point not in found]
    facts: Facts = {
        "results": [_result(point, found.get(point)) for point in _POINTS],
        "overdue": late,
    }
    shown = proofs(*found.values(), *(overdue[point] for point in late))
    parts = [f"{when}: {_in_words(found.get(point), point in late)}" for point, when in _POINTS.items()]
    text = listed(parts)
    return Answer(f"{text[0].upper()}{text[1:]}.", facts, shown, clear=not late)


def results_in(history: History) -> dict[str, Moment]:
    """The result by its point; what was followed up before the case was opened again counts no more."""
    found: dict[str, Moment] = {}
    for moment in history.standing:
        event = moment.recorded.event
        if isinstance(event, CaseReopened):
            found = {}
        elif isinstance(event, OutcomeRecorded | OutcomeWaived):
            found[event.point] = moment
    return found


def _missed(history: History) -> dict[str, Moment]:
    """The follow-ups whose day passed, by their point."""
    prefix = "OUTCOME_"
    return {
        moment.recorded.event.deadline.removeprefix(prefix): moment
        for moment in history.moments
        if isinstance(moment.recorded.event, DeadlineMissed) and moment.recorded.event.deadline.startswith(prefix)
    }


def _result(point: str, moment: Moment | None) -> Facts:
    event = moment.recorded.event if moment is not None else None
    result: Facts = {"point": point, "code": None, "source": None, "happenedAt": None, "waived": None}
    if isinstance(event, OutcomeRecorded):
        return result | {"code": event.code, "source": event.source, "happenedAt": written(event.happened_at)}
    return result | {"waived": event.reason} if isinstance(event, OutcomeWaived) else result


def _in_words(moment: Moment | None, late: bool) -> str:  # noqa: FBT001 - a word of a sentence
    event = moment.recorded.event if moment is not None else None
    if isinstance(event, OutcomeRecorded):
        return f"{event.code} (source {event.source})"
    if isinstance(event, OutcomeWaived):
        return f"waived ({event.reason})"
    return "missing, though its day has passed" if late else "not on record yet"


QUESTION: Final = Question(
    "Q13", "What was the result at the exit, after 4 weeks and after 6 months, from which source?", SOURCES, find
)
