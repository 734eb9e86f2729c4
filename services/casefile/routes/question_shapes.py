"""The answers of the casefile service to auditors' questions."""

from __future__ import annotations

from typing import Any

from contracts.answers import Contract


class QuestionListed(Contract):
    """A question: what it asks, and the names of the events that its answer is made of."""

    name: str
    asks: str
    sources: list[str]


class QuestionList(Contract):
    """All questions."""

    items: list[QuestionListed]


class EvidenceAnswer(Contract):
    """An event that proves something: its id, and its position in the log of a service."""

    event: str
    log: str
    position: int


class QuestionAnswer(Contract):
    """The answer to a question about a case, in a sentence, with the facts and the events behind it.

    `clear`: nothing in it wants a second look. The facts differ from question to question.
    """

    question: str
    asks: str
    case: str
    as_of: str | None
    known_at: str | None
    answer: str
    clear: bool
    facts: dict[str, Any]
    evidence: list[EvidenceAnswer]


class QuestionAnswers(Contract):
    """The answers of many cases to one question, as one: which want a second look, and each of them.

    `sample` of them were drawn with `seed`. Without a sample it is a page, and `next` is the case behind which the
    next one begins.
    """

    question: str
    asks: str
    programme: str | None
    sample: int | None
    seed: int
    cases: int
    clear: int
    answer: str
    items: list[QuestionAnswer]
    next: str | None
