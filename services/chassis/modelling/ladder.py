"""The levels that a missed term climbs until what it waits for is done, and who is told at each.

When a term is missed, the event that says so has the instants of the levels to come; they are never computed again.
Each level fires once, and its event says who was told, by role and organisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from services.chassis.modelling.deadline import Deadline


class Receiver(Struct, frozen=True, kw_only=True):
    """Who is notified: those in a role of an organisation; without one, those in the role wherever they are."""

    role: str
    org: str | None = None


class LevelDue(Struct, frozen=True, kw_only=True):
    """A level that a missed term comes to at an instant (aware UTC), unless what it waits for is done before."""

    level: str
    at: datetime


class Terms(Protocol):
    """Terms by name, in a calendar."""

    def deadline(self, name: str, since: datetime) -> Deadline:
        """The end of the term `name` that starts at `since`."""


def levels_after(missed_at: datetime, terms: Terms, after: Mapping[str, str]) -> tuple[LevelDue, ...]:
    """The levels that a term comes to which was due at `missed_at`, the earliest first.

    `after` names for each level the term after which it comes. They count from the due time and not from now, so a
    scheduler that was down shifts none.
    """
    levels = (LevelDue(level=level, at=terms.deadline(term, missed_at).due_at) for level, term in after.items())
    return tuple(sorted(levels, key=lambda due: (due.at, due.level)))


def without(levels: Iterable[LevelDue], level: str) -> tuple[LevelDue, ...]:
    """The levels that are left once one has come."""
    return tuple(due for due in levels if due.level != level)
