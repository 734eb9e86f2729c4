"""The shapes of a case's raw record."""

from __future__ import annotations

from contracts.answers import Contract, RecordedAnswer


class ChainedAnswer(RecordedAnswer):
    """An event of a case's raw record. `chain` is the value of the case's hash chain behind it.

    That is the SHA-256 of the value before it (64 zeros at the beginning) and of `digest`, both in hexadecimal.
    """

    chain: str


class ChainedPage(Contract):
    """The raw record of a case."""

    items: list[ChainedAnswer]
    next: str | None
