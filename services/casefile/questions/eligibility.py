"""Q3: whether the person was eligible at entry, on which criteria, and on what that rests."""

from __future__ import annotations

from typing import Final

from services.casefile.domain.opening import EligibilityConfirmed
from services.casefile.history import occurred_at
from services.casefile.questions.question import (
    Answer,
    Facts,
    Inquiry,
    Question,
    actor_of,
    counted,
    entries,
    listed,
    named,
    proofs,
    spoken,
    written,
)

SOURCES: Final = ("EligibilityConfirmed", "ReferralEntryTaken")


def find(inquiry: Inquiry) -> Answer:
    """The results per criterion, each time that they were confirmed; the first is that at entry."""
    confirmed = [
        moment for moment in inquiry.history.moments if isinstance(moment.recorded.event, EligibilityConfirmed)
    ]
    submitted = [moment for moment, _ in entries(inquiry.history, "ReferralSubmitted", "BroadcastOpened")]
    shown = proofs(*confirmed, *submitted[:1])
    results = [(occurred_at(moment.recorded), moment.recorded.event.criteria) for moment in confirmed]
    facts: Facts = {"results": [{"at": written(at), "criteria": criteria} for at, criteria in results]}
    if not confirmed:
        return Answer("It is not on record whether the person was eligible.", facts, shown, clear=False)
    at, criteria = results[0]
    unmet = sorted(name for name, met in criteria.items() if not met)
    by = f"{named(actor_of(confirmed[0].recorded))} on {spoken(at)}"
    number = counted(len(criteria), "criterion", "criteria")
    if unmet:
        text = f"No: by {by} the person did not meet {listed(unmet)}, of {number}."
    elif not criteria:
        text = f"Eligibility was confirmed by {by} without any criterion."
    else:
        text = f"Yes: {by} confirmed {number}, all met: {listed(sorted(criteria))}."
    if len(results) > 1:
        text += f" It was confirmed again {counted(len(results) - 1, 'time')} later."
    return Answer(text, facts, shown, clear=bool(criteria) and not unmet)


QUESTION: Final = Question("Q3", "Was the person eligible at entry, on which criteria and evidence?", SOURCES, find)
