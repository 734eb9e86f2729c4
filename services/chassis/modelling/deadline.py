"""A deadline as events and views carry it, and when it is reminded of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from msgspec import Struct

REMIND_AFTER: Final = Fraction(4, 5)
"""The share of a term after which somebody is reminded."""


class Deadline(Struct, frozen=True):
    """What is due, until when, and when the awaited party is reminded (`REMIND_AFTER`); aware UTC.

    It is written into the event that starts the term and never computed again, so a calendar that changes later
    does not rewrite history.
    """

    name: str
    due_at: datetime
    remind_at: datetime


class PausedDeadline(Struct, frozen=True, kw_only=True):
    """A term that stands still: when it was due, and why it does not run (a code)."""

    deadline: str
    due_at: datetime
    reason: str


def paused(deadlines: Iterable[Deadline], reason: str) -> tuple[PausedDeadline, ...]:
    """The deadlines, as they stand still for that reason."""
    return tuple(PausedDeadline(deadline=due.name, due_at=due.due_at, reason=reason) for due in deadlines)


def deadline_between(name: str, since: datetime, due_at: datetime) -> Deadline:
    """The deadline of a term from `since` to `due_at`, reminded of in whole seconds and never after its time."""
    remind_at = since + (due_at - since) * REMIND_AFTER.numerator / REMIND_AFTER.denominator
    return Deadline(name, due_at, remind_at.astimezone(UTC).replace(microsecond=0))
