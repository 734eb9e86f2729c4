"""All questions, by name."""

from __future__ import annotations

from typing import Any, Final

from services.casefile.questions import (
    completeness,
    corrected,
    decisions,
    disclosures,
    duplicates,
    eligibility,
    lapses,
    legal_bases,
    loop_closed,
    monitoring,
    preparation,
    public_work,
    responsible,
    results,
    roles_kept,
    terms,
)
from services.casefile.questions.question import Question

_LISTED: Final[tuple[Question, ...]] = (
    decisions.QUESTION,
    legal_bases.QUESTION,
    eligibility.QUESTION,
    responsible.QUESTION,
    lapses.QUESTION,
    terms.QUESTION,
    roles_kept.QUESTION,
    public_work.QUESTION,
    disclosures.QUESTION,
    preparation.QUESTION,
    monitoring.QUESTION,
    loop_closed.QUESTION,
    results.QUESTION,
    duplicates.QUESTION,
    completeness.QUESTION,
    corrected.QUESTION,
)

QUESTIONS: Final = {question.name: question for question in _LISTED}
"""In the order of the domain reference: Q1 to Q16."""


def listed() -> list[dict[str, Any]]:
    """All questions in their JSON shape: what each asks, and which events its answer is made of."""
    return [
        {"name": question.name, "asks": question.asks, "sources": question.sources} for question in QUESTIONS.values()
    ]
