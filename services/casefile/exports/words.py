"""Codes, times and people as documents for people have them."""

from __future__ import annotations

from datetime import UTC, datetime

from services.casefile.domain.steps import Party

_NAMES = frozenset({"NGO", "DPO"})
"""What stays as it is written."""


def in_words(code: str) -> str:
    """A code, such as `MATCH_CONFIRMATION`, as people read it."""
    first, *others = (part if part in _NAMES else part.lower() for part in code.split("_"))
    return " ".join((first[:1].upper() + first[1:], *others))


def moment(at: datetime | None, otherwise: str = "") -> str:
    """An instant to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at is not None else otherwise


def whom(sub: str | None, role: str | None, organisation: str | None) -> str:
    """A person with role and organisation; of an organisation that is awaited, that alone."""
    if sub is None:
        return organisation or "nobody"
    return f"{sub} ({in_words(role or '')}, {organisation})"


def named(party: Party | None) -> str:
    """A party, or that there is none."""
    return whom(party.sub, party.role, party.org) if party is not None else "nobody"
