"""The answers of many cases to one question, as one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.casefile.questions.question import Question, counted, listed

MOST_NAMED = 20
"""So many cases that want a second look are named in the sentence; the items have all of them."""


def together(question: Question, documents: Sequence[dict[str, Any]], **drawn: Any) -> dict[str, Any]:
    """One document over the answers of many cases; `drawn` says how these were chosen."""
    unclear = [document["case"] for document in documents if not document["clear"]]
    return {
        "question": question.name,
        "asks": question.asks,
        **drawn,
        "cases": len(documents),
        "clear": len(documents) - len(unclear),
        "answer": _in_words(len(documents), unclear),
        "items": list(documents),
    }


def _in_words(many: int, unclear: Sequence[str]) -> str:
    if not many:
        return "There is no such case."
    if not unclear:
        return f"In {counted(many, 'case')} nothing wants a second look."
    named = listed([*unclear[:MOST_NAMED], *(["others"] if len(unclear) > MOST_NAMED else [])])
    want = "wants" if len(unclear) == 1 else "want"
    return f"Of {counted(many, 'case')}, {len(unclear)} {want} a second look: {named}."
