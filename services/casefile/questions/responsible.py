"""Q4: who was responsible for which step at a moment, as it was known at another."""

from __future__ import annotations

from typing import Final

from services.casefile.domain.steps import Party
from services.casefile.history import of_case
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    listed,
    named,
    party,
    proofs,
    spoken,
    written,
)
from services.casefile.reports.report import History, Moment
from services.casefile.reports.responsibility_gaps import SOURCES


def find(inquiry: Inquiry) -> Answer:
    """The lead and the owner of each open step, with the events by which they came to it."""
    case, at = inquiry.history.case, inquiry.until
    now = of_case(case, at=at)
    facts: Facts = {
        "at": written(at),
        "state": case.state,
        "caseLead": party(now.case_lead) if now.case_lead is not None else None,
        "steps": [
            {
                "step": step.step,
                "about": step.about,
                "owner": party(step.owner),
                "since": written(step.since),
                "dueAt": written(step.due_at),
                "overdue": step.overdue,
            }
            for step in now.steps
        ],
    }
    shown = proofs(*_begun(inquiry.history).values())
    lead = f" The case lead was {named(now.case_lead)}." if now.case_lead is not None else ""
    if not now.steps:
        return Answer(f"On {spoken(at)} no step was open, for the case was {case.state}.{lead}", facts, shown)
    owned = listed(f"{step.step}: {named(step.owner)} since {spoken(step.since)}" for step in now.steps)
    return Answer(f"On {spoken(at)} each open step had one owner. {owned}.{lead}", facts, shown)


def _begun(history: History) -> dict[str, Moment]:
    """By the key of each step that is open at the end, the event by which its owner came to it."""
    begun: dict[str, Moment] = {}
    owners: dict[str, Party] = {}
    for moment in history.moments:
        now = {step.key: step.owner for step in moment.after.steps}
        if moment.after.lead is not None:
            now["case lead"] = moment.after.lead
        for key, owner in now.items():
            if owners.get(key) != owner:
                begun[key] = moment
        owners = now
    return {key: begun[key] for key in owners}


QUESTION: Final = Question("Q4", "Who was responsible for which step at that moment, as it was known?", SOURCES, find)
