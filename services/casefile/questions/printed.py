"""The answer to a question as the shell prints it, made from the log alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

from services.casefile.questions.catalogue import QUESTIONS
from services.casefile.questions.replayed import When, answer_of_case, answers_of_many
from services.casefile.questions.sampling import Which
from services.chassis.settings import Settings
from services.progress import Say


def printed(
    settings: Settings, name: str, case: str | None, which: Which, when: When, by: When, say: Say, *, as_json: bool
) -> str:
    """The answer of a case, or of many without one. Raises UnknownCase, NoLog and UnknownFilter."""
    question = QUESTIONS[name]
    if case is not None:
        document = asyncio.run(answer_of_case(settings, question, case, when, by))
    else:
        document = asyncio.run(answers_of_many(settings, question, which, when, by, say))
    return to_json(document).decode() if as_json else "\n".join(_lines(document))


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['question']}  {document['asks']}"
    yield document["answer"]
    if "items" in document:
        for item in document["items"]:
            yield f"  {item['case']}: {item['answer']}"
        return
    yield from (f"  {proof['log']} {proof['position']}: {proof['event']}" for proof in document["evidence"])
